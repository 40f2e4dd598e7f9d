use serde_json::{Value, json};

use crate::compare::compare;
use crate::page::page;
use crate::plot::svg;
use crate::run::{Recorded, Run, Toolchain};
use std::cmp::Ordering;

fn case(name: &str, rounds: [f64; 3]) -> Value {
    json!({ "name": name, "wall_ns": rounds, "cpu_ns": rounds, "median_ns": rounds[1], "spread": 0.01 })
}

/// A call takes so many nanoseconds, and its bound is 1.1 × what it is compared with.
fn run(call: f64) -> Value {
    let mut bounded = case("call/yield", [call, call, call]);
    let more = json!({ "baseline": "ocaml/pause", "ratio": call / 100.0, "at_most_ratio": 1.1, "met": call <= 110.0 });
    bounded
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({
        "ocaml": "5.3.0", "lwt": "5.9.1", "system": "Debian", "processor": "EPYC", "processors": 2, "date": "2026-11-30",
        "busy_before": 0.01, "rounds": 3, "seconds": 0.1, "judged_by": "wall",
        "cases": [
            bounded, case("ocaml/pause", [99.0, 100.0, 101.0]), case("domain/await", [7.0, 7.0, 7.0]),
            case("many/bind-1", [5.0, 5.0, 5.0]), case("many/bind-10", [4.0, 4.0, 4.0]),
        ],
        "late": [{ "name": "late/lwt", "median_ns": 1e6, "p99_ns": 3e6, "p99_below_ns": 2e6, "met": false }],
        "memory": [{ "name": "memory/call", "rust_bytes": 84.1, "ocaml_bytes": 128.0 }],
    })
}

fn recorded_of(runs: [Value; 3]) -> Result<Recorded, String> {
    let names = [
        ("debian12", "Debian 12"),
        ("debian13", "Debian 13"),
        ("testing", "Debian testing"),
    ];
    let of = |((name, title), run): (_, Value)| Toolchain {
        name,
        title,
        run: Run::read(&run.to_string()).unwrap(),
    };
    Recorded(names.into_iter().zip(runs).map(of).collect()).checked()
}

fn recorded() -> Recorded {
    recorded_of([run(105.0), run(120.0), run(108.0)]).unwrap()
}

#[test]
fn a_table_is_made_from_the_names_in_its_rows() {
    let text = "<!-- figures -->\n| case | ? |\n|---|---|\n| yields `call/yield` | typed |\n| wait `late/lwt` | |\n\
        | against `call/yield` / `ocaml/pause`; `memory/call` | |\n\nprose\n";
    let made = "<!-- figures -->\n| case | at most | Debian 12 | Debian 13 | Debian testing |\n|---|---|---|---|---|\n\
        | yields `call/yield` | 1.1 × `ocaml/pause` | 1.05 × (105 ns) | **1.20 ×** (120 ns) | 1.08 × (108 ns) |\n\
        | wait `late/lwt` | p99 2 ms | 1.00 ms, **p99 3.00 ms** | 1.00 ms, **p99 3.00 ms** | 1.00 ms, **p99 3.00 ms** |\n\
        | against `call/yield` / `ocaml/pause`; `memory/call` | | 1.05 ×; 84 + 128 bytes | 1.20 ×; 84 + 128 bytes | 1.08 ×; 84 + 128 bytes |\n\
        \nprose\n";
    assert_eq!(page(text, &recorded()).unwrap(), made);
    assert_eq!(page(made, &recorded()).unwrap(), made);
}

#[test]
fn a_figure_that_a_hand_has_changed_is_made_again() {
    let text =
        |figure: &str| format!("It takes <!-- figure: call/yield -->{figure}<!-- end -->, here.\n");
    assert_eq!(
        page(&text("1 ns"), &recorded()).unwrap(),
        text("105 to 120 ns")
    );
    let text = |figure: &str| {
        format!("so <!-- figure: call/yield − ocaml/pause on testing -->{figure}<!-- end -->\n")
    };
    assert_eq!(page(&text("1 ns"), &recorded()).unwrap(), text("8.0 ns"));
}

#[test]
fn a_matrix_has_a_case_for_each_column_and_row() {
    let text = "<!-- figures: debian13 -->\n| size | bind `many/bind` |\n|---|---|\n| one `-1` | ? |\n| ten `-10` | |\n";
    let made = page(text, &recorded()).unwrap();
    assert!(
        made.ends_with("| one `-1` | 5.0 ns |\n| ten `-10` | 4.0 ns |\n"),
        "{made}"
    );
}

#[test]
fn what_is_missed_and_what_was_recorded_are_made() {
    let made = page(
        "<!-- figures: missed -->\nold\n\n<!-- figures: runs -->\n\nend\n",
        &recorded(),
    )
    .unwrap();
    assert!(
        made.contains(
            "- `call/yield`, at most 1.1 × `ocaml/pause`: **1.20 ×** (120 ns) Debian 13\n"
        ),
        "{made}"
    );
    assert!(
        made.contains("| recorded on | 2026-11-30 | 2026-11-30 | 2026-11-30 |\n"),
        "{made}"
    );
    assert!(
        !made.contains("old") && made.ends_with("| 0 of 5 |\n\nend\n"),
        "{made}"
    );
}

/// The page is refused, with these words.
fn refused(text: &str, words: &str) {
    let error = page(text, &recorded()).expect_err(text);
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_case_that_no_run_has_is_refused() {
    let words = "no recorded run has a case call/gone";
    refused(
        "<!-- figures -->\n| case |\n|---|\n| `call/gone` |\n",
        words,
    );
    refused("prose of `call/gone`\n", words);
    refused("so <!-- figure: call/gone -->1 ns<!-- end -->\n", words);
    refused("so<!-- holds: call/yield / call/gone < 2 -->\n", words);
    refused(
        "<!-- figures: testing -->\n| | `call/` |\n|---|---|\n| `gone` | |\n",
        words,
    );
    refused(
        "<!-- figures -->\n| case |\n|---|\n| none |\n",
        "no case is named: none",
    );
    refused(
        "<!-- figures: debian99 -->\n| | `call/` |\n|---|---|\n| `yield` | |\n",
        "no toolchain is called debian99",
    );
}

#[test]
fn what_does_not_hold_is_refused() {
    let text = "about the same<!-- holds: call/yield / ocaml/pause < 1.3 --><!-- holds: call/yield > 100 -->\n";
    assert_eq!(page(text, &recorded()).unwrap(), text);
    refused(
        "so<!-- holds: call/yield / ocaml/pause < 1.1 -->\n",
        "does not hold on debian13: it is 1.2",
    );
}

#[test]
fn a_line_that_markdown_takes_for_html_is_refused() {
    refused(
        "so\n  <!-- holds: call/yield > 1 -->\n",
        "2: a line that begins with a mark",
    );
}

#[test]
fn code_is_left_alone() {
    let text =
        "```\n<!-- figures: runs -->\n`call/gone`\n```\n`rust/ocaml-lwt-interop` and `call/`\n";
    assert_eq!(page(text, &recorded()).unwrap(), text);
}

#[test]
fn a_run_that_lacks_what_another_has_is_refused() {
    let without = |name: &str, ocaml: &str| {
        let mut run = run(105.0);
        run["ocaml"] = ocaml.into();
        run["cases"]
            .as_array_mut()
            .unwrap()
            .retain(|case| case["name"] != name);
        run
    };
    let wrong = |run| {
        recorded_of([run, self::run(1.0), self::run(1.0)])
            .err()
            .unwrap_or_default()
    };
    assert_eq!(
        wrong(without("ocaml/pause", "4.13.1")),
        "debian12.json has no ocaml/pause, which another has"
    );
    assert_eq!(
        wrong(without("domain/await", "5.3.0")),
        "debian12.json has no domain/await, which another has"
    );
    assert_eq!(wrong(without("domain/await", "4.13.1")), "");
}

#[test]
fn a_toolchain_without_a_file_is_refused() {
    let folder = std::env::temp_dir().join(format!("bench_figures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["debian12", "debian13"] {
        std::fs::write(folder.join(format!("{name}.json")), run(105.0).to_string()).unwrap();
    }
    let error = Recorded::read(&folder).err().unwrap();
    std::fs::write(folder.join("testing.json"), run(105.0).to_string()).unwrap();
    let whole = Recorded::read(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("testing.json: No such file"), "{error}");
    assert!(whole.is_ok());
}

#[test]
fn faster_is_each_round_faster_than_each_before() {
    let before = run(100.0).to_string();
    let change = |after: f64| compare(&before, &run(after).to_string()).unwrap()[0].change;
    assert_eq!(change(94.0), Ordering::Less);
    assert_eq!(change(98.0), Ordering::Equal);
    assert_eq!(change(106.0), Ordering::Greater);
    let mut other = run(100.0);
    other["processor"] = "another".into();
    assert!(
        compare(&before, &other.to_string())
            .unwrap_err()
            .starts_with("not to be compared")
    );
}

#[test]
fn curves_are_drawn_with_their_names() {
    let drawn = svg(&recorded().0[0].run).unwrap();
    assert!(
        drawn.starts_with("<svg") && drawn.contains("many/bind") && drawn.contains("OCaml 5.3.0"),
        "{drawn}"
    );
}
