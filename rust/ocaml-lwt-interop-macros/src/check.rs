//! Reads the signature: what OCaml can call, and what can live in a future.

use crate::generated::hygienic;
use crate::messages::{self, Errors};
use crate::parse::{Cancel, Options, Runs};
use crate::stream::{self, without_parentheses};
use crate::symbol;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{
    Attribute, FnArg, GenericParam, ItemFn, LitInt, Meta, Pat, PatType, Path, ReturnType,
    Signature, Type,
};
use types::{Place, Types, borrowed_object};

mod types;

pub(crate) use types::{is_raw, is_result_of_ocaml_error};

/// What `expand` has to know about a function.
pub(crate) struct Exported {
    /// The symbol that OCaml calls.
    pub(crate) symbol: String,
    /// As the errors call it.
    pub(crate) name: String,
    /// The arguments, in order.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) cancel: Cancel,
    pub(crate) runs: Runs,
    pub(crate) gives: Gives,
    /// How many items of a stream are read ahead, if it is said.
    pub(crate) window: Option<LitInt>,
    /// The path of the crate `ocaml-lwt-interop`.
    pub(crate) interop: Path,
    /// The type that it is a function of.
    pub(crate) owner: Option<Owner>,
}

impl Exported {
    /// Whether it borrows an object.
    pub(crate) fn borrows(&self) -> bool {
        self.arguments
            .iter()
            .any(|argument| argument.object.is_some())
    }
}

/// The type in whose `impl` a function stands.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) ty: Type,
    /// The last word of it.
    pub(crate) name: String,
    /// Which function of the block it is.
    pub(crate) index: u32,
}

/// What OCaml gets from a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gives {
    /// A promise of what the function returns.
    Promise,
    /// A promise of a stream.
    PromiseOfStream,
    /// A stream. The function is not async.
    Stream,
}

pub(crate) struct Argument {
    /// As the errors call it.
    pub(crate) name: String,
    pub(crate) label: Label,
    /// What OCaml's value converts to.
    pub(crate) ty: Type,
    /// The function borrows this object: its `self`, or an argument `&T`.
    pub(crate) object: Option<Type>,
}

impl Argument {
    /// A borrowed object. The call is a user of it, for as long as it runs.
    pub(crate) fn object(name: &str, ty: &Type, interop: &Path) -> Argument {
        let at = hygienic(ty.span());
        // The compiler says there that it is none.
        let interop = interop.to_token_stream().into_iter().map(|mut token| {
            token.set_span(token.span().located_at(ty.span()));
            token
        });
        Argument {
            name: name.to_owned(),
            label: Label::None,
            ty: Type::Verbatim(quote_spanned!(at=> #(#interop)*::Object<#ty>)),
            object: Some(ty.clone()),
        }
    }
}

/// How OCaml passes an argument.
pub(crate) enum Label {
    None,
    Labelled(String),
    Optional(String),
}

/// Reads the signature, which has no `self`. What is returned is good for something only if there were no errors.
pub(crate) fn function(
    function: &ItemFn,
    options: Options,
    owner: Option<Owner>,
    errors: &mut Errors,
) -> Exported {
    let signature = &function.sig;
    let (symbol, name) = exported_symbol(signature, &options, owner.as_ref(), errors);
    attributes(&function.attrs, errors);
    qualifiers(signature, options.runs, errors);
    generics(signature, errors);
    let arguments: Vec<Argument> = signature
        .inputs
        .iter()
        .filter_map(|input| argument(input, &options.interop, errors))
        .collect();
    let last = |is: fn(&Label) -> bool| arguments.iter().rposition(|argument| is(&argument.label));
    let optional = last(|label| matches!(label, Label::Optional(_)));
    // `None` is before every place.
    if optional > last(|label| matches!(label, Label::None)) {
        errors.push(messages::OPTIONAL_LAST.at(&signature.inputs));
    }
    let gives = result(signature, &options, errors);
    Exported {
        symbol,
        name,
        arguments,
        cancel: options.cancel,
        runs: options.runs,
        gives,
        window: options.window,
        interop: options.interop,
        owner,
    }
}

/// Reads the return type.
fn result(signature: &Signature, options: &Options, errors: &mut Errors) -> Gives {
    let ty = match &signature.output {
        ReturnType::Type(_, ty) => without_parentheses(ty),
        ReturnType::Default => &Type::Verbatim(TokenStream::new()),
    };
    let Some(found) = stream::find(ty) else {
        if let Some(window) = &options.window {
            errors.push(messages::WINDOW_WITHOUT_STREAM.at(window));
        }
        Types {
            place: Place::Result,
            inside: false,
            errors,
        }
        .visit_type(ty);
        return Gives::Promise;
    };
    match options.runs {
        Runs::AtHome => {}
        Runs::Tokio | Runs::Blocking => errors.push(messages::STREAM_ELSEWHERE.at(found.stream)),
        Runs::Sync => errors.push(messages::SYNC_STREAM.at(found.stream)),
    }
    let mut types = Types {
        place: Place::Result,
        inside: true,
        errors,
    };
    for bound in &found.stream.bounds {
        types.visit_type_param_bound(bound);
    }
    for rest in found.rest {
        types.visit_generic_argument(rest);
    }
    if found.in_result || signature.asyncness.is_some() {
        return Gives::PromiseOfStream;
    }
    if let Some(option) = &options.cancel_given {
        errors.push(messages::STREAM_CANCEL.at(option));
    }
    Gives::Stream
}

/// The symbol, and the name that errors have for the function.
fn exported_symbol(
    signature: &Signature,
    options: &Options,
    owner: Option<&Owner>,
    errors: &mut Errors,
) -> (String, String) {
    let (symbol, name, place) = match &options.name {
        Some(name) => (name.value(), name.value(), name.to_token_stream()),
        None => {
            let name = signature.ident.unraw().to_string();
            let name = match owner {
                Some(owner) => symbol::of_method(&owner.name, &name),
                None => name,
            };
            let place = signature.ident.to_token_stream();
            (symbol::of_function(&name), name, place)
        }
    };
    if !symbol::is_c_identifier(&symbol) {
        errors.push(messages::SYMBOL_NOT_C.about(&name, place));
    } else if symbol::is_taken(&symbol) {
        errors.push(messages::SYMBOL_TAKEN.about(&name, place));
    }
    (symbol, name)
}

fn attributes(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        let inner = match &attribute.meta {
            Meta::List(list) if list.path.is_ident("unsafe") => list.parse_args().ok(),
            meta => Some(meta.clone()),
        };
        let Some(inner) = inner else { continue };
        for name in ["no_mangle", "export_name"] {
            if inner.path().is_ident(name) {
                errors.push(messages::EXPORTED_TWICE.about(name, attribute));
            }
        }
    }
}

fn qualifiers(signature: &Signature, runs: Runs, errors: &mut Errors) {
    match (&signature.asyncness, runs) {
        (Some(token), Runs::Blocking) => errors.push(messages::BLOCKING_ASYNC.at(token)),
        (Some(token), Runs::Sync) => errors.push(messages::SYNC_ASYNC.at(token)),
        _ => {}
    }
    if let Some(token) = &signature.constness {
        errors.push(messages::CONST_FUNCTION.at(token));
    }
    if let Some(token) = &signature.unsafety {
        errors.push(messages::UNSAFE_FUNCTION.at(token));
    }
    if let Some(abi) = &signature.abi {
        errors.push(messages::EXTERN_FUNCTION.at(abi));
    }
    if let Some(dots) = &signature.variadic {
        errors.push(messages::VARIADIC.at(dots));
    }
}

fn generics(signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        errors.push(match parameter {
            GenericParam::Lifetime(lifetime) => {
                messages::LIFETIME_PARAMETER.about(&lifetime.lifetime, parameter)
            }
            GenericParam::Type(ty) => messages::TYPE_PARAMETER.about(&ty.ident, parameter),
            GenericParam::Const(value) => messages::TYPE_PARAMETER.about(&value.ident, parameter),
        });
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.push(messages::WHERE_CLAUSE.at(clause));
    }
}

fn argument(input: &FnArg, interop: &Path, errors: &mut Errors) -> Option<Argument> {
    let PatType { attrs, pat, ty, .. } = match input {
        FnArg::Typed(argument) => argument,
        FnArg::Receiver(receiver) => {
            errors.push(messages::METHOD.at(receiver));
            return None;
        }
    };
    for attribute in attrs {
        for name in ["cfg", "cfg_attr"] {
            if attribute.path().is_ident(name) {
                errors.push(messages::ARGUMENT_CFG.about(name, attribute));
            }
        }
    }
    let object = borrowed_object(ty);
    Types {
        place: Place::Argument,
        inside: false,
        errors,
    }
    .visit_type(object.unwrap_or(ty));
    match &**pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            let ident = name.ident.unraw().to_string();
            let label = label(attrs, &ident, errors);
            return Some(match object {
                Some(object) => Argument {
                    label,
                    ..Argument::object(&ident, object, interop)
                },
                None => Argument {
                    label,
                    name: ident,
                    ty: Type::clone(ty),
                    object: None,
                },
            });
        }
        Pat::Wild(_) => errors.push(messages::WILDCARD.at(pat)),
        _ => errors.push(messages::PATTERN.at(pat)),
    }
    None
}

/// `#[ocaml(label)]`, `#[ocaml(optional)]`, with `= "…"` if it is not called as the argument.
pub(crate) fn label(attributes: &[Attribute], name: &str, errors: &mut Errors) -> Label {
    let mut label = Label::None;
    for attribute in attributes.iter().filter(|attribute| is_ocaml(attribute)) {
        let parsed = attribute.parse_nested_meta(|meta| {
            let mut given = name.to_owned();
            let is = |word| meta.path.is_ident(word);
            if meta.input.peek(syn::Token![=]) {
                given = meta.value()?.parse::<syn::LitStr>()?.value();
            }
            label = match label {
                Label::None if is("label") => Label::Labelled(given),
                Label::None if is("optional") => Label::Optional(given),
                _ => return Err(meta.error("")),
            };
            Ok(())
        });
        if parsed.is_err() {
            errors.push(messages::ARGUMENT_ATTRIBUTE.at(attribute));
        }
    }
    label
}

/// Whether it is for this macro, and for nobody else.
pub(crate) fn is_ocaml(attribute: &Attribute) -> bool {
    attribute.path().is_ident("ocaml")
}
