//! One bad example for each rule, and good ones.

use super::*;
use crate::ocaml::externals;
use crate::rust::functions;

/// The problems of an OCaml and a Rust source, of which all that Rust declares is exported.
fn compare(ocaml: &str, rust: &str) -> Vec<String> {
    let functions = functions("c", "lib.rs", rust).unwrap();
    let mut symbols: BTreeSet<_> = functions.iter().map(|f| f.symbol.clone()).collect();
    symbols.extend(functions.iter().map(|f| format!("{}_bytecode", f.symbol)));
    problems(&externals("main.ml", ocaml), &functions, &symbols)
}

const SIX: &str = "int -> int -> int -> int -> int -> int -> int Lwt.t";

#[test]
fn what_agrees_has_no_problems() {
    let ocaml = format!(
        r#"
external none : unit -> unit Lwt.t = "c__none"
external one : string -> unit = "one" [@@noalloc]
external function_argument : (int -> (int -> int) -> int Lwt.t) -> int list -> 'a Lwt.t = "c__two"
external labelled : name:string -> ?greeting:string -> unit -> string Lwt.t = "c__three"
external six : {SIX} = "c__six_bytecode" "c__six"
external other_name : < m : int -> int > -> [ `A ] Lwt.t
  = "named"
external elsewhere : string -> 'a Lwt.t = "on_workers"
external blocking : bytes -> int -> bytes Lwt.t = "c__compress"
external id : 'a -> 'a = "%identity"
external length : string -> int = "caml_string_length"
"#
    );
    let rust = r#"
#[func] pub async fn none() {}
#[ocaml::func] pub fn one(a: String) {}
#[ocaml_lwt_interop::func] async fn two(f: A<(isize, B), C>, b: Vec<isize>) {}
#[func(cancel = "detach")] fn three(a: A, b: B, c: ()) {}
#[func] fn six(a: A, b: B, c: C, d: D, e: E, f: F) {}
#[func(name = "named")] fn whatever(a: A) {}
#[func(tokio, cancel = "detach", name = "on_workers")] async fn elsewhere(a: A) {}
#[ocaml_lwt_interop::func(blocking)] fn compress(a: A, b: B) {}
mod inner {
    #[cfg(test)] mod tests { #[func] fn nobody_declares() {} }
}
"#;
    assert_eq!(compare(&ocaml, rust), [""; 0]);
}

#[test]
fn symbol_that_is_not_exported_is_a_problem() {
    let source = "\nexternal gone : unit -> unit = \"gone\"";
    assert_eq!(
        problems(&externals("main.ml", source), &[], &BTreeSet::new()),
        ["main.ml:2: gone is not exported"]
    );
}

#[test]
fn too_few_and_too_many_arguments_are_problems() {
    let rust = "#[func]\npub fn f(a: A, b: B) {}";
    let few = compare(r#"external f : int -> int Lwt.t = "c__f""#, rust);
    assert_eq!(few, ["main.ml:1: c__f has 1 arguments, but 2 at lib.rs:2"]);
    let many = compare(
        r#"external f : int -> (int -> int) -> int -> int Lwt.t = "c__f""#,
        rust,
    );
    assert_eq!(many, ["main.ml:1: c__f has 3 arguments, but 2 at lib.rs:2"]);
    let none = compare(
        r#"external f : int -> int -> int = "c__f""#,
        "#[func] fn f() {}",
    );
    assert_eq!(none, ["main.ml:1: c__f has 2 arguments, but 0 at lib.rs:1"]);
}

#[test]
fn more_than_five_arguments_without_a_twin_are_a_problem() {
    let rust = "#[func] fn six(a: A, b: B, c: C, d: D, e: E, f: F) {}";
    let problem =
        "main.ml:1: c__six has 6 arguments, so bytecode calls c__six_bytecode, not c__six";
    assert_eq!(
        compare(&format!(r#"external six : {SIX} = "c__six""#), rust),
        [problem]
    );
    assert_eq!(
        compare(
            &format!(r#"external six : {SIX} = "c__six" "c__six""#),
            rust
        ),
        [problem]
    );
}

#[test]
fn twin_of_few_arguments_is_a_problem() {
    let problems = compare(
        r#"external f : int -> int = "c__f_bytecode" "c__f""#,
        "#[func] fn f(a: A) {}",
    );
    assert_eq!(
        problems,
        ["main.ml:1: c__f has 1 arguments, so bytecode calls c__f, not c__f_bytecode"]
    );
}

#[test]
fn unboxed_argument_is_a_problem() {
    let problems = compare(
        r#"external f : (float [@unboxed]) -> int = "c__f""#,
        "#[func] fn f(a: f64) {}",
    );
    assert_eq!(
        problems,
        ["main.ml:1: c__f would be given a number that is not an OCaml value"]
    );
}

#[test]
fn function_without_an_external_is_a_problem() {
    let rust = r#"
#[func(name = "lonely")] fn f() {}
#[unsafe(no_mangle)] unsafe extern "C" fn raw(_: Raw) -> Raw {}
#[unsafe(export_name = "exported")] extern "C" fn g(_: Raw) -> Raw {}
fn private() {}
"#;
    assert_eq!(
        compare("", rust),
        [
            "lib.rs:2: no external declares lonely",
            "lib.rs:3: no external declares raw",
            "lib.rs:4: no external declares exported"
        ]
    );
}

#[test]
fn functions_of_the_crates_own_macro_are_compared() {
    let rust = r#"
exports! {
    /// Takes a proof.
    fn one(access: Access, n: isize) -> Result<(), Raised> { f(access, n) }
    fn two(_unit: Raw) {}
}
"#;
    let ocaml = r#"
external one : int -> int -> unit = "one"
external two : unit -> unit = "two" [@@noalloc]
"#;
    assert_eq!(
        compare(ocaml, rust),
        ["main.ml:2: one has 2 arguments, but 1 at lib.rs:4"]
    );
    assert_eq!(
        compare("", rust),
        [
            "lib.rs:4: no external declares one",
            "lib.rs:5: no external declares two"
        ]
    );
}

#[test]
fn comments_and_strings_declare_nothing() {
    let ocaml = r#"
(* external a : int -> int = "a" (* "*)" external b : int -> int = "b" *) *)
let s = "external c : int -> int" and quote = '"'
let external_ = 1 and my_external = 2
external d : (* external e : int -> int = "e" *) int -> int = "d"
"#;
    let found = externals("main.ml", ocaml);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].native.as_str(), found[0].arguments), ("d", 1));
    assert_eq!(found[0].place, "main.ml:5");
}
