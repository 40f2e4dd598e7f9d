//! `#[derive(Exception)]`: an exception of OCaml's that Rust declares.

use super::describe::held;
use super::shape::{self, Part, numbered};
use crate::declare::{docs, in_section};
use crate::generated::hygienic;
use crate::messages::Errors;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::DeriveInput;
use syn::spanned::Spanned;

macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

pub(crate) fn derive(input: DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let exception = shape::read_exception(input, &mut errors);
    match (errors.report(), exception) {
        (None, Some(exception)) => expand(&exception),
        (report, _) => report.unwrap_or_default(),
    }
}

fn expand(exception: &shape::Exception) -> TokenStream {
    let shape::Exception {
        name,
        interop,
        given,
        attributes,
        parts,
    } = exception;
    let private = code!(#interop::__private);
    let declare = code!(#private::declare);
    let text = name.to_string();
    let key = code!(::core::concat!(::core::module_path!(), "::", #text));
    let docs = docs(attributes, Span::mixed_site());
    let ty = |part: &Part| {
        let (ty, at) = (&part.ty, hygienic(part.ty.span()));
        quote_spanned!(at=> (&&#private::Described::<#ty, #declare::Going>::NEW).ocaml_type(types))
    };
    let held = held(parts, &declare, &ty);
    let declaration = code! {
        Exception(#private::DeclaredException {
            key: #key,
            name: #given,
            module: ::core::module_path!(),
            place: (::core::file!(), ::core::line!()),
            docs: #docs,
            parts: |types: &mut #declare::Types| -> #declare::Parts {
                use #private::{Known as _, Unknown as _};
                let _ = &types;
                #held
            },
        })
    };
    let in_section = in_section(&private, &declaration);
    let types = parts.iter().map(|part| &part.ty);
    let (members, names, values) = (
        parts.iter().map(|part| &part.member),
        numbered(parts),
        numbered(parts),
    );
    let read = parts
        .iter()
        .enumerate()
        .map(|(i, Part { member, ty, .. })| {
            let at = hygienic(ty.span());
            // Behind the constructor.
            let place = i + 1;
            let part = quote_spanned!(at=> #private::read::part::<#ty>(frame, #place, false));
            code!(#member: #part)
        });
    code! {
        const _: () = {
            #in_section

            // SAFETY: the declaration has the types of the parts, in their order
            #[automatically_derived]
            unsafe impl #interop::OCamlException for #name {
                const KEY: &'static str = #key;
                type Arguments = (#(#types,)*);

                #[allow(clippy::unused_unit)]
                fn into_arguments(self) -> Self::Arguments {
                    let #name { #(#members: #names),* } = self;
                    (#(#values,)*)
                }

                unsafe fn read(frame: &#private::read::Frame<'_>) -> Self {
                    frame.descend();
                    // SAFETY: the value is this exception, by the caller's word, so its parts are of their types
                    unsafe { #name { #(#read),* } }
                }
            }

            #[automatically_derived]
            impl ::core::convert::From<#name> for #interop::Error {
                fn from(exception: #name) -> Self {
                    #interop::Error::declared(exception)
                }
            }
        };
    }
}
