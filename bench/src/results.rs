//! What is done with results: two runs are compared, and curves are drawn. The work is `figures/`'s, which needs no OCaml.

use std::cmp::Ordering;

use bench_figures::{compare, plot, run::Run};
use ocaml_lwt_interop::{Error, ToOCaml, func};

/// What became of a case.
#[derive(ToOCaml, Debug, PartialEq)]
pub enum Change {
    /// The rounds of the two runs overlap, or nearly.
    Noise,
    /// Each round is faster than each one before, beyond the noise.
    Faster,
    /// Each round is slower than each one before, beyond the noise.
    Slower,
}

/// A case that both runs have: nanoseconds before and after.
#[derive(ToOCaml, Debug)]
pub struct Difference {
    name: String,
    before: f64,
    after: f64,
    change: Change,
}

/// Compares two runs, given as JSON, case by case, in the order of the second.
///
/// # Errors
///
/// One of the two cannot be read, or they cannot be compared: times of the wall and of the processor, two machines, two
/// OCamls.
#[func(sync)]
pub fn bench_compare(before: String, after: String) -> Result<Vec<Difference>, Error> {
    let differences = compare::compare(&before, &after).map_err(Error::msg)?;
    let of = |difference: compare::Difference| Difference {
        name: difference.name,
        before: difference.before,
        after: difference.after,
        change: match difference.change {
            Ordering::Less => Change::Faster,
            Ordering::Equal => Change::Noise,
            Ordering::Greater => Change::Slower,
        },
    };
    Ok(differences.into_iter().map(of).collect())
}

/// The curves of a run, given as JSON: an SVG file, both axes logarithmic.
///
/// # Errors
///
/// There is no point to draw.
#[func(sync)]
pub fn bench_curves(run: String) -> Result<String, Error> {
    plot::svg(&Run::read(&run).map_err(Error::msg)?).map_err(Error::msg)
}
