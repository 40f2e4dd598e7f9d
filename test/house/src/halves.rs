//! The library's own halves: the `external`s of `ocaml/` and the functions of `exports!` agree in their names and in how many
//! arguments they have. (Those of users are compared by type, by `rust-async check`, and need no comparison where they are made from
//! Rust.)

use std::collections::BTreeMap;

use syn::visit::Visit;
use syn::{File, FnArg, Item, ItemFn, ItemMacro, Type};

/// How many arguments each symbol has.
pub type Arguments = BTreeMap<String, usize>;

/// What one half has, and the other has not, or has otherwise.
pub fn differences(externals: &Arguments, exported: &Arguments) -> Vec<String> {
    let mut differences = Vec::new();
    for (symbol, count) in externals {
        match exported.get(symbol) {
            None => differences.push(format!("{symbol} is not exported")),
            Some(other) if other != count => differences.push(format!(
                "{symbol} has {count} arguments in OCaml, and {other} in Rust"
            )),
            Some(_) => {}
        }
    }
    let undeclared = exported.keys().filter(|s| !externals.contains_key(*s));
    differences.extend(undeclared.map(|symbol| format!("no external declares {symbol}")));
    differences
}

/// Those of an OCaml file, but for the runtime's own (`%identity`, `caml_…`). It is formatted: `external` begins a line, and no
/// comment stands in a type.
pub fn externals(source: &str) -> Arguments {
    source
        .match_indices("external ")
        .filter(|(at, _)| begins_line(&source[..*at]))
        .filter_map(|(at, word)| {
            let text = &source[at + word.len()..];
            let (ty, symbols) = text.split_once(':')?.1.split_once("= \"")?;
            let symbol = symbols.split('"').next()?;
            let is_own = !symbol.starts_with('%') && !symbol.starts_with("caml_");
            is_own.then(|| (symbol.to_owned(), arrows(ty)))
        })
        .collect()
}

/// Whether what follows is at the beginning of a line.
fn begins_line(before: &str) -> bool {
    before
        .rsplit('\n')
        .next()
        .is_some_and(|line| line.trim().is_empty())
}

/// How many arrows are not inside of an argument.
fn arrows(ty: &str) -> usize {
    let (mut depth, mut arrows, mut previous) = (0, 0, ' ');
    for c in ty.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if previous == '-' => arrows += usize::from(depth == 0),
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        previous = c;
    }
    arrows
}

/// The functions of `exports!` in a Rust file; those without arguments take `unit`.
///
/// # Panics
/// When the file is no Rust, or something in `exports!` is no function.
pub fn exported(source: &str) -> Arguments {
    let mut found = Found::default();
    found.visit_file(&syn::parse_file(source).expect("a file of Rust"));
    found.0
}

#[derive(Default)]
struct Found(Arguments);

impl Visit<'_> for Found {
    fn visit_item_macro(&mut self, item: &ItemMacro) {
        if !item.mac.path.is_ident("exports") {
            return;
        }
        let functions: File = item.mac.parse_body().expect("functions in exports!");
        for item in &functions.items {
            let Item::Fn(ItemFn { sig, .. }) = item else {
                panic!("something in exports! is no function");
            };
            // OCaml does not pass the proof that it calls.
            let is_proof = |argument: &&FnArg| {
                matches!(argument, FnArg::Typed(a) if matches!(&*a.ty, Type::Path(ty)
                    if ty.path.is_ident("Access") || ty.path.is_ident("Called")))
            };
            let passed = sig.inputs.iter().filter(|a| !is_proof(a)).count();
            self.0.insert(sig.ident.to_string(), passed.max(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = r#"
exports! {
    /// Takes a proof.
    fn one(access: Access, n: isize) -> Result<(), Raised> { f(access, n) }
    fn two(_unit: Raw) {}
    fn none(called: Called) {}
}
fn other(n: isize) {}
"#;

    #[test]
    fn halves_that_agree_have_no_differences() {
        let ocaml = r#"
(* An external of nobody: "external x : int = "x"". *)
external one : (int -> (int -> int) -> int) -> unit = "one"
  external two : unit -> unit
    = "two" [@@noalloc]
external none : unit -> unit = "none"
external id : 'a -> 'a = "%identity"
external length : string -> int = "caml_string_length"
"#;
        assert_eq!(differences(&externals(ocaml), &exported(RUST)), [""; 0]);
    }

    #[test]
    fn what_one_half_has_alone_is_a_difference() {
        let ocaml = r#"
external one : int -> int -> unit = "one"
external two : unit -> unit = "two"
external three : unit -> unit = "three"
"#;
        assert_eq!(
            differences(&externals(ocaml), &exported(RUST)),
            [
                "one has 2 arguments in OCaml, and 1 in Rust",
                "three is not exported",
                "no external declares none",
            ]
        );
    }

    /// All files of a folder that end so, as one text each.
    fn files(folder: &str, extension: &str) -> Vec<String> {
        let folder = format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(&folder).expect(&folder);
        entries
            .map(|entry| entry.expect(&folder).path())
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .map(|path| std::fs::read_to_string(path).expect(&folder))
            .collect()
    }

    /// The library, as it is.
    #[test]
    fn externals_of_the_library_are_its_exports() {
        let all = |files: Vec<String>, read: fn(&str) -> Arguments| {
            files
                .iter()
                .flat_map(|text| read(text))
                .collect::<Arguments>()
        };
        let externals = all(files("ocaml", "ml"), externals);
        let exported = all(files("rust/ocaml-lwt-interop/src/exports", "rs"), exported);
        assert!(externals.len() > 20, "{externals:?}");
        assert_eq!(differences(&externals, &exported), [""; 0]);
    }
}
