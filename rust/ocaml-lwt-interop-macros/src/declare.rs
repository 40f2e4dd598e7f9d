//! Writes what declarations are made from: of a `#[func]`, its name and types, in a section of the library; of a type with a
//! derive, its definition.
//!
//! Types are handed to the compiler, which resolves them: nothing here goes by how they are spelled, but that a return type with
//! `impl Stream` is one of streams, as everywhere.

use crate::check::{Exported, Gives, Label, Owner};
use crate::generated::{MOST_ARGUMENTS_WITHOUT_TWIN, hygienic, result_place};
use crate::parse::Runs;
use crate::stream;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, GenericArgument, ItemFn, Meta, PathArguments, ReturnType, Type, TypeImplTrait,
    TypeParamBound,
};

/// The static that the section holds, and the function that says what OCaml gets.
pub(crate) fn function(function: &ItemFn, exported: &Exported) -> TokenStream {
    let at = hygienic(function.sig.ident.span());
    let interop = &exported.interop;
    let private = quote_spanned!(at=> #interop::__private);
    let declare = quote_spanned!(at=> #private::declare);
    let symbol = &exported.symbol;
    let name = function.sig.ident.unraw().to_string();
    let docs = docs(&function.attrs, at);
    let arguments = exported.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        let at = hygienic(ty.span());
        let label = match &argument.label {
            Label::None => quote_spanned!(at=> #private::Label::None),
            Label::Labelled(label) => quote_spanned!(at=> #private::Label::Labelled(#label)),
            Label::Optional(label) => quote_spanned!(at=> #private::Label::Optional(#label)),
        };
        quote_spanned! {at=>
            #private::FunctionArgument {
                name: #name,
                label: #label,
                ty: |types: &mut #declare::Types| -> #declare::Type {
                    use #private::{Known as _, Unknown as _};
                    (&&#private::Described::<#ty, #declare::Coming>::NEW).ocaml_type(types)
                },
            }
        }
    });
    let module = match &exported.owner {
        None => quote_spanned!(at=> ::core::module_path!()),
        Some(Owner { ty, name, .. }) => quote_spanned! {at=>
            match #private::Probe::<#ty>::MODULE {
                ::core::option::Option::Some(module) => module,
                ::core::option::Option::None => ::core::concat!(::core::module_path!(), "::", #name),
            }
        },
    };
    // Functions of a block are all where its attribute is.
    let index = exported.owner.as_ref().map(|owner| {
        let index = owner.index;
        quote_spanned!(at=> + #index)
    });
    let not_object = exported
        .owner
        .as_ref()
        .map(|_| quote_spanned!(at=> #[allow(unused_imports)] use #private::NotObject as _;));
    let promise = exported.runs != Runs::Sync && exported.gives != Gives::Stream;
    let twin = exported.arguments.len() > MOST_ARGUMENTS_WITHOUT_TWIN;
    let result = result(function, exported, &private);
    // Nothing of them is used where nothing is returned.
    let traits = match &function.sig.output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::Never(_)) => Some(quote_spanned! {at=>
            use #private::{ReturnedError as _, ReturnedOCamlError as _, ReturnedValue as _};
        }),
        _ => None,
    };
    let declaration = quote_spanned! {at=>
        Function(#private::Function {
            symbol: #symbol,
            name: #name,
            module: #module,
            place: (::core::file!(), ::core::line!() #index),
            docs: #docs,
            arguments: &[#(#arguments),*],
            result: __result,
            promise: #promise,
            twin: #twin,
        })
    };
    let in_section = in_section(&private, &declaration);
    quote_spanned! {at=>
        /// What OCaml gets.
        fn __result(types: &mut #declare::Types) -> #declare::Type {
            use #private::{Known as _, Unknown as _};
            #traits
            #result
        }

        #not_object
        #in_section
    }
}

/// Puts a declaration into the section.
pub(crate) fn in_section(private: &TokenStream, declaration: &TokenStream) -> TokenStream {
    quote_spanned! {hygienic(Span::call_site())=>
        /// What its declaration is made from.
        #[used]
        #[cfg_attr(
            not(target_vendor = "apple"),
            unsafe(link_section = "rust_async_decl")
        )]
        #[cfg_attr(
            target_vendor = "apple",
            unsafe(link_section = "__DATA,rust_async_decl")
        )]
        static __DECLARATION: &#private::Declaration = &#private::Declaration::#declaration;
    }
}

/// The type of what OCaml gets, without its promise.
fn result(function: &ItemFn, exported: &Exported, private: &TokenStream) -> TokenStream {
    let at = result_place(function);
    let plain = |ty: TokenStream| quote_spanned!(at=> (&&&#private::Returned::<#ty>::NEW).plain());
    let ty = match &function.sig.output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::Never(_)) => &**ty,
        // Nothing, or never anything.
        _ => {
            return quote_spanned!(at=> (&&#private::Described::<(), #private::declare::Going>::NEW).ocaml_type(types));
        }
    };
    let found = match exported.gives {
        Gives::Promise => None,
        Gives::PromiseOfStream | Gives::Stream => stream::find(stream::without_parentheses(ty)),
    };
    let Some(found) = found else {
        let plain = plain(quote_spanned!(at=> #ty));
        return quote_spanned!(at=> (&&#plain).ocaml_type(types));
    };
    let item = item(found.stream);
    let item = plain(quote_spanned!(at=> #item));
    // In a `Result` its error is one that OCaml gets as an exception: no other has a stream.
    quote_spanned!(at=> (&&#item.stream()).ocaml_type(types))
}

/// The type of the items of an `impl Stream<Item = T>`.
fn item(ty: &TypeImplTrait) -> TokenStream {
    let items = ty.bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last(),
        _ => None,
    });
    let mut items = items.filter_map(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
                _ => None,
            })
        }
        _ => None,
    });
    match items.next() {
        Some(item) => {
            let at = hygienic(item.span());
            quote_spanned!(at=> #item)
        }
        // The compiler says that a stream of what nobody knows does not cross.
        None => quote_spanned!(hygienic(ty.span())=> ()),
    }
}

/// The lines of a doc comment.
pub(crate) fn docs(attributes: &[Attribute], at: Span) -> TokenStream {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(doc) if doc.path.is_ident("doc") => Some(&doc.value),
            _ => None,
        });
    quote_spanned!(at=> &[#(#lines),*])
}
