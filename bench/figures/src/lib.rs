//! What is made of a run that `bench/main.exe --json` has written. No OCaml is needed for it.
//!
//! - [`run`] reads it, and the three that are recorded, one for each toolchain.
//! - [`compare`] says what is faster or slower than in another run.
//! - [`plot`] draws the curves.
//! - [`expression`] is what a document asks for: a case, or two of them; [`show`] is how that looks.
//! - [`page`] finds the marks in a document, and writes the figures behind them.

pub mod compare;
pub mod expression;
pub mod page;
pub mod plot;
pub mod run;
pub mod show;
#[cfg(test)]
mod tests;
