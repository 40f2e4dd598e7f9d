//! What a document asks for: a case, or how it compares with another.

use crate::run::{Recorded, Run, Toolchain};
use crate::show;

/// A case, or two.
#[derive(Debug, PartialEq)]
pub enum Expression {
    /// What was measured of it.
    One(String),
    /// The first as a multiple of the second: in each round, the median.
    Ratio(String, String),
    /// The nanoseconds that the first takes more, likewise.
    More(String, String),
}

use Expression::{More, One, Ratio};

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    // As in `measure.ml`.
    let middle = (0.5 * numbers.len().checked_sub(1)? as f64).round() as usize;
    numbers.get(middle).copied()
}

impl Expression {
    /// `NAME`, `NAME / NAME` or `NAME − NAME`, as words.
    ///
    /// # Errors
    /// It is none of these.
    pub fn of_words(words: &[&str]) -> Result<Expression, String> {
        match words {
            [name] => Ok(One((*name).into())),
            [first, "/", second] => Ok(Ratio((*first).into(), (*second).into())),
            [first, "−" | "-", second] => Ok(More((*first).into(), (*second).into())),
            _ => Err(format!("not understood: {}", words.join(" "))),
        }
    }

    /// Those in text: code that looks like the name of a case, and what stands between two such.
    pub fn all_in(text: &str, recorded: &Recorded) -> Vec<Expression> {
        let pieces: Vec<&str> = text.split('`').collect();
        let is_name = |at: usize| at % 2 == 1 && recorded.looks_like_a_name(pieces[at]);
        let mut all = Vec::new();
        let mut at = 1;
        while at + 1 < pieces.len() {
            if is_name(at) {
                let pair = (at + 3 < pieces.len() && is_name(at + 2))
                    .then(|| [pieces[at], pieces[at + 1].trim(), pieces[at + 2]])
                    .and_then(|words| Expression::of_words(&words).ok());
                at += if pair.is_some() { 2 } else { 0 };
                all.push(pair.unwrap_or_else(|| One(pieces[at].into())));
            }
            at += 2;
        }
        all
    }

    /// The cases that it is about.
    fn names(&self) -> Vec<&str> {
        match self {
            One(name) => vec![name],
            Ratio(first, second) | More(first, second) => vec![first, second],
        }
    }

    /// Whether the runs have what it is about.
    ///
    /// # Errors
    /// None of them has it.
    pub fn check(&self, recorded: &Recorded) -> Result<(), String> {
        match self.names().into_iter().find(|name| !recorded.has(name)) {
            Some(name) => Err(format!("no recorded run has a case {name}")),
            None => Ok(()),
        }
    }

    /// As one number: nanoseconds, or a ratio. None where the run has it not.
    pub fn number(&self, run: &Run) -> Option<f64> {
        let in_rounds = |operation: fn(f64, f64) -> f64, first: &str, second: &str| {
            let rounds = |name| run.case(name).map(|case| case.rounds(&run.judged_by));
            let pairs = rounds(first)?.iter().zip(rounds(second)?);
            median(
                pairs
                    .map(|(&first, &second)| operation(first, second))
                    .collect(),
            )
        };
        match self {
            One(name) => run
                .case(name)
                .map(|case| case.median_ns)
                .or_else(|| run.wait(name).map(|wait| wait.median_ns)),
            Ratio(first, second) => in_rounds(|first, second| first / second, first, second),
            More(first, second) => in_rounds(|first, second| first - second, first, second),
        }
    }

    fn show(&self, number: f64) -> String {
        match self {
            Ratio(..) => show::ratio(number),
            One(_) | More(..) => show::time(number),
        }
    }

    /// In a table: with what its bound is about. Nothing where the run has it not.
    pub fn cell(&self, run: &Run) -> Option<String> {
        if let One(name) = self {
            let case = run.case(name).map(show::case);
            let wait = || run.wait(name).map(show::wait);
            let memory = || {
                run.memory(name)
                    .map(|of| show::memory(of.rust_bytes, of.ocaml_bytes))
            };
            case.or_else(wait).or_else(memory)
        } else {
            self.number(run).map(|number| self.show(number))
        }
    }

    /// In a sentence: the figure of one run, or from the least of some to the most.
    ///
    /// # Errors
    /// None has it.
    pub fn sentence(&self, of: &[&Toolchain]) -> Result<String, String> {
        let mut numbers: Vec<f64> = of.iter().filter_map(|of| self.number(&of.run)).collect();
        numbers.sort_by(f64::total_cmp);
        match &numbers[..] {
            [] => Err(format!(
                "no time of {} is recorded there",
                self.names().join(" and ")
            )),
            [least, .., most] => Ok(show::range(&self.show(*least), &self.show(*most))),
            [only] => Ok(self.show(*only)),
        }
    }

    /// Its bound, or nothing.
    ///
    /// # Errors
    /// The runs do not agree: they are of several programs.
    pub fn bound(&self, recorded: &Recorded) -> Result<String, String> {
        let One(name) = self else {
            return Ok(String::new());
        };
        let of_run = |run: &Run| {
            let case = run.case(name).map(show::bound_of_case);
            case.or_else(|| run.wait(name).map(show::bound_of_wait))
        };
        let mut bounds: Vec<String> = recorded.0.iter().filter_map(|of| of_run(&of.run)).collect();
        bounds.dedup();
        if bounds.len() > 1 {
            return Err(format!("{name} has several bounds: {}", bounds.join(", ")));
        }
        Ok(bounds.pop().unwrap_or_default())
    }
}
