//! `#[interface]`: a trait that OCaml implements.

use crate::check::{Label, is_ocaml, label};
use crate::declare::{docs, in_section};
use crate::generated::{hygienic, runtime_for_tests};
use crate::messages::{self, Errors};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Expr, ExprLit, FnArg, Ident, ItemTrait, Lit, Meta, Pat, Path, ReturnType, Token, TraitItem,
    TraitItemFn, Type, TypeReference,
};

macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

struct Options {
    name: Option<String>,
    interop: Path,
}

struct Method {
    name: Ident,
    is_async: bool,
    arguments: Vec<Argument>,
    result: TokenStream,
    docs: TokenStream,
}

struct Argument {
    name: Ident,
    label: Label,
    ty: Type,
}

/// The trait, and what makes it an interface; or the errors, and the trait.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Options { name, interop } = read_options(options, &mut errors);
    let mut interface: ItemTrait = match syn::parse2(item.clone()) {
        Ok(interface) => interface,
        Err(_) => {
            errors.push(messages::NOT_A_TRAIT.at_span(Span::call_site()));
            let report = errors.report();
            return quote!(#report #item);
        }
    };
    if !interface.generics.params.is_empty() || interface.generics.where_clause.is_some() {
        errors.push(messages::INTERFACE_GENERIC.at(&interface.generics));
    }
    if interface.items.is_empty() {
        errors.push(messages::INTERFACE_EMPTY.at(&interface.ident));
    }
    let methods: Vec<Method> = interface
        .items
        .iter_mut()
        .filter_map(|item| match item {
            TraitItem::Fn(function) => method(function, &interop, &mut errors),
            other => {
                errors.push(messages::INTERFACE_ITEM.at(other));
                None
            }
        })
        .collect();
    if let Some(report) = errors.report() {
        return quote!(#report #item);
    }
    let bounds = [quote!(::core::marker::Send), quote!(::core::marker::Sync)];
    for bound in bounds {
        interface.supertraits.push(syn::parse_quote!(#bound));
    }
    interface.supertraits.push(syn::parse_quote!('static));
    interface.colon_token.get_or_insert_with(Default::default);
    let expansion = expansion(&interface, name, &methods, &interop);
    quote!(#interface #expansion)
}

fn expansion(
    interface: &ItemTrait,
    name: Option<String>,
    methods: &[Method],
    interop: &Path,
) -> TokenStream {
    let ident = &interface.ident;
    let text = ident.unraw().to_string();
    let given = name.unwrap_or_else(|| text.clone());
    let docs = docs(&interface.attrs, Span::mixed_site());
    let private = code!(#interop::__private);
    let declare = code!(#private::declare);
    let names = methods.iter().map(|method| method.name.unraw().to_string());
    let calls = methods
        .iter()
        .enumerate()
        .map(|(number, method)| method.call(number, &text, interop, &private));
    let described = methods.iter().map(|method| method.described(&private));
    let declaration = code! {
        Interface(#private::DeclaredInterface {
            module: ::core::module_path!(),
            name: #text,
            place: (::core::file!(), ::core::line!()),
            ty: <dyn #ident as #interop::interface::Interface>::ocaml_type,
        })
    };
    let in_section = in_section(&private, &declaration);
    let runtime = runtime_for_tests(interop);
    code! {
        const _: () = {
            struct __Implementation(#private::Functions);

            #[automatically_derived]
            impl #ident for __Implementation {
                #(#calls)*
            }

            // SAFETY: the functions are called by their numbers in that record, with these types
            #[automatically_derived]
            unsafe impl #interop::interface::Interface for dyn #ident {
                const KEY: &'static str = ::core::concat!(::core::module_path!(), "::", #text);
                const FUNCTIONS: &'static [&'static str] = &[#(#names),*];

                fn ocaml_type(types: &mut #declare::Types) -> #declare::Type {
                    let declared = #declare::Declared {
                        key: <Self as #interop::interface::Interface>::KEY,
                        name: #given,
                        docs: #docs,
                    };
                    types.declared(
                        &declared,
                        <Self as #interop::interface::Interface>::ocaml_type,
                        ::std::vec::Vec::new(),
                        |types| #declare::Definition::Interface { methods: ::std::vec![#(#described),*] },
                    )
                }

                fn implemented(functions: #private::Functions) -> ::std::sync::Arc<Self> {
                    ::std::sync::Arc::new(__Implementation(functions))
                }
            }

            #in_section
            #runtime
        };
    }
}

/// Reads a function, and makes it one of a trait that `dyn` can be written before.
fn method(function: &mut TraitItemFn, interop: &Path, errors: &mut Errors) -> Option<Method> {
    let signature = &mut function.sig;
    if let Some(body) = &function.default {
        errors.push(messages::INTERFACE_BODY.at(body));
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        errors.push(messages::INTERFACE_GENERIC.at(&signature.generics));
    }
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver))
            if receiver.reference.is_some() && receiver.mutability.is_none() => {}
        _ => errors.push(messages::INTERFACE_SELF.at(&signature)),
    }
    let mut arguments = Vec::new();
    for input in &mut signature.inputs {
        let FnArg::Typed(argument) = input else {
            continue;
        };
        match &*argument.ty {
            Type::Reference(reference) if !is_static(reference) => {
                errors.push(messages::INTERFACE_REFERENCE.at(reference));
            }
            _ => {}
        }
        let Pat::Ident(name) = &*argument.pat else {
            errors.push(messages::PATTERN.at(&argument.pat));
            continue;
        };
        arguments.push(Argument {
            label: label(&argument.attrs, &name.ident.unraw().to_string(), errors),
            name: name.ident.clone(),
            ty: Type::clone(&argument.ty),
        });
        argument.attrs.retain(|attribute| !is_ocaml(attribute));
    }
    let optional = |label: &Label| matches!(label, Label::Optional(_));
    let plain = |label: &Label| matches!(label, Label::None);
    let last = |is: &dyn Fn(&Label) -> bool| arguments.iter().rposition(|it| is(&it.label));
    if last(&optional) > last(&plain) {
        errors.push(messages::OPTIONAL_LAST.at(&signature.inputs));
    }
    let result = match &signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => {
            let at = hygienic(ty.span());
            quote_spanned!(at=> #ty)
        }
    };
    let is_async = signature.asyncness.take().is_some();
    if is_async {
        let call = quote_spanned!(result.span()=> #interop::interface::Call<#result>);
        signature.output = syn::parse_quote!(-> #call);
    }
    Some(Method {
        name: signature.ident.clone(),
        is_async,
        arguments,
        result,
        docs: docs(&function.attrs, Span::mixed_site()),
    })
}

/// What is there for ever may be lent.
fn is_static(reference: &TypeReference) -> bool {
    let lifetime = reference.lifetime.as_ref();
    reference.mutability.is_none() && lifetime.is_some_and(|lifetime| lifetime.ident == "static")
}

impl Method {
    /// The function of the implementation that calls OCaml.
    fn call(
        &self,
        number: usize,
        interface: &str,
        interop: &Path,
        private: &TokenStream,
    ) -> TokenStream {
        let Method {
            name,
            is_async,
            arguments,
            result,
            ..
        } = self;
        let shown = format!("{interface}::{}", name.unraw());
        let names: Vec<_> = arguments.iter().map(|argument| &argument.name).collect();
        let types = arguments.iter().map(|argument| &argument.ty);
        let (call, output) = match is_async {
            true => (code!(call_async), code!(#interop::interface::Call<#result>)),
            false => (code!(call), result.clone()),
        };
        let at = hygienic(result.span());
        quote_spanned! {at=>
            fn #name(&self, #(#names: #types),*) -> #output {
                #[allow(unused_imports)]
                use #private::{GivesError as _, GivesResult as _, GivesValue as _};
                let kind = (&&&#private::Gives::<#result>::NEW).kind();
                // SAFETY: so OCaml's record is declared
                unsafe { self.0.#call((#number, #shown), (#(#names,)*), kind) }
            }
        }
    }

    fn described(&self, private: &TokenStream) -> TokenStream {
        let Method {
            name,
            is_async,
            arguments,
            result,
            docs,
        } = self;
        let name = name.unraw().to_string();
        let arguments = arguments.iter().map(|Argument { name, label, ty }| {
            let name = name.unraw().to_string();
            let at = hygienic(ty.span());
            let label = match label {
                Label::None => quote_spanned!(at=> #private::Label::None),
                Label::Labelled(label) => quote_spanned!(at=> #private::Label::Labelled(#label)),
                Label::Optional(label) => quote_spanned!(at=> #private::Label::Optional(#label)),
            };
            quote_spanned! {at=>
                (#name, #label, {
                    use #private::{Known as _, Unknown as _};
                    (&&#private::Described::<#ty, #private::declare::Going>::NEW).ocaml_type(types)
                })
            }
        });
        let at = hygienic(result.span());
        quote_spanned! {at=>
            #private::declare::Method {
                name: #name,
                docs: #docs,
                arguments: ::std::vec![#(#arguments),*],
                result: {
                    #[allow(unused_imports)]
                    use #private::{GivesError as _, GivesResult as _, GivesValue as _, MethodType as _};
                    (&&&#private::Gives::<#result>::NEW).kind().ocaml_type(types)
                },
                promise: #is_async,
            }
        }
    }
}

fn read_options(tokens: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options {
        name: None,
        interop: syn::parse_quote!(::ocaml_lwt_interop),
    };
    let list = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(list) => list,
        Err(error) => {
            errors.push(messages::INTERFACE_OPTION.at_span(error.span()));
            return options;
        }
    };
    for option in list {
        let text = match &option {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text),
                _ => None,
            },
            _ => None,
        };
        match text {
            Some(name) if option.path().is_ident("name") => options.name = Some(name.value()),
            Some(path) if option.path().is_ident("crate") && path.parse::<Path>().is_ok() => {
                options.interop = path.parse().unwrap_or(options.interop);
            }
            _ => errors.push(messages::INTERFACE_OPTION.at(&option)),
        }
    }
    options
}
