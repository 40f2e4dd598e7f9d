//! What the declarations are made of: the library's sources, and those of the crates beside it. Cargo would not run the build script
//! again for a change in one of these, and the declarations would be those of before.

use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::target_folder;

/// The files that cargo has listed when it built the package's library for the declarations, and what says which versions of other
/// crates there are.
pub(crate) fn of_declarations(package: &Path) -> Result<Vec<PathBuf>, String> {
    // `cargo_profile` and `target` in `ocaml/tool/build.ml`.
    let folder = target_folder()?.join("rust-async-host").join("debug");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "d"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|list| listed(&list))
        // The name of the library is not told here. One that is built of this package's has its files as well, which does no harm.
        .filter(|files| files.iter().any(|file| file.starts_with(package)))
        .flatten()
        .collect();
    files.extend(lock_file(package));
    files.sort_unstable();
    files.dedup();
    // A file that is not there would have the script run each time.
    files.retain(|file| file.exists());
    Ok(files)
}

fn lock_file(package: &Path) -> Option<PathBuf> {
    let mut files = package.ancestors().map(|folder| folder.join("Cargo.lock"));
    files.find(|file| file.exists())
}

/// The files of a rule as `make` has it: `target: a b\ c`.
fn listed(rules: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for rule in rules.lines() {
        let Some((_, sources)) = rule.split_once(": ") else {
            continue;
        };
        let mut file = String::new();
        let mut characters = sources.chars().peekable();
        while let Some(character) = characters.next() {
            match (character, characters.peek()) {
                ('\\', Some(' ')) => file.extend(characters.next()),
                (' ', _) => files.push(PathBuf::from(std::mem::take(&mut file))),
                _ => file.push(character),
            }
        }
        files.push(PathBuf::from(file));
    }
    files.retain(|file| !file.as_os_str().is_empty());
    files
}

#[cfg(test)]
mod tests {
    use super::listed;
    use std::path::Path;

    #[test]
    fn files_of_a_rule_are_all_that_it_lists() {
        let files = listed("/t/libnode.so: /a/src/lib.rs /a\\ b/lib.rs\n\n/t/empty:\n");
        assert_eq!(
            files,
            [Path::new("/a/src/lib.rs"), Path::new("/a b/lib.rs")]
        );
    }
}
