//! `#[object]`: a type whose values are objects for OCaml.

use crate::declare::docs;
use crate::generated::hygienic;
use crate::messages::{self, Errors};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Item, Lit, Meta, MetaNameValue, Path, Token};

macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

struct Options {
    drops_at_home: bool,
    size: Option<Expr>,
    name: Option<String>,
    interop: Path,
}

/// The type, and what makes it an object; or the errors, and the type.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = read_options(options, &mut errors);
    let parsed = match syn::parse2(item.clone()) {
        Ok(Item::Struct(item)) => Some((item.ident, item.generics, item.attrs)),
        Ok(Item::Enum(item)) => Some((item.ident, item.generics, item.attrs)),
        Ok(_) => {
            errors.push(messages::NOT_A_TYPE.at_span(Span::call_site()));
            None
        }
        Err(error) => {
            errors.push(error);
            None
        }
    };
    if let Some((_, generics, _)) = &parsed {
        if !generics.params.is_empty() {
            errors.push(messages::OBJECT_GENERIC.at(generics));
        }
    }
    let (name, attributes) = match (errors.report(), parsed) {
        (None, Some((name, _, attributes))) => (name, attributes),
        (report, _) => return quote!(#report #item),
    };
    let Options {
        drops_at_home,
        size,
        name: given,
        interop,
    } = options;
    let private = code!(#interop::__private);
    let declare = code!(#private::declare);
    let text = name.to_string();
    let given = given.unwrap_or_else(|| text.clone());
    let docs = docs(&attributes, Span::mixed_site());
    let bytes = size.map(|size| {
        let at = hygienic(size.span());
        let bytes = match &size {
            Expr::Lit(number) => quote_spanned!(at=> #number),
            function => quote_spanned!(at=> (#function)(self)),
        };
        quote_spanned!(at=> fn bytes(&self) -> usize { #bytes })
    });
    let expansion = code! {
        const _: () = {
            #[allow(unused_imports)]
            use #private::{NotSend as _, NotShared as _};

            // SAFETY: the compiler says of what it is; the declaration is that of an object
            #[automatically_derived]
            unsafe impl #interop::OCamlObject for #name {
                const NAME: &'static str = #given;
                const MODULE: &'static str = ::core::concat!(::core::module_path!(), "::", #given);
                const IS_SEND: bool = #private::Probe::<#name>::IS_SEND;
                const IS_SHARED: bool = #private::Probe::<#name>::IS_SHARED;
                const DROPS_AT_HOME: bool = #drops_at_home;

                #bytes
            }

            // SAFETY: what converts is an object, of a type of its own
            #[automatically_derived]
            unsafe impl<Direction> #declare::OCamlType<Direction> for #name {
                fn ocaml_type(types: &mut #declare::Types) -> #declare::Type {
                    let declared = #declare::Declared {
                        key: ::core::concat!(::core::module_path!(), "::", #text),
                        name: #given,
                        docs: #docs,
                    };
                    types.declared(
                        &declared,
                        <Self as #declare::OCamlType<Direction>>::ocaml_type,
                        ::std::vec::Vec::new(),
                        |_| #declare::Definition::Object,
                    )
                }
            }
        };
    };
    quote!(#item #expansion)
}

fn read_options(tokens: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options {
        drops_at_home: false,
        size: None,
        name: None,
        interop: syn::parse_quote!(::ocaml_lwt_interop),
    };
    let list = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(list) => list,
        Err(error) => {
            errors.push(messages::OBJECT_OPTION.at_span(error.span()));
            return options;
        }
    };
    for option in list {
        let Meta::NameValue(MetaNameValue { path, value, .. }) = &option else {
            errors.push(messages::OBJECT_OPTION.at(&option));
            continue;
        };
        let text = match value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text),
            _ => None,
        };
        match (path.to_token_stream().to_string().as_str(), text) {
            ("drop", Some(place)) if place.value() == "home" => options.drops_at_home = true,
            ("name", Some(name)) => options.name = Some(name.value()),
            ("size", None) => options.size = Some(value.clone()),
            ("crate", Some(path)) if path.parse::<Path>().is_ok() => {
                options.interop = path.parse().unwrap_or(options.interop);
            }
            _ => errors.push(messages::OBJECT_OPTION.at(&option)),
        }
    }
    options
}
