//! A document: its figures are written behind marks that a reader does not see. The prose between them stays.
//!
//! - `<!-- figures -->` and a table. The first cell of a row says what it is, with the names of cases as code: `` `call/ready` ``,
//!   or `` `a/x` / `b/x` `` and `` `a/x` − `b/x` `` for two. The others are made: the bound, and a cell for each toolchain.
//! - `<!-- figures: TOOLCHAIN -->` and a table, whose heads name the beginnings of cases and whose rows their ends, as code.
//! - `<!-- figures: runs -->`: what was recorded, where and when; `<!-- figures: missed -->`: the bounds that are missed.
//!   Each is made up to an empty line.
//! - `<!-- figure: CASE -->…<!-- end -->`, in a sentence: from the least of the toolchains to the most. `on TOOLCHAIN` may follow
//!   the case, and the case may be two, as above.
//! - `<!-- holds: CASE < NUMBER -->`, or `>`: what the sentence before says is so, on each toolchain. Nanoseconds, or a ratio.
//!
//! No line begins with a mark in a sentence: Markdown takes such a line for HTML, and the sentence would end before it. And each name of
//! a case that the document has as code is one that a run has.

use std::fmt::Write as _;

use crate::expression::Expression;
use crate::run::Recorded;
use crate::show;

/// The document as it should be.
///
/// # Errors
/// With the line: a mark is not understood, a case or a toolchain is not there, or what should hold does not.
pub fn page(text: &str, recorded: &Recorded) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    let (mut at, mut in_code) = (0, false);
    while at < lines.len() {
        let line = lines[at];
        let wrong = |error: String| format!("{}: {error}", at + 1);
        let until = |ends: fn(&str) -> bool| {
            let length = lines[at + 1..].iter().position(|line| ends(line));
            length.map_or(lines.len(), |length| at + 1 + length)
        };
        in_code ^= line.starts_with("```");
        let table = block_mark(line).filter(|_| !in_code);
        let Some(what) = table else {
            let line = if in_code {
                line.to_owned()
            } else {
                sentence(line, recorded).map_err(wrong)?
            };
            out.push(line);
            at += 1;
            continue;
        };
        let end = match what {
            "runs" | "missed" => until(|line| line.is_empty()),
            _ => until(|line| !line.starts_with('|')),
        };
        let old = &lines[at + 1..end];
        let new = match what {
            "runs" => Ok(runs(recorded)),
            "missed" => Ok(missed(recorded)),
            "" => by_toolchain(old, recorded),
            toolchain => matrix(old, toolchain, recorded),
        };
        out.push(line.to_owned());
        out.extend(new.map_err(wrong)?);
        at = end;
    }
    Ok(out.join("\n") + "\n")
}

/// What stands in the mark of a block.
fn block_mark(line: &str) -> Option<&str> {
    let what = line.strip_prefix("<!-- figures")?.strip_suffix("-->")?;
    Some(what.trim_start_matches(':').trim())
}

/// A line with its figures made, and what it says checked.
fn sentence(line: &str, recorded: &Recorded) -> Result<String, String> {
    if ["<!-- figure: ", "<!-- holds: "]
        .iter()
        .any(|mark| line.trim_start().starts_with(mark))
    {
        return Err("a line that begins with a mark is no part of a sentence".into());
    }
    let (mut done, mut rest) = (String::new(), line);
    while let Some((before, mark)) = rest.split_once("<!-- figure: ") {
        let (what, old) = mark.split_once(" -->").ok_or("a mark without an end")?;
        let (_, after) = old
            .split_once("<!-- end -->")
            .ok_or("no <!-- end --> on the line")?;
        let words: Vec<&str> = what.split_whitespace().collect();
        let (words, toolchain) = match &words[..] {
            [words @ .., "on", toolchain] => (words, Some(*toolchain)),
            words => (words, None),
        };
        let expression = Expression::of_words(words)?;
        expression.check(recorded)?;
        let figure = expression.sentence(&recorded.of(toolchain)?)?;
        let _ = write!(done, "{before}<!-- figure: {what} -->{figure}<!-- end -->");
        rest = after;
    }
    done.push_str(rest);
    for claim in done.split("<!-- holds: ").skip(1) {
        let (claim, _) = claim.split_once(" -->").ok_or("a mark without an end")?;
        holds(claim, recorded)?;
    }
    for name in done.split('`').skip(1).step_by(2) {
        if recorded.looks_like_a_name(name) {
            Expression::One(name.into()).check(recorded)?;
        }
    }
    Ok(done)
}

fn holds(claim: &str, recorded: &Recorded) -> Result<(), String> {
    let words: Vec<&str> = claim.split_whitespace().collect();
    let [words @ .., sign @ ("<" | ">"), number] = &words[..] else {
        return Err(format!("not understood: {claim}"));
    };
    let bound: f64 = number.parse().map_err(|_| format!("no number: {number}"))?;
    let expression = Expression::of_words(words)?;
    expression.check(recorded)?;
    for of in &recorded.0 {
        let is_so = |number| {
            if *sign == "<" {
                number < bound
            } else {
                number > bound
            }
        };
        if let Some(number) = expression.number(&of.run).filter(|&number| !is_so(number)) {
            let name = of.name;
            return Err(format!(
                "\"{claim}\" does not hold on {name}: it is {number:.3}"
            ));
        }
    }
    Ok(())
}

/// The first cell of a row.
fn first_cell(row: &str) -> &str {
    row[1..].split('|').next().unwrap_or_default().trim()
}

fn row<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> String {
    let mut row = String::from("|");
    for cell in cells {
        let cell = cell.as_ref();
        row.push_str(if cell.is_empty() { " |" } else { " " });
        if !cell.is_empty() {
            let _ = write!(row, "{cell} |");
        }
    }
    row
}

/// The head of a table, its separator and its rows.
fn table(old: &[&str]) -> Result<(String, Vec<String>), String> {
    match old {
        [head, _, rows @ ..] if !rows.is_empty() => {
            let rows = rows.iter().map(|row| first_cell(row).to_owned());
            Ok(((*head).to_owned(), rows.collect()))
        }
        _ => Err("no table follows the mark".into()),
    }
}

fn separator(columns: usize) -> String {
    format!("|{}", "---|".repeat(columns))
}

fn by_toolchain(old: &[&str], recorded: &Recorded) -> Result<Vec<String>, String> {
    let (head, whats) = table(old)?;
    let mut rows = Vec::new();
    for what in whats {
        let all = Expression::all_in(&what, recorded);
        if all.is_empty() {
            return Err(format!("no case is named: {what}"));
        }
        let mut bounds = Vec::new();
        for expression in &all {
            expression.check(recorded)?;
            bounds.push(expression.bound(recorded)?);
        }
        bounds.retain(|bound| !bound.is_empty());
        let figures = recorded.0.iter().map(|of| {
            let cells: Vec<String> = all.iter().filter_map(|one| one.cell(&of.run)).collect();
            cells.join("; ")
        });
        rows.push((what, bounds.join("; "), figures.collect::<Vec<_>>()));
    }
    let with_bounds = rows.iter().any(|(_, bound, _)| !bound.is_empty());
    let of_row = |what: String, bound: String, figures: Vec<String>| {
        let bound = with_bounds.then_some(bound);
        row([what].into_iter().chain(bound).chain(figures))
    };
    let titles = recorded.0.iter().map(|of| of.title.to_owned()).collect();
    let head = of_row(first_cell(&head).to_owned(), "at most".to_owned(), titles);
    let mut table = vec![
        head,
        separator(1 + usize::from(with_bounds) + recorded.0.len()),
    ];
    table.extend(
        rows.into_iter()
            .map(|(what, bound, figures)| of_row(what, bound, figures)),
    );
    Ok(table)
}

/// The code in text.
fn code(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

fn matrix(old: &[&str], toolchain: &str, recorded: &Recorded) -> Result<Vec<String>, String> {
    let (head, whats) = table(old)?;
    let of = recorded.of(Some(toolchain))?;
    let columns = head.matches('|').count() - 1;
    let begins: Vec<&str> = head.split('|').filter_map(code).collect();
    if begins.len() + 1 != columns {
        return Err("a column is not named".into());
    }
    let mut table = vec![head.clone(), separator(columns)];
    for what in whats {
        let end = code(&what).ok_or("a row is not named")?;
        let mut cells = vec![what.clone()];
        for begin in &begins {
            let case = Expression::One(format!("{begin}{end}"));
            case.check(recorded)?;
            cells.push(case.sentence(&of)?);
        }
        table.push(row(cells));
    }
    Ok(table)
}

/// What was recorded, where and when.
fn runs(recorded: &Recorded) -> Vec<String> {
    let line = |what: &str, f: &dyn Fn(&crate::run::Run) -> String| {
        let cells = recorded.0.iter().map(|of| f(&of.run));
        row([what.to_owned()].into_iter().chain(cells))
    };
    let titles = recorded.0.iter().map(|of| of.title);
    vec![
        row([""].into_iter().chain(titles)),
        separator(1 + recorded.0.len()),
        line("system", &|run| run.system.clone()),
        line("OCaml; Lwt", &|run| format!("{}; {}", run.ocaml, run.lwt)),
        line("processors", &|run| {
            format!("{} of {}", run.processors, run.processor)
        }),
        line("recorded on", &|run| run.date.clone()),
        line("options", &|run| {
            let cpu = if run.judged_by == "cpu" { " --cpu" } else { "" };
            format!("`--rounds {} --seconds {}{cpu}`", run.rounds, run.seconds)
        }),
        line("others used, when it began", &|run| {
            let percent = |share| format!("{:.0} % of the processors", 100.0 * share);
            run.busy_before.map_or("?".into(), percent)
        }),
        line("cases with a spread above 20 %", &show::wide),
    ]
}

/// The bounds that are missed, and by how much.
fn missed(recorded: &Recorded) -> Vec<String> {
    let mut names: Vec<&str> = recorded.0.iter().flat_map(|of| of.run.names()).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let mut lines = Vec::new();
    for name in names {
        let is_missed = |run: &crate::run::Run| {
            let case = run.case(name).and_then(|case| case.met);
            case.or_else(|| run.wait(name)?.met) == Some(false)
        };
        let of = Expression::One(name.into());
        let figures: Vec<String> = (recorded.0.iter().filter(|of| is_missed(&of.run)))
            .filter_map(|at| Some(format!("{} {}", of.cell(&at.run)?, at.title)))
            .collect();
        if !figures.is_empty() {
            // Those that agree are the same program's, or `by_toolchain` says so.
            let bound = of.bound(recorded).unwrap_or_default();
            lines.push(format!(
                "- `{name}`, at most {bound}: {}",
                figures.join(", ")
            ));
        }
    }
    if lines.is_empty() {
        lines.push("None.".into());
    }
    lines
}
