//! Polymorphic variants: `#[ocaml(polymorphic)]`.
//!
//! A tag is a number, made from its name; with a value it is a pair of that number and the value; several values are a tuple
//! (OCaml manual, "Interfacing C with OCaml", on polymorphic variants).

use super::shape::{Constructor, Part, numbered, partition};
use crate::generated::hygienic;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

/// The number of a tag, as an `int` (`caml_hash_variant`: `hash_variant.c` in 4.13, `hash.c` in 5.4).
fn number(constructor: &Constructor) -> TokenStream {
    let hash = constructor.given.bytes().fold(0i32, |hash, byte| {
        hash.wrapping_mul(223).wrapping_add(i32::from(byte))
    });
    // 31 bits, and the highest is the sign.
    let signed = (hash << 1) >> 1;
    let absolute = Literal::u32_unsuffixed(signed.unsigned_abs());
    if signed < 0 {
        code!(-#absolute)
    } else {
        code!(#absolute)
    }
}

/// The value behind a tag: `Type` of one, a tuple of several.
fn ty(parts: &[Part]) -> TokenStream {
    let types = parts.iter().map(|Part { ty, .. }| {
        let at = hygienic(ty.span());
        quote_spanned!(at=> #ty)
    });
    match parts {
        [_] => code!(#(#types)*),
        _ => code!((#(#types),*)),
    }
}

/// Tells a visitor the value.
pub(super) fn description(
    name: &Ident,
    constructors: &[Constructor],
    value: &TokenStream,
) -> TokenStream {
    let visitor = code!(#value::build::Visitor);
    let arms = constructors.iter().map(|constructor| {
        let (own, number) = (&constructor.name, number(constructor));
        let parts = &constructor.parts;
        if parts.is_empty() {
            return code!(#name::#own { .. } => #visitor::immediate(visitor, #number),);
        }
        let members = parts.iter().map(|part| &part.member);
        let (names, held) = (numbered(parts), numbered(parts));
        let held = match &**parts {
            [_] => code!(#(#held)*),
            _ => code!(&(#(#held),*)),
        };
        code! {
            #name::#own { #(#members: #names),* } => {
                let mut block = #visitor::begin(visitor, 0u8, 2usize, #value::float::Flat::No);
                #visitor::part(visitor, &mut block, &((#number) as isize));
                #visitor::part(visitor, &mut block, #held);
                #visitor::end(visitor, block);
            }
        }
    });
    code!(match self { #(#arms)* })
}

/// Reads the value of a frame.
pub(super) fn reading(
    name: &Ident,
    constructors: &[Constructor],
    value: &TokenStream,
) -> TokenStream {
    let read = code!(#value::read);
    let (constant, blocks) = partition(constructors);
    let constant = constant.iter().map(|constructor| {
        let (own, number) = (&constructor.name, number(constructor));
        code!(#number => #name::#own {},)
    });
    let blocks = blocks.iter().map(|constructor| {
        let (own, number) = (&constructor.name, number(constructor));
        let parts = &constructor.parts;
        let (ty, members, names) = (
            ty(parts),
            parts.iter().map(|part| &part.member),
            numbered(parts),
        );
        let pattern = numbered(parts);
        let pattern = match &**parts {
            [_] => code!(#(#pattern)*),
            _ => code!((#(#pattern),*)),
        };
        code! {
            #number => {
                let #pattern = #read::part::<#ty>(frame, 1, false);
                #name::#own { #(#members: #names),* }
            }
        }
    });
    let text = name.to_string();
    code! {
        if frame.is_immediate() {
            match frame.int() {
                #(#constant)*
                number => #read::unknown_polymorphic(#text, number),
            }
        } else {
            match #read::part::<isize>(frame, 0, false) {
                #(#blocks)*
                number => #read::unknown_polymorphic(#text, number),
            }
        }
    }
}

/// Whether a value can be one of the type.
pub(super) fn shape(constructors: &[Constructor], value: &TokenStream) -> TokenStream {
    let shape = code!(#value::shape);
    let (constant, blocks) = partition(constructors);
    let constant = constant.into_iter().map(number);
    let blocks = blocks.iter().map(|constructor| {
        let (number, ty) = (number(constructor), ty(&constructor.parts));
        code!(|| #shape::is_polymorphic(value, #number, <#ty as #value::FromOCaml>::has_shape))
    });
    code!(#shape::is_one_of(value, &[#(#constant),*]) #(#blocks)*)
}
