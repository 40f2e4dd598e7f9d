//! What is declared twice, compared: the `external`s of OCaml and the functions that Rust exports.
//!
//! 1. Every symbol that an `external` names is exported by the archive that its program is linked with.
//! 2. An `external` has as many arguments as the Rust function, where `()` is OCaml's `unit`. (A function that a
//!    `macro_rules!` writes is not seen here, but for the crate's own `exports!`, nor one of an `impl` block; rule 1 holds for
//!    it.)
//! 3. One of more than five arguments names `NAME_bytecode` for bytecode, and no other has two names.
//! 4. Every function that is exported for OCaml has an `external`.

pub mod ocaml;
pub mod rust;

use std::collections::{BTreeMap, BTreeSet};

/// OCaml passes more arguments than this to bytecode stubs in an array.
const MOST_ARGUMENTS_WITHOUT_TWIN: usize = 5;

/// What breaks a rule, one line each.
pub fn problems(
    externals: &[ocaml::External],
    functions: &[rust::Function],
    exported: &BTreeSet<String>,
) -> Vec<String> {
    let by_symbol: BTreeMap<_, _> = functions.iter().map(|f| (f.symbol.as_str(), f)).collect();
    let mut problems = Vec::new();
    for external in externals {
        let mut problem = |text: String| problems.push(format!("{}: {text}", external.place));
        let ocaml::External {
            arguments,
            bytecode,
            native,
            unboxed,
            ..
        } = external;
        for symbol in BTreeSet::from([bytecode, native]) {
            if !exported.contains(symbol) {
                problem(format!("{symbol} is not exported"));
            }
        }
        if *unboxed {
            problem(format!(
                "{native} would be given a number that is not an OCaml value"
            ));
        }
        let twin = if *arguments > MOST_ARGUMENTS_WITHOUT_TWIN {
            format!("{native}_bytecode")
        } else {
            native.clone()
        };
        if *bytecode != twin {
            problem(format!(
                "{native} has {arguments} arguments, so bytecode calls {twin}, not {bytecode}"
            ));
        }
        if let Some(function) = by_symbol.get(native.as_str()) {
            if function.arguments.max(1) != *arguments {
                problem(format!(
                    "{native} has {arguments} arguments, but {} at {}",
                    function.arguments, function.place
                ));
            }
        }
    }
    let declared: BTreeSet<_> = externals.iter().map(|e| e.native.as_str()).collect();
    for function in functions {
        if !declared.contains(function.symbol.as_str()) {
            problems.push(format!(
                "{}: no external declares {}",
                function.place, function.symbol
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests;
