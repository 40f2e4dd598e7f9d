//! What the declaration of a record or variant is made from.
//!
//! 1. The definition has its parameters as `Var`s, whatever they are where the type stands: each parameter in the type of a part
//!    is replaced by one. So the type has to make sense for any parameter; where a bound says that it does not, declarations are
//!    refused.
//!    A part whose type has no description with `Var`s is refused as well, in the declarations only.
//! 2. The impls of both derives stand for one direction each, so that a type may have either, or both.

use super::shape::{Constructor, Form, Part, Shape};
use crate::declare::docs;
use crate::generated::hygienic;
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericParam, Member, WherePredicate};

macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

impl Shape {
    /// The impl of `OCamlType`.
    pub(super) fn ocaml_type(&self, direction: &TokenStream) -> TokenStream {
        let Shape {
            name,
            interop,
            generics,
            given,
            ..
        } = self;
        let private = code!(#interop::__private);
        let declare = code!(#private::declare);
        let of = code!(#declare::OCamlType<#declare::#direction>);
        let docs = docs(&self.attributes, Span::mixed_site());
        let (impl_generics, arguments, _) = generics.split_for_impl();
        let bounds = self.bounds_of_type(direction);
        let body = if self.takes_any_parameter() {
            let parameters = generics.type_params().map(|parameter| &parameter.ident);
            let definition = self.definition(&private, direction);
            let key = name.to_string();
            code! {
                use #private::{Known as _, Unknown as _};
                let arguments = ::std::vec![#(<#parameters as #of>::ocaml_type(types)),*];
                let declared = #declare::Declared {
                    key: ::core::concat!(::core::module_path!(), "::", #key),
                    name: #given,
                    docs: #docs,
                };
                types.declared(&declared, <Self as #of>::ocaml_type, arguments, |types| #definition)
            }
        } else {
            let why = format!(
                "the parameters of {name} have bounds, and OCaml's type would have to be for any parameter: take the bounds \
                 to the functions that need them, or write out a type without parameters"
            );
            code! {
                let _ = types;
                #declare::Type::refused(#why)
            }
        };
        code! {
            // SAFETY: what the conversions make and read, in the order of their fields and constructors
            #[automatically_derived]
            unsafe impl #impl_generics #of for #name #arguments #bounds {
                fn ocaml_type(types: &mut #declare::Types) -> #declare::Type {
                    #body
                }
            }
        }
    }

    /// The type's own `where`, and that each parameter has an OCaml type.
    pub(super) fn bounds_of_type(&self, direction: &TokenStream) -> Option<syn::WhereClause> {
        let mut clause = self.generics.where_clause.clone();
        if !self.takes_any_parameter() {
            return clause;
        }
        let interop = &self.interop;
        let declare = code!(#interop::__private::declare);
        for parameter in self.generics.type_params() {
            let parameter = &parameter.ident;
            let bound: WherePredicate =
                syn::parse_quote!(#parameter: #declare::OCamlType<#declare::#direction>);
            clause
                .get_or_insert_with(|| syn::parse_quote!(where))
                .predicates
                .push(bound);
        }
        clause
    }

    /// Whether the parts make sense with `Var`s for the parameters: no bound asks for a trait that they do not have.
    fn takes_any_parameter(&self) -> bool {
        const KNOWN: &[&str] = &[
            "Clone",
            "Copy",
            "Debug",
            "Default",
            "PartialEq",
            "Eq",
            "PartialOrd",
            "Ord",
            "Hash",
            "Send",
            "Sync",
            "Sized",
            "Unpin",
        ];
        let known = |bound: &syn::TypeParamBound| match bound {
            syn::TypeParamBound::Trait(bound) => bound
                .path
                .segments
                .last()
                .is_some_and(|last| KNOWN.iter().any(|known| last.ident == known)),
            syn::TypeParamBound::Lifetime(_) => true,
            _ => false,
        };
        let inline = self
            .generics
            .type_params()
            .all(|parameter| parameter.bounds.iter().all(known));
        let clause = self
            .generics
            .where_clause
            .iter()
            .flat_map(|clause| &clause.predicates);
        inline
            && clause.into_iter().all(|predicate| match predicate {
                WherePredicate::Type(predicate) => predicate.bounds.iter().all(known),
                _ => true,
            })
    }

    fn definition(&self, private: &TokenStream, direction: &TokenStream) -> TokenStream {
        let declare = &code!(#private::declare);
        let definition = code!(#declare::Definition);
        let ty = |part: &Part| {
            let ty = self.with_vars(part.ty.to_token_stream(), declare);
            let at = hygienic(part.ty.span());
            quote_spanned!(at=> (&&#private::Described::<#ty, #declare::#direction>::NEW).ocaml_type(types))
        };
        let constructor = |name: &str, attributes: &[syn::Attribute], parts: &[Part]| {
            let docs = docs(attributes, Span::mixed_site());
            let parts = held(parts, declare, &ty);
            code!(#declare::Constructor { name: #name, docs: #docs, parts: #parts })
        };
        let variant = |unboxed: bool, constructors: &[TokenStream]| {
            code! {
                #definition::Variant {
                    unboxed: #unboxed,
                    constructors: ::std::vec![#(#constructors),*],
                }
            }
        };
        let record = |unboxed: bool, parts: &[Part]| {
            let fields = fields(parts, declare, &ty);
            code!(#definition::Record { unboxed: #unboxed, fields: #fields })
        };
        let constructors = |all: &[Constructor]| -> Vec<TokenStream> {
            all.iter()
                .map(|one| constructor(&one.given, &one.attributes, &one.parts))
                .collect()
        };
        let own = self.name.unraw().to_string();
        match &self.form {
            Form::Record(parts) => record(false, parts),
            Form::Tuple(parts) => variant(false, &[constructor(&own, &[], parts)]),
            Form::Unboxed(None, part) if matches!(part.member, Member::Named(_)) => {
                record(true, std::slice::from_ref(part))
            }
            Form::Unboxed(name, part) => {
                let name = name.as_ref().map_or(&own, |(_, given)| given);
                let parts = std::slice::from_ref(&**part);
                variant(true, &[constructor(name, &[], parts)])
            }
            Form::Variant(all) => variant(false, &constructors(all)),
            Form::Polymorphic(all) => {
                let constructors = constructors(all);
                code!(#definition::Polymorphic { constructors: ::std::vec![#(#constructors),*] })
            }
        }
    }

    /// The type of a part, with `Var`s for the parameters, and without `Self`, which would be the type where it stands.
    fn with_vars(&self, tokens: TokenStream, declare: &TokenStream) -> TokenStream {
        let names: Vec<_> = self.generics.type_params().map(|p| &p.ident).collect();
        if names.is_empty() {
            return tokens;
        }
        let replace = |token: TokenTree| -> TokenStream {
            let ident = match &token {
                TokenTree::Group(group) => {
                    let mut inside =
                        Group::new(group.delimiter(), self.with_vars(group.stream(), declare));
                    inside.set_span(group.span());
                    return TokenTree::Group(inside).into();
                }
                TokenTree::Ident(ident) => ident,
                TokenTree::Punct(_) | TokenTree::Literal(_) => return token.into(),
            };
            if ident == "Self" {
                let name = &self.name;
                let arguments = self
                    .generics
                    .params
                    .iter()
                    .map(|parameter| match parameter {
                        GenericParam::Lifetime(lifetime) => lifetime.lifetime.to_token_stream(),
                        GenericParam::Type(ty) => {
                            self.with_vars(ty.ident.to_token_stream(), declare)
                        }
                        GenericParam::Const(value) => value.ident.to_token_stream(),
                    });
                return code!(#name<#(#arguments),*>);
            }
            match names.iter().position(|name| *name == ident) {
                Some(number) => code!(#declare::Var<#number>),
                None => token.into(),
            }
        };
        tokens.into_iter().map(replace).collect()
    }
}

/// What a constructor holds. `ty` describes the type of a part.
pub(super) fn held(
    parts: &[Part],
    declare: &TokenStream,
    ty: &dyn Fn(&Part) -> TokenStream,
) -> TokenStream {
    match parts.first() {
        Some(Part {
            member: Member::Named(_),
            ..
        }) => {
            let fields = fields(parts, declare, ty);
            code!(#declare::Parts::Named(#fields))
        }
        _ => {
            let types = parts.iter().map(ty);
            code!(#declare::Parts::Unnamed(::std::vec![#(#types),*]))
        }
    }
}

fn fields(parts: &[Part], declare: &TokenStream, ty: &dyn Fn(&Part) -> TokenStream) -> TokenStream {
    let fields = parts.iter().map(|part| {
        let ty = ty(part);
        let name = part.given.clone().unwrap_or_else(|| match &part.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        });
        let docs = docs(&part.attributes, Span::mixed_site());
        code!(#declare::Field { name: #name, docs: #docs, ty: #ty })
    });
    code!(::std::vec![#(#fields),*])
}
