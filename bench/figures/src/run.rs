//! A run, as `--json` writes it; of it, what is read here.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

/// A run of the benchmark.
#[derive(Deserialize, Clone)]
pub struct Run {
    /// Of OCaml, the version.
    pub ocaml: String,
    /// Of Lwt, the version.
    #[serde(default)]
    pub lwt: String,
    /// What the system calls itself. Runs of before it was written down have none.
    #[serde(default)]
    pub system: String,
    /// The model.
    pub processor: String,
    /// How many of them.
    #[serde(default)]
    pub processors: u32,
    /// The day.
    #[serde(default)]
    pub date: String,
    /// The share of the processors that others used when it began.
    #[serde(default)]
    pub busy_before: Option<f64>,
    /// How often each case was measured.
    #[serde(default)]
    pub rounds: u32,
    /// For how long, each time.
    #[serde(default)]
    pub seconds: f64,
    /// `wall` or `cpu`: the time that the medians and ratios are of.
    pub judged_by: String,
    /// What is done again and again.
    pub cases: Vec<Case>,
    /// By how much timers were late.
    #[serde(default)]
    pub late: Vec<Wait>,
    /// What a call took beside others.
    #[serde(default)]
    pub latency: Vec<Wait>,
    /// What pending calls take up.
    #[serde(default)]
    pub memory: Vec<Memory>,
}

/// A case: nanoseconds for an operation, in each round.
#[derive(Deserialize, Clone)]
#[allow(missing_docs)] // `report.ml` says what they are
pub struct Case {
    pub name: String,
    pub wall_ns: Vec<f64>,
    pub cpu_ns: Vec<f64>,
    pub median_ns: f64,
    #[serde(default)]
    pub spread: f64,
    pub baseline: Option<String>,
    pub ratio: Option<f64>,
    pub more_ns: Option<f64>,
    pub at_most_ns: Option<f64>,
    pub at_most_ratio: Option<f64>,
    pub at_most_more_ns: Option<f64>,
    pub met: Option<bool>,
}

/// How long something took, of many times.
#[derive(Deserialize, Clone)]
#[allow(missing_docs)]
pub struct Wait {
    pub name: String,
    pub median_ns: f64,
    pub p99_ns: f64,
    pub p99_below_ns: Option<f64>,
    pub met: Option<bool>,
}

/// Bytes for a pending call.
#[derive(Deserialize, Clone)]
#[allow(missing_docs)]
pub struct Memory {
    pub name: String,
    pub rust_bytes: f64,
    pub ocaml_bytes: f64,
}

impl Case {
    /// The rounds by which is judged.
    pub fn rounds(&self, judged_by: &str) -> &[f64] {
        if judged_by == "cpu" {
            &self.cpu_ns
        } else {
            &self.wall_ns
        }
    }
}

impl Run {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub fn read(json: &str) -> Result<Run, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// That case, if it is there.
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// That wait, if it is there.
    pub fn wait(&self, name: &str) -> Option<&Wait> {
        self.late
            .iter()
            .chain(&self.latency)
            .find(|wait| wait.name == name)
    }

    /// That kind of memory, if it is there.
    pub fn memory(&self, name: &str) -> Option<&Memory> {
        self.memory.iter().find(|kind| kind.name == name)
    }

    /// What was measured, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let cases = self.cases.iter().map(|case| &*case.name);
        let waits = self.late.iter().chain(&self.latency);
        cases
            .chain(waits.map(|wait| &*wait.name))
            .chain(self.memory.iter().map(|kind| &*kind.name))
    }

    /// Whether it has the case, or cannot have it: OCaml 4 has no domains.
    fn covers(&self, name: &str) -> bool {
        let on_domains = name.split('/').any(|word| word.starts_with("domain"));
        self.names().any(|own| own == name) || (on_domains && self.ocaml.starts_with("4."))
    }
}

/// A toolchain with a recorded run.
pub struct Toolchain {
    /// The name of its file, and in marks.
    pub name: &'static str,
    /// The name in documents.
    pub title: &'static str,
    /// Its run.
    pub run: Run,
}

/// The names of the files, and what they are of.
const TOOLCHAINS: [(&str, &str); 3] = [
    ("debian12", "Debian 12"),
    ("debian13", "Debian 13"),
    ("testing", "Debian testing"),
];

/// The recorded runs.
pub struct Recorded(pub Vec<Toolchain>);

impl Recorded {
    /// Reads those in a folder.
    ///
    /// # Errors
    /// One is not there, or is none, or has not the cases that the others have.
    pub fn read(folder: &Path) -> Result<Recorded, String> {
        let read = |(name, title)| {
            let path = folder.join(format!("{name}.json"));
            let at =
                |error: String| format!("{}: {error}: make bench-record writes it", path.display());
            let json = std::fs::read_to_string(&path).map_err(|error| at(error.to_string()))?;
            let run = Run::read(&json).map_err(at)?;
            Ok(Toolchain { name, title, run })
        };
        let all = TOOLCHAINS
            .into_iter()
            .map(read)
            .collect::<Result<Vec<_>, String>>()?;
        Recorded(all).checked()
    }

    /// All have the same cases, and say of what machine they are.
    pub(crate) fn checked(self) -> Result<Recorded, String> {
        let names: BTreeSet<&str> = self.0.iter().flat_map(|of| of.run.names()).collect();
        for Toolchain { name, run, .. } in &self.0 {
            if run.system.is_empty() || run.date.is_empty() {
                return Err(format!("{name}.json says no system or no day"));
            }
            if let Some(missing) = names.iter().find(|case| !run.covers(case)) {
                return Err(format!("{name}.json has no {missing}, which another has"));
            }
        }
        Ok(self)
    }

    /// Those of a toolchain, or all.
    ///
    /// # Errors
    /// There is no such toolchain.
    pub fn of(&self, name: Option<&str>) -> Result<Vec<&Toolchain>, String> {
        let wanted = |of: &&Toolchain| name.is_none_or(|name| name == of.name);
        let found: Vec<_> = self.0.iter().filter(wanted).collect();
        match name {
            Some(name) if found.is_empty() => Err(format!("no toolchain is called {name}")),
            _ => Ok(found),
        }
    }

    /// Whether one of them has that case.
    pub fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|of| of.run.names().any(|own| own == name))
    }

    /// Whether text is the name of a case, or would be: it begins with a group.
    pub fn looks_like_a_name(&self, text: &str) -> bool {
        let is_plain = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        text.split_once('/').is_some_and(|(group, what)| {
            let of_group = |name: &str| name.split_once('/').is_some_and(|(own, _)| own == group);
            is_plain(what) && self.0.iter().any(|of| of.run.names().any(of_group))
        })
    }
}
