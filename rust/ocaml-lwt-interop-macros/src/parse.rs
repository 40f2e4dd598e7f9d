//! Reads what stands in `#[func(…)]`, and the function below it.

use crate::messages::{self, Errors};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Item, ItemFn, Lit, LitInt, LitStr, Meta, Path, Token};

/// What happens to the future when its promise is cancelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cancel {
    /// It is dropped.
    Drop,
    /// It runs on.
    Detach,
}

/// Where the body runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Runs {
    /// On the domain thread.
    AtHome,
    /// On Tokio's workers, a future.
    Tokio,
    /// On Tokio's blocking pool, a call.
    Blocking,
    /// Inside the call of OCaml's, which gets the value and no promise.
    Sync,
}

/// The options, or what holds without them.
pub(crate) struct Options {
    /// The symbol; without it, the function's name.
    pub(crate) name: Option<LitStr>,
    pub(crate) cancel: Cancel,
    /// Where `cancel` stands, if it is given.
    pub(crate) cancel_given: Option<Meta>,
    pub(crate) runs: Runs,
    /// How many items of a stream are read ahead, if it is given.
    pub(crate) window: Option<LitInt>,
    /// The path of the crate `ocaml-lwt-interop`.
    pub(crate) interop: Path,
    /// The first that is given and is not that path.
    first_but_crate: Option<Meta>,
}

impl Options {
    /// The first that is given and is not the path of the crate.
    pub(crate) fn first_but_crate(&self) -> Option<&Meta> {
        self.first_but_crate.as_ref()
    }
}

/// Reads the options. One that is refused counts as not given.
pub(crate) fn options(tokens: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options {
        name: None,
        cancel: Cancel::Drop,
        cancel_given: None,
        runs: Runs::AtHome,
        window: None,
        interop: syn::parse_quote!(::ocaml_lwt_interop),
        first_but_crate: None,
    };
    let list = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(list) => list,
        Err(error) => {
            errors.push(messages::OPTIONS_SYNTAX.at_span(error.span()));
            return options;
        }
    };
    let mut given = Vec::new();
    for option in list {
        let key = option.path().to_token_stream().to_string();
        if ![
            "name", "cancel", "tokio", "blocking", "sync", "window", "crate",
        ]
        .contains(&key.as_str())
        {
            errors.push(messages::UNKNOWN_OPTION.about(&key, &option));
            continue;
        }
        if given.contains(&key) {
            errors.push(messages::DUPLICATE_OPTION.about(&key, &option));
            continue;
        }
        match (key.as_str(), &option) {
            ("tokio", Meta::Path(_)) => run(&mut options, Runs::Tokio, &option, errors),
            ("blocking", Meta::Path(_)) => run(&mut options, Runs::Blocking, &option, errors),
            ("sync", Meta::Path(_)) => run(&mut options, Runs::Sync, &option, errors),
            ("window", _) => match number(&option) {
                None => errors.push(messages::WINDOW_VALUE.at(&option)),
                window => options.window = window,
            },
            ("tokio" | "blocking" | "sync", _) => {
                errors.push(messages::BARE_OPTION.about(&key, &option))
            }
            _ => match text(&option) {
                None => errors.push(messages::OPTION_VALUE.about(&key, &option)),
                Some(value) => set(&mut options, &key, value, errors),
            },
        }
        if key != "crate" {
            options
                .first_but_crate
                .get_or_insert_with(|| option.clone());
        }
        if key == "cancel" {
            options.cancel_given = Some(option);
        }
        given.push(key);
    }
    match (options.runs, &options.cancel_given) {
        (Runs::Blocking, Some(option)) => errors.push(messages::BLOCKING_CANCEL.at(option)),
        (Runs::Sync, Some(option)) => errors.push(messages::SYNC_CANCEL.at(option)),
        _ => {}
    }
    options
}

fn run(options: &mut Options, runs: Runs, option: &Meta, errors: &mut Errors) {
    if options.runs != Runs::AtHome {
        errors.push(messages::TWO_PLACES.at(option));
    }
    options.runs = runs;
}

fn set(options: &mut Options, key: &str, value: LitStr, errors: &mut Errors) {
    match (key, value.value().as_str()) {
        ("name", _) => options.name = Some(value),
        ("cancel", "drop") => options.cancel = Cancel::Drop,
        ("cancel", "detach") => options.cancel = Cancel::Detach,
        ("cancel", other) => errors.push(messages::UNKNOWN_CANCEL.about(other, &value)),
        (_, written) => match value.parse() {
            Ok(path) => options.interop = path,
            Err(_) => errors.push(messages::CRATE_PATH.about(written, &value)),
        },
    }
}

/// The `"…"` in `option = "…"`.
fn text(option: &Meta) -> Option<LitStr> {
    match literal(option)? {
        Lit::Str(text) => Some(text.clone()),
        _ => None,
    }
}

/// The number in `option = 16`, which is not 0.
fn number(option: &Meta) -> Option<LitInt> {
    match literal(option)? {
        Lit::Int(number) if number.base10_parse::<u32>().is_ok_and(|n| n > 0) => {
            Some(number.clone())
        }
        _ => None,
    }
}

fn literal(option: &Meta) -> Option<&Lit> {
    match option {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        },
        Meta::Path(_) | Meta::List(_) => None,
    }
}

/// Reads the function, if it is one.
pub(crate) fn function(tokens: TokenStream, errors: &mut Errors) -> Option<ItemFn> {
    match syn::parse2(tokens) {
        Ok(Item::Fn(function)) => return Some(function),
        Ok(_) => errors.push(messages::NOT_A_FUNCTION.at_span(Span::call_site())),
        Err(error) => errors.push(error),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Cancel, Runs, options};
    use crate::messages::Errors;
    use quote::{ToTokens, quote};

    #[test]
    fn no_option_means_drop_and_the_functions_own_name() {
        let mut errors = Errors::default();
        let read = options(quote!(), &mut errors);
        assert!(errors.report().is_none());
        assert!(read.name.is_none());
        assert_eq!(read.cancel, Cancel::Drop);
        assert_eq!(read.runs, Runs::AtHome);
        assert_eq!(
            read.interop.to_token_stream().to_string(),
            ":: ocaml_lwt_interop"
        );
    }

    #[test]
    fn options_combine_in_any_order() {
        for tokens in [
            quote!(
                name = "a_b",
                cancel = "detach",
                tokio,
                crate = "crate::mock"
            ),
            quote!(
                tokio,
                crate = "crate::mock",
                cancel = "detach",
                name = "a_b",
            ),
        ] {
            let mut errors = Errors::default();
            let read = options(tokens, &mut errors);
            assert!(errors.report().is_none());
            assert_eq!(read.name.unwrap().value(), "a_b");
            assert_eq!(read.cancel, Cancel::Detach);
            assert_eq!(read.runs, Runs::Tokio);
            assert_eq!(read.interop.to_token_stream().to_string(), "crate :: mock");
        }
    }

    #[test]
    fn every_wrong_option_is_reported() {
        let mut errors = Errors::default();
        options(
            quote!(
                threads,
                cancel = "later",
                name,
                tokio = "4",
                blocking,
                blocking
            ),
            &mut errors,
        );
        let report = errors.report().unwrap().to_string();
        // The last one for `cancel` beside `blocking`.
        assert_eq!(report.matches("compile_error").count(), 6, "{report}");
    }

    #[test]
    fn body_runs_in_one_place() {
        for (tokens, wrong) in [
            (quote!(blocking), 0),
            (quote!(tokio, blocking), 1),
            (quote!(blocking, tokio), 1),
            (quote!(cancel = "drop", blocking), 1),
            (quote!(tokio(4)), 1),
            (quote!(sync), 0),
            (quote!(sync, tokio), 1),
            (quote!(sync, cancel = "detach"), 1),
        ] {
            let mut errors = Errors::default();
            options(tokens, &mut errors);
            let report = errors.report().unwrap_or_default().to_string();
            assert_eq!(report.matches("compile_error").count(), wrong, "{report}");
        }
    }
}
