//! Collects the examples of the documentation: each becomes a module, which has the name of its first public function.
//!
//! An example is a fenced block of Rust: in a Markdown file, one of `rust` without a mark before it, so that it is no copy of another file; in a doc
//! comment, one without a language. Lines that rustdoc hides, `# …`, belong to it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

struct Example {
    /// File and line.
    place: String,
    text: String,
}

fn main() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut examples = Vec::new();
    for file in files(&top.join("doc"), "md") {
        examples.extend(of_file(&top, &file, |line| Some(line), "rust"));
    }
    for folder in [
        "rust/ocaml-lwt-interop/src",
        "rust/ocaml-lwt-interop-macros/src",
    ] {
        for file in files(&top.join(folder), "rs") {
            examples.extend(of_file(&top, &file, doc_comment, ""));
        }
    }
    let mut modules = String::new();
    let mut names = Vec::new();
    for Example { place, text } in &examples {
        let name = first_function(text)
            .unwrap_or_else(|| panic!("{place}: the example has no function that could be run"));
        assert!(
            !names.contains(&name),
            "{place}: there is another example with a function {name}"
        );
        write!(modules, "/// {place}\npub mod {name} {{\n{text}}}\n\n").expect("memory suffices");
        names.push(name);
    }
    let unshown: Vec<_> = public_types(&top.join("rust/ocaml-lwt-interop/src/lib.rs"))
        .into_iter()
        .filter(|name| {
            !examples
                .iter()
                .any(|example| words(&example.text).any(|word| word == name))
        })
        .collect();
    writeln!(modules, "const EXAMPLES: &[&str] = &{names:?};").expect("memory suffices");
    writeln!(modules, "const UNSHOWN: &[&str] = &{unshown:?};").expect("memory suffices");
    let folder = env::var("OUT_DIR").expect("cargo gives a folder to write to");
    fs::write(Path::new(&folder).join("examples.rs"), modules)
        .expect("the folder can be written to");
}

/// The files of a folder and of the folders in it, whose names end so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a line of a doc comment says.
fn doc_comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// The examples of a file, of whose lines `says` gives the text. They begin with three backticks and `language`.
fn of_file(
    top: &Path,
    path: &Path,
    says: impl Fn(&str) -> Option<&str>,
    language: &str,
) -> Vec<Example> {
    println!("cargo:rerun-if-changed={}", path.display());
    let source =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let shown = path.strip_prefix(top).unwrap_or(path).display();
    let mut examples = Vec::new();
    // The block that this line is in, if it is one: an example, or something else.
    let mut inside: Option<Option<Example>> = None;
    let mut is_copy = false;
    for (number, line) in source.lines().enumerate() {
        let Some(text) = says(line) else { continue };
        let fence = text.trim_start().strip_prefix("```");
        match (&mut inside, fence) {
            (None, Some(found)) => {
                let place = format!("{shown}:{}", number + 1);
                let is_example = found == language && !is_copy;
                inside = Some(is_example.then(|| Example {
                    place,
                    text: String::new(),
                }));
            }
            (None, None) => is_copy = text.starts_with("<!-- "),
            (Some(_), Some(_)) => {
                examples.extend(inside.take().flatten());
                is_copy = false;
            }
            (Some(Some(example)), None) => {
                let shown = text.strip_prefix("# ").unwrap_or(text);
                example.text.push_str(shown);
                example.text.push('\n');
            }
            (Some(None), None) => {}
        }
    }
    assert!(inside.is_none(), "{shown}: a block has no end");
    examples
}

fn first_function(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim_start).find_map(|line| {
        line.strip_prefix("pub async fn ")
            .or_else(|| line.strip_prefix("pub fn "))
    })?;
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(line[..end].to_owned())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The types and traits that `lib.rs` gives to users: its `pub use`s, up to what only expansions name.
fn public_types(lib: &Path) -> Vec<String> {
    let source =
        fs::read_to_string(lib).unwrap_or_else(|error| panic!("{}: {error}", lib.display()));
    let public = source.split("pub mod __private").next().unwrap_or_default();
    let mut names: Vec<_> = public
        .split("pub use ")
        .skip(1)
        .filter_map(|list| list.split(';').next())
        .flat_map(words)
        .filter(|word| word.starts_with(char::is_uppercase))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    assert!(
        names.len() > 20,
        "{}: these are not all types: {names:?}",
        lib.display()
    );
    names
}
