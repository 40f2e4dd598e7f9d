//! What is refused, and in which words. After a message was changed on purpose, `TRYBUILD=overwrite cargo test
//! --test ui` writes the new answers; read them before they are committed.

use std::process::Command;

/// The compiler whose words `tests/ui/types` and `tests/ui/crossing` have.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn refused_functions_say_why() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// The types that cross are known to the crate itself, by its traits, which say what to do instead.
#[test]
fn types_that_do_not_cross_are_refused_however_they_are_called() {
    compare_words_of_the_compiler("tests/ui/crossing/*.rs");
}

/// These answers are the compiler's, at the places that `#[func]` gives it: other versions say it in other words.
#[test]
fn types_without_conversion_are_named_where_they_stand() {
    compare_words_of_the_compiler("tests/ui/types/*.rs");
}

fn compare_words_of_the_compiler(cases: &str) {
    let version = Command::new("rustc").arg("--version").output().unwrap();
    if version.stdout.starts_with(COMPILER.as_bytes()) {
        trybuild::TestCases::new().compile_fail(cases);
    } else {
        eprintln!("not compared: these answers are those of {COMPILER}*");
    }
}
