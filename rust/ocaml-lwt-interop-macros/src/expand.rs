//! Writes what OCaml calls. The first test in `expand/tests.rs` shows a whole expansion.
//!
//! 1. The generated code stands next to the function, in a `const _`, so that its names are visible to nobody.
//! 2. Every generated token has the place of the user's code it belongs to and the hygiene of the macro: errors
//!    point to the user's types, lints leave the generated code alone, and no name of ours hides one of the user's.
//! 3. The stub owns nothing that has a destructor: an OCaml exception leaves it without running any.

use crate::check::{Argument, Exported, Gives, Owner, is_ocaml};
use crate::declare;
use crate::generated::{MOST_ARGUMENTS_WITHOUT_TWIN, hygienic, result_place, runtime_for_tests};
use crate::parse::{Cancel, Runs};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, ItemFn, Meta, ReturnType, Signature, Token, Type};

/// The function and its symbol.
pub(crate) fn accepted(mut function: ItemFn, exported: &Exported) -> TokenStream {
    let symbol = symbol(&function, exported, &[]);
    stays(&mut function.attrs, &mut function.sig, exported);
    quote_spanned!(hygienic(Span::call_site())=> #function #symbol)
}

/// The symbol that OCaml calls, and what its declaration is made from. `around`: the attributes of what the function stands in.
pub(crate) fn symbol(function: &ItemFn, exported: &Exported, around: &[Attribute]) -> TokenStream {
    let attributes = [
        shared_attributes(around),
        shared_attributes(&function.attrs),
    ]
    .concat();
    let stub = stub(function, exported);
    let twin = bytecode_twin(function, exported);
    let declaration = declare::function(function, exported);
    let runtime = runtime_for_tests(&exported.interop);
    quote_spanned! {hygienic(Span::call_site())=>
        #(#attributes)*
        const _: () = {
            #stub #twin #declaration
            #runtime
        };
    }
}

/// The errors, and the function without a symbol, so that code which uses it gives no errors of its own.
pub(crate) fn refused(
    mut function: ItemFn,
    exported: &Exported,
    report: TokenStream,
) -> TokenStream {
    function.sig.constness = None;
    function.sig.abi = None;
    function.sig.variadic = None;
    stays(&mut function.attrs, &mut function.sig, exported);
    quote! { #report #function }
}

/// The function that stays: an async one, but for one that blocks or gives a stream. The user is not told what `#[func]`
/// asks for. The options of arguments are for the macro alone.
pub(crate) fn stays(
    attributes: &mut Vec<Attribute>,
    signature: &mut Signature,
    exported: &Exported,
) {
    if is_plain(signature, exported) {
        attributes.push(syn::parse_quote!(#[allow(clippy::needless_pass_by_value)]));
    } else if signature.asyncness.is_none() {
        signature.asyncness = Some(Token![async](hygienic(signature.fn_token.span)));
        attributes.push(syn::parse_quote!(#[allow(clippy::unused_async)]));
    }
    for input in &mut signature.inputs {
        if let syn::FnArg::Typed(argument) = input {
            argument.attrs.retain(|attribute| !is_ocaml(attribute));
        }
    }
}

/// Whether the function that stays is none that gives a future. What an async one gives may borrow from its arguments, and a stream
/// lives longer than objects that were borrowed for the call.
fn is_plain(signature: &Signature, exported: &Exported) -> bool {
    matches!(exported.runs, Runs::Blocking | Runs::Sync)
        || exported.gives == Gives::Stream
        || (exported.gives == Gives::PromiseOfStream
            && exported.borrows()
            && signature.asyncness.is_none())
}

fn stub(function: &ItemFn, exported: &Exported) -> TokenStream {
    let Exported {
        symbol,
        name,
        arguments,
        cancel,
        runs,
        gives,
        interop,
        ..
    } = exported;
    let at = hygienic(function.sig.ident.span());
    let private = quote_spanned!(at=> #interop::__private);
    let stub = stub_name(function, at);
    let raws = numbered("a", arguments.len(), at);
    let parameters = match arguments.len() {
        0 => quote_spanned!(at=> _unit: #private::Raw),
        _ => quote_spanned!(at=> #(#raws: #private::Raw),*),
    };
    let names = arguments.iter().map(|argument| &argument.name);
    let cancel = match cancel {
        Cancel::Drop => quote_spanned!(at=> #private::Cancel::Drop),
        Cancel::Detach => quote_spanned!(at=> #private::Cancel::Detach),
    };
    let convert = match arguments.len() {
        0 => None,
        _ => Some(
            quote_spanned!(at=> use #private::{ConvertArgument as _, ConvertString as _, NotRead as _};),
        ),
    };
    // An object does not collect.
    let collects = arguments
        .iter()
        .filter(|argument| argument.object.is_none())
        .map(|Argument { ty, .. }| {
            let at = hygienic(ty.span());
            quote_spanned!(at=> || #private::Argument::<#ty>::COLLECTS)
        });
    let send = matches!(runs, Runs::Tokio | Runs::Blocking)
        .then(|| arguments_are_send(arguments, &private));
    let make = make(function, exported, &private);
    let mut traits = vec![];
    if *gives != Gives::Stream {
        traits.push(
            quote_spanned!(at=> EndingOfError as _, EndingOfErrorOrObject as _, EndingOfOCamlError as _, EndingOfObject as _, EndingOfValue as _),
        );
    }
    if *gives != Gives::Promise {
        traits.push(quote_spanned!(at=> StreamOfResults as _, StreamOfValues as _));
    }
    let ending = (*gives != Gives::Stream).then(|| ending(function, exported, &private));
    let ending = ending.into_iter();
    // At the result: this call is where the compiler finds that the result is no OCaml value.
    let result = result_place(function);
    let rust_to_lwt = match runs {
        _ if *gives == Gives::Stream => quote_spanned!(result=> #private::rust_to_lwt_stream),
        Runs::AtHome => quote_spanned!(result=> #private::rust_to_lwt),
        Runs::Tokio => quote_spanned!(result=> #private::rust_to_lwt_on_workers),
        Runs::Blocking => quote_spanned!(result=> #private::rust_to_lwt_on_blocking_pool),
        Runs::Sync => quote_spanned!(result=> #private::call_at_once),
    };
    let call = quote_spanned! {result=>
        // SAFETY: OCaml calls the stub by its `external`, with the runtime lock held and with one value for each
        // argument; the stub holds nothing with a destructor that an OCaml exception would skip (rule 3).
        unsafe {
            #private::run([#(#raws),*], |called, passed| {
                #rust_to_lwt(called, passed, &__SIGNATURE, #make #(, #ending)*)
            })
        }
    };
    quote_spanned! {at=>
        /// What OCaml calls.
        #[unsafe(export_name = #symbol)]
        unsafe extern "C" fn #stub(#parameters) -> #private::Raw {
            #convert
            use #private::{#(#traits),*};
            static __SIGNATURE: #private::Signature = #private::Signature {
                function: #name,
                arguments: &[#(#names),*],
                cancel: #cancel,
                collects: false #(#collects)*,
            };
            #send
            #call
        }
    }
}

/// Each at its type: this is where the compiler finds that it may not leave its thread.
fn arguments_are_send(arguments: &[Argument], private: &TokenStream) -> TokenStream {
    arguments
        .iter()
        .map(|Argument { ty, object, .. }| match object {
            Some(object) => {
                let at = hygienic(object.span());
                quote_spanned!(at=> #private::object_on_a_thread_of_tokios::<#object>();)
            }
            None => quote_spanned!(hygienic(ty.span())=> #private::argument_is_send::<#ty>();),
        })
        .collect()
}

/// Converts the arguments and makes the future, or the call that is to block.
fn make(function: &ItemFn, exported: &Exported, private: &TokenStream) -> TokenStream {
    let arguments = &exported.arguments;
    let name = &function.sig.ident;
    let at = hygienic(name.span());
    let values = numbered("b", arguments.len(), at);
    let output = &function.sig.output;
    let passed = arguments
        .iter()
        .zip(&values)
        .map(|(argument, value)| match argument.object {
            Some(_) => quote_spanned!(at=> &#value),
            None => quote_spanned!(at=> #value),
        });
    let call = match &exported.owner {
        Some(Owner { ty, .. }) => quote_spanned!(at=> <#ty>::#name(#(#passed),*)),
        None => quote_spanned!(at=> #name(#(#passed),*)),
    };
    let body = match exported.runs {
        _ if exported.gives == Gives::Stream => {
            let wrap = wrap(function, exported, private);
            quote_spanned!(at=> { let stream = #call; #wrap })
        }
        Runs::Sync => call,
        // The future has the objects that it borrows.
        Runs::AtHome | Runs::Tokio if exported.borrows() => {
            let wait = (!is_plain(&function.sig, exported)).then(|| quote_spanned!(at=> .await));
            quote_spanned!(at=> async move { #call #wait })
        }
        Runs::AtHome | Runs::Tokio => call,
        Runs::Blocking => quote_spanned!(at=> move || #output { #call }),
    };
    if arguments.is_empty() {
        return quote_spanned!(at=> |_| ::core::result::Result::Ok(#body));
    }
    let conversions = arguments.iter().zip(&values).enumerate().map(
        |(index, (Argument { ty, object, .. }, value))| {
            let at = hygienic(ty.span());
            let index = Literal::usize_unsuffixed(index);
            match (object, exported.runs) {
                // What stays at home borrows without counting.
                (Some(object), Runs::AtHome | Runs::Sync) => quote_spanned! {at=>
                    let #value = #private::borrow::<#object>(arguments, #index)?;
                },
                _ => quote_spanned! {at=>
                    let #value: #ty = (&&#private::Argument::<#ty>::NEW).convert(arguments, #index)?;
                },
            }
        },
    );
    quote_spanned! {at=>
        |arguments| {
            #(#conversions)*
            ::core::result::Result::Ok(#body)
        }
    }
}

/// Makes a value for OCaml of `stream`.
fn wrap(function: &ItemFn, exported: &Exported, private: &TokenStream) -> TokenStream {
    let at = result_place(function);
    let window = match &exported.window {
        None => quote_spanned!(at=> ::core::option::Option::None),
        Some(window) => {
            // Without a suffix that the user may have written.
            let window: usize = window.base10_parse().unwrap_or(1);
            let window = Literal::usize_unsuffixed(window);
            quote_spanned!(at=> ::core::option::Option::Some(#window))
        }
    };
    quote_spanned!(at=> (&&#private::StreamOf::of(&stream)).wrap(stream, #window))
}

/// Makes an ending of what the future gave.
fn ending(function: &ItemFn, exported: &Exported, private: &TokenStream) -> TokenStream {
    let at = result_place(function);
    let never =
        matches!(&function.sig.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)));
    if never {
        // No output comes; `()` stands for the type that it would have had.
        return quote_spanned! {at=>
            |output| if false { (&&&&&#private::Output::of(&())).ending(()) } else { match output {} }
        };
    }
    let ending = quote_spanned!(at=> (&&&&&#private::Output::of(&output)).ending(output));
    if exported.gives == Gives::PromiseOfStream {
        let wrap = wrap(function, exported, private);
        return quote_spanned!(at=> |output| #ending.map(|stream| #wrap));
    }
    quote_spanned!(at=> |output| #ending)
}

fn bytecode_twin(function: &ItemFn, exported: &Exported) -> Option<TokenStream> {
    let Exported {
        symbol,
        arguments,
        interop,
        ..
    } = exported;
    if arguments.len() <= MOST_ARGUMENTS_WITHOUT_TWIN {
        return None;
    }
    let at = hygienic(function.sig.ident.span());
    let stub = stub_name(function, at);
    let twin = format_ident!("{}_bytecode", stub);
    let symbol = format!("{symbol}_bytecode");
    let indices = (0..arguments.len()).map(Literal::usize_unsuffixed);
    Some(quote_spanned! {at=>
        /// What OCaml calls in a bytecode program.
        #[unsafe(export_name = #symbol)]
        unsafe extern "C" fn #twin(
            argv: *const #interop::__private::Raw,
            _argc: ::core::ffi::c_int,
        ) -> #interop::__private::Raw {
            // SAFETY: the bytecode interpreter passes all arguments in one array ("Interfacing C with OCaml" in the
            // OCaml manual, on functions with more than five arguments); they are read before anything can move them.
            unsafe { #stub(#(*argv.add(#indices)),*) }
        }
    })
}

/// Items have no hygiene, so the stub is called what the function cannot be called as well.
fn stub_name(function: &ItemFn, at: Span) -> Ident {
    format_ident!("__{}_stub", function.sig.ident, span = at)
}

fn numbered(letter: &str, count: usize, at: Span) -> Vec<Ident> {
    (0..count)
        .map(|index| format_ident!("{letter}{index}", span = at))
        .collect()
}

/// The attributes that hold for the generated code too: it exists where the function does (`cfg`), and mentions
/// its name and its types, so what the function is allowed to mention, it is allowed to (`allow`, `deprecated`).
fn shared_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter_map(|attribute| shared(&attribute.meta))
        .map(|meta| syn::parse_quote!(#[#meta]))
        .collect()
}

fn shared(meta: &Meta) -> Option<Meta> {
    let path = meta.path();
    if path.is_ident("cfg") || path.is_ident("allow") {
        return Some(meta.clone());
    }
    if path.is_ident("deprecated") {
        return Some(syn::parse_quote!(allow(deprecated)));
    }
    let Meta::List(list) = meta else { return None };
    if path.is_ident("expect") {
        let lints = &list.tokens;
        return Some(syn::parse_quote!(allow(#lints)));
    }
    if !path.is_ident("cfg_attr") {
        return None;
    }
    let mut parts = list
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .ok()?
        .into_iter();
    let condition = parts.next()?;
    let shared: Vec<Meta> = parts.filter_map(|part| shared(&part)).collect();
    (!shared.is_empty()).then(|| syn::parse_quote!(cfg_attr(#condition, #(#shared),*)))
}

#[cfg(test)]
mod tests;
