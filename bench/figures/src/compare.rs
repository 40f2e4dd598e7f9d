//! Two runs are compared.

use std::cmp::Ordering;

use crate::run::{Case, Run};

/// By this share two runs of the same program lie apart where the rounds of each lie together: memory is laid out once.
pub const BETWEEN_RUNS: f64 = 0.05;

/// A case that both runs have: nanoseconds before and after.
#[derive(Debug)]
pub struct Difference {
    /// The case.
    pub name: String,
    /// Its median in the first run.
    pub before: f64,
    /// Its median in the second run.
    pub after: f64,
    /// `Less` and `Greater`: each round is faster, or slower, than each one before, by more than [`BETWEEN_RUNS`].
    /// `Equal`: the rounds of the two runs overlap, or nearly.
    pub change: Ordering,
}

/// The fastest round and the slowest.
fn range(case: &Case, judged_by: &str) -> (f64, f64) {
    let widen = |(least, most): (f64, f64), &ns: &f64| (ns.min(least), ns.max(most));
    let rounds = case.rounds(judged_by).iter();
    rounds.fold((f64::INFINITY, 0.0), widen)
}

/// Compares two runs, given as JSON, case by case, in the order of the second.
///
/// # Errors
/// One of the two cannot be read, or they cannot be compared: times of the wall and of the processor, two machines, two
/// OCamls.
pub fn compare(before: &str, after: &str) -> Result<Vec<Difference>, String> {
    let (before, after) = (Run::read(before)?, Run::read(after)?);
    let what = |run: &Run| {
        format!(
            "{}, OCaml {}, {} time",
            run.processor, run.ocaml, run.judged_by
        )
    };
    if what(&before) != what(&after) {
        let (before, after) = (what(&before), what(&after));
        return Err(format!("not to be compared: before {before}; now {after}"));
    }
    let differences = after.cases.iter().filter_map(|case| {
        let old = before.case(&case.name)?;
        let (least, most) = range(case, &after.judged_by);
        let (least_before, most_before) = range(old, &before.judged_by);
        let change = if most * (1.0 + BETWEEN_RUNS) < least_before {
            Ordering::Less
        } else if least > most_before * (1.0 + BETWEEN_RUNS) {
            Ordering::Greater
        } else {
            Ordering::Equal
        };
        Some(Difference {
            name: case.name.clone(),
            before: old.median_ns,
            after: case.median_ns,
            change,
        })
    });
    Ok(differences.collect())
}
