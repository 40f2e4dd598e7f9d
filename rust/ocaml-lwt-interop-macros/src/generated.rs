//! What generated code has in common: its places, and what OCaml passes how.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{ItemFn, ReturnType};

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
