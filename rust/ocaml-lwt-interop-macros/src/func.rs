//! `#[func]`, on a function or on an `impl` block.

use crate::messages::Errors;
use crate::{check, expand, methods, parse};
use proc_macro2::TokenStream;

/// The item, and what OCaml calls; or the errors, and the item.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(block) = methods::block(&item) {
        return methods::expand(options, block);
    }
    let mut errors = Errors::default();
    let options = parse::options(options, &mut errors);
    let Some(function) = parse::function(item.clone(), &mut errors) else {
        // Not a function: it stays as it is, after the reason.
        let mut output = errors.report().unwrap_or_default();
        output.extend(item);
        return output;
    };
    let exported = check::function(&function, options, None, &mut errors);
    match errors.report() {
        None => expand::accepted(function, &exported),
        Some(report) => expand::refused(function, &exported, report),
    }
}
