//! What generated code has in common: its places, and what OCaml passes how.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{ItemFn, Path, ReturnType};

/// OCaml passes more arguments than this to bytecode stubs in an array.
pub(crate) const MOST_ARGUMENTS_WITHOUT_TWIN: usize = 5;

/// A span at the user's code, with the names of the macro.
pub(crate) fn hygienic(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

pub(crate) fn result_place(function: &ItemFn) -> Span {
    hygienic(match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    })
}

/// Links OCaml's bytecode runtime into unit tests; those of a program with OCaml inside have a runtime already, as its build script
/// says.
pub(crate) fn runtime_for_tests(interop: &Path) -> Option<TokenStream> {
    let has_one = std::env::var_os("OCAML_LWT_INTEROP_HOST").is_some();
    (!has_one).then(|| {
        quote_spanned!(hygienic(Span::call_site())=> #interop::__private::link_runtime_into_tests!();)
    })
}
