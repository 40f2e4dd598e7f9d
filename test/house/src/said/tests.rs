use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{of_c, of_ocaml, of_rust, one_space};

#[test]
fn text_of_rust_is_found_wherever_it_is_written() {
    let source = r##"
        //! No text of a comment.
        /// Nor of "an item".
        const WHY: &str = "constant's own";
        #[diagnostic::on_unimplemented(message = "`{Self}` does not cross")]
        trait Crosses {}
        #[must_use = "not this one"]
        fn f() {
            panic!("no {kind} of {{{}}}", 1);
            g(b"bytes that speak", c"a name of C's", "word", "{}: {word}");
            let long = "it goes \
                on";
            quote!(#[doc = "not this one"] compile_error!("of a macro"));
        }
        #[cfg(test)]
        mod tests { const NOT: &str = "not this one"; }
    "##;
    assert_eq!(
        of_rust(source),
        [
            "constant's own",
            "`…` does not cross",
            "no … of {…}",
            "bytes that speak",
            "a name of C's",
            "it goes on",
            "of a macro",
        ]
    );
}

#[test]
fn text_of_ocaml_is_found_outside_of_comments() {
    let source = r##"
        (* "not this one" (* nor "this one" *) *)
        let f x' = failwith "no such thing"
        let g c = if c = '"' || c = '\'' then refuse "%s is \"%d\" of 100%%: see \
            below" else "word"
    "##;
    assert_eq!(
        of_ocaml(source),
        ["no such thing", "… is \"…\" of 100%: see below"]
    );
}

#[test]
fn text_of_c_is_found_outside_of_comments() {
    let source = r##"
        #include "not this one.h"
        /* "not this one" */ // "nor this one"
        char quote = '"';
        fail("it goes "
             "on with %s"); also("in two", "pieces of it");
    "##;
    assert_eq!(
        of_c(source),
        ["it goes on with …", "in two", "pieces of it"]
    );
}

/// Files whose texts are no messages.
const FILES: &[(&str, &str)] = &[
    (
        "rust/ocaml-lwt-interop-macros/src/messages.rs",
        "test/readme.sh has its table",
    ),
    (
        "rust/ocaml-lwt-interop-macros/src/symbol.rs",
        "names of the C library",
    ),
    (
        "rust/ocaml-lwt-interop/src/runtime/definitions.rs",
        "assembly",
    ),
    ("rust/ocaml-lwt-interop/src/runtime/children.rs", "assembly"),
    ("ocaml/tool/print.ml", "OCaml code that is made"),
    ("ocaml/tool/doc.ml", "OCaml code that is made"),
    ("ocaml/tool/embed.ml", "OCaml code that is made"),
    ("ocaml/tool/linked_crate.ml", "Rust code that is made"),
    ("ocaml/tool/names.ml", "keywords"),
    ("ocaml/tool/rust_async_command.ml", "what --help says"),
];

/// Texts that are no messages; `*` is the rest of one.
const TEXTS: &[(&str, &str)] = &[
    ("abstract alloc as async*", "keywords"),
    (
        "dune exec ./bin/main.exe",
        "what `rust-async new` says to do next",
    ),
    ("dune build", "what `rust-async new` says to do next"),
    ("dune test", "what `rust-async new` says to do next"),
    ("cargo run", "what `rust-async new` says to do next"),
    ("cargo test", "what `rust-async new` says to do next"),
    (
        "… is made. Next: cd*",
        "what `rust-async new` says to do next",
    ),
    (
        "#define OCAML_VERSION_MAJOR",
        "what is looked for in a file",
    ),
    ("cargo:rustc-check-cfg*", "for cargo"),
    ("(var …)", "the text of a description"),
    ("(rust-async-declarations*", "the text of a description"),
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn is_it(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

/// The files of a folder whose names end so, with those of the folders in it, but of tests.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("the folder can be read").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "tests" && name != "template" {
            files(&path, ending, found);
        } else if name.ends_with(ending) && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// All that is said, and where.
fn said() -> BTreeMap<String, String> {
    let mut found = Vec::new();
    for folder in [
        "ocaml-lwt-interop",
        "ocaml-lwt-interop-macros",
        "ocaml-lwt-interop-build",
    ] {
        let folder = top().join("rust").join(folder);
        for ending in [".rs", ".c"] {
            files(&folder, ending, &mut found);
        }
    }
    for ending in [".ml", ".c"] {
        files(&top().join("ocaml"), ending, &mut found);
    }
    let mut said = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for path in found {
        let name = path
            .strip_prefix(top())
            .expect("below")
            .display()
            .to_string();
        let source = std::fs::read_to_string(&path).expect("a source can be read");
        let read = match name.rsplit('.').next() {
            Some("rs") => of_rust,
            Some("c") => of_c,
            _ => of_ocaml,
        };
        for text in read(&source) {
            let no_message = FILES
                .iter()
                .map(|(file, _)| (*file, name == *file))
                .chain(TEXTS.iter().map(|(start, _)| (*start, is_it(start, &text))))
                .find(|(_, is_it)| *is_it);
            match no_message {
                Some((what, _)) => _ = left_out.insert(what),
                None => _ = said.entry(text).or_insert_with(|| name.clone()),
            }
        }
    }
    for (what, _) in FILES.iter().chain(TEXTS) {
        assert!(
            left_out.contains(what),
            "{what} leaves nothing out any more"
        );
    }
    assert!(said.len() > 300, "only {} texts were found", said.len());
    said
}

/// What the page quotes: its items that are code and nothing else.
fn on_the_page() -> BTreeSet<String> {
    let page =
        std::fs::read_to_string(top().join("doc/messages.md")).expect("the page of messages");
    let quoted = page
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`'))
        .map(|text| match text.strip_prefix("` ") {
            Some(inner) => one_space(inner.strip_suffix(" `").unwrap_or(inner)),
            None => one_space(text),
        });
    let all: Vec<_> = quoted.collect();
    let once: BTreeSet<_> = all.iter().cloned().collect();
    for text in &once {
        let times = all.iter().filter(|other| *other == text).count();
        assert!(times == 1, "doc/messages.md has {times} times: {text}");
    }
    once
}

#[test]
fn every_message_is_on_the_page_and_nothing_else() {
    let (said, page) = (said(), on_the_page());
    let missing: Vec<_> = said
        .iter()
        .filter(|(text, _)| !page.contains(*text))
        .map(|(text, place)| match text.contains('`') {
            true => format!("- `` {text} ``    ({place})"),
            false => format!("- `{text}`    ({place})"),
        })
        .collect();
    let gone: Vec<_> = page
        .iter()
        .filter(|text| !said.contains_key(*text))
        .collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "doc/messages.md does not have:\n{}\nand nothing says any more:\n{gone:#?}",
        missing.join("\n")
    );
}
