//! How figures look in a document.

use crate::run::{Case, Run, Wait};

/// Above this share of the median the rounds lie far apart: something else was running.
pub const WIDE: f64 = 0.2;

/// With two digits or three, and its unit.
pub fn time(ns: f64) -> String {
    if ns < 0.0 {
        return format!("−{}", time(-ns));
    }
    let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6)];
    let fitting = units.iter().find(|(_, size)| (ns / size).round() < 1000.0);
    let (unit, size) = *fitting.unwrap_or(&("s", 1e9));
    let number = ns / size;
    let digits = match number {
        _ if number >= 9.95 => 0,
        // A nanosecond has no hundredths.
        _ if unit == "ns" => 1,
        _ => 2,
    };
    format!("{number:.digits$} {unit}")
}

/// A time that somebody has chosen: with as few digits as it has.
fn chosen(ns: f64) -> String {
    let text = time(ns);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!(
                "{} {unit}",
                number.trim_end_matches('0').trim_end_matches('.')
            )
        }
        _ => text,
    }
}

/// Times something else.
pub fn ratio(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}

/// The least and the most of some figures, each with the same words behind its number where they have the same unit.
pub fn range(least: &str, most: &str) -> String {
    match (least.rsplit_once(' '), most.rsplit_once(' ')) {
        _ if least == most => least.to_owned(),
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {most}"),
        _ => format!("{least} to {most}"),
    }
}

/// What a bound is.
pub fn bound_of_case(case: &Case) -> String {
    let baseline = case.baseline.as_deref().unwrap_or_default();
    match (case.at_most_ns, case.at_most_ratio, case.at_most_more_ns) {
        (Some(ns), ..) => chosen(ns),
        // As few digits as it has.
        (_, Some(ratio), _) => format!("{ratio} × `{baseline}`"),
        (.., Some(more)) => format!("{} more than `{baseline}`", chosen(more)),
        _ => String::new(),
    }
}

/// What a bound is.
pub fn bound_of_wait(wait: &Wait) -> String {
    wait.p99_below_ns
        .map_or(String::new(), |ns| format!("p99 {}", chosen(ns)))
}

/// What misses its bound is bold.
fn judged(text: String, met: Option<bool>) -> String {
    if met == Some(false) {
        format!("**{text}**")
    } else {
        text
    }
}

/// A case: its time, and what its bound is about.
pub fn case(case: &Case) -> String {
    let mut aside = Vec::new();
    let of_baseline = match case {
        Case {
            at_most_ratio: Some(_),
            ratio: Some(number),
            ..
        } => Some(ratio(*number)),
        Case {
            at_most_more_ns: Some(_),
            more_ns: Some(more),
            ..
        } => Some(format!("{} more", time(*more))),
        _ => None,
    };
    let own = time(case.median_ns);
    let figure = match of_baseline {
        Some(figure) => {
            aside.push(own);
            figure
        }
        None => own,
    };
    if case.spread > WIDE {
        aside.push(format!("spread {:.0} %", 100.0 * case.spread));
    }
    let figure = judged(figure, case.met);
    if aside.is_empty() {
        figure
    } else {
        format!("{figure} ({})", aside.join(", "))
    }
}

/// A wait: its median, and what its bound is about.
pub fn wait(wait: &Wait) -> String {
    let p99 = judged(format!("p99 {}", time(wait.p99_ns)), wait.met);
    format!("{}, {p99}", time(wait.median_ns))
}

/// What a pending call takes, of both heaps.
pub fn memory(rust: f64, ocaml: f64) -> String {
    format!("{:.0} + {:.0} bytes", rust.max(0.0), ocaml.max(0.0))
}

/// Where something else ran while it was measured.
pub fn wide(run: &Run) -> String {
    let wide = run.cases.iter().filter(|case| case.spread > WIDE).count();
    format!("{wide} of {}", run.cases.len())
}
