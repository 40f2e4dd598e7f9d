use super::House;

/// The imports that look up in a crate of these files.
fn upward(files: &[(&str, &str)]) -> Vec<String> {
    let text = |name: &str| files.iter().find(|file| file.0 == name).map(|file| file.1);
    let house = House::read(|name| text(name).map(str::to_owned));
    let upward = house.upward();
    upward
        .iter()
        .map(|(from, to)| format!("{from} -> {to}"))
        .collect()
}

/// Of a crate with a ground, `below.rs`, that has this text, and a folder on it.
fn upward_from_below(below: &str) -> Vec<String> {
    upward(&[
        (
            "lib.rs",
            "mod below; mod folder; mod above; pub use above::Top; pub mod face { pub use crate::folder::Room; }",
        ),
        ("below.rs", below),
        (
            "folder/mod.rs",
            "mod room; mod attic; pub use room::Room; pub fn own() {}",
        ),
        ("folder/room.rs", "pub struct Room;"),
        (
            "folder/attic.rs",
            "use super::Room; use crate::below::Ground;",
        ),
        (
            "above.rs",
            "use crate::below::Ground; use crate::folder::Room; pub struct Top;",
        ),
    ])
}

#[test]
fn what_stands_below_may_be_imported() {
    assert_eq!(
        upward_from_below("pub struct Ground; use std::fmt; use other::above::Top;"),
        [""; 0]
    );
}

#[test]
fn import_that_looks_up_is_found_wherever_it_is_written() {
    for text in [
        "use crate::above::Top;",
        "use super::above::Top;",
        "use crate::{above};",
        "use crate::above::*;",
        "use crate::above::Top as Other;",
        "use crate::Top;",
        "fn f() { use crate::above::Top; }",
        "fn f(_: crate::above::Top) {}",
        "impl crate::above::Top { fn f() {} }",
        "fn f() { let _: Vec<crate::above::Top> = Vec::new(); }",
        "fn f() { println!(\"{}\", [crate::above::Top]); }",
        "macro_rules! m { () => { $crate::above::Top } }",
        "mod inner { use crate::above::Top; }",
        "mod inner { use super::super::above::Top; }",
        "#[cfg(test)] mod tests { use crate::above::Top; }",
    ] {
        assert_eq!(upward_from_below(text), ["below.rs -> above.rs"], "{text}");
    }
}

#[test]
fn names_are_followed_to_where_they_are_defined() {
    for text in [
        "use crate::folder::Room;",
        "use crate::folder; type R = folder::Room;",
        "use crate::face::Room;",
        "use crate::face; type R = face::Room;",
    ] {
        let through = ["below.rs -> folder/mod.rs", "below.rs -> folder/room.rs"];
        assert_eq!(upward_from_below(text), through, "{text}");
    }
}

#[test]
fn rooms_of_a_folder_stand_on_one_another_and_carry_their_face() {
    let folder = |first, face| {
        upward(&[
            ("lib.rs", "mod folder;"),
            ("folder/mod.rs", face),
            ("folder/first.rs", first),
            (
                "folder/second.rs",
                "use super::first::First; pub struct Second;",
            ),
        ])
    };
    let face = "mod first; mod second; pub use second::Second; pub struct Own;";
    assert_eq!(folder("pub struct First;", face), [""; 0]);
    for text in [
        "use super::second::Second;",
        "use super::Second;",
        "use crate::folder::Second;",
    ] {
        assert_eq!(
            folder(text, face),
            ["folder/first.rs -> folder/second.rs"],
            "{text}"
        );
    }
    for text in ["use super::Own;", "use super::*;", "fn f() { super::Own; }"] {
        assert_eq!(
            folder(text, face),
            ["folder/first.rs -> folder/mod.rs"],
            "{text}"
        );
    }
    let turned = "mod second; mod first;";
    assert_eq!(
        folder("pub struct First;", turned),
        ["folder/second.rs -> folder/first.rs"]
    );
}

#[test]
fn rooms_of_home_know_one_another() {
    let rooms = [
        ("lib.rs", "mod home; mod above;"),
        ("home/mod.rs", "mod a; mod b;"),
        ("home/a.rs", "use super::b::B; pub struct A;"),
        (
            "home/b.rs",
            "use super::a::A; use crate::above; pub struct B;",
        ),
        ("above.rs", ""),
    ];
    assert_eq!(upward(&rooms), ["home/b.rs -> above.rs"]);
}

#[test]
fn tests_in_a_file_of_their_own_belong_to_what_they_test() {
    let files = [
        ("lib.rs", "mod below; mod above;"),
        ("below.rs", "pub fn own() {} #[cfg(test)] mod tests;"),
        ("below/tests.rs", "use super::own; use crate::above;"),
        ("above.rs", ""),
    ];
    assert_eq!(upward(&files), ["below.rs -> above.rs"]);
}

/// The two crates of the bridge, as they are.
#[test]
fn modules_import_only_from_those_before_them() {
    for name in ["ocaml-lwt-interop", "ocaml-lwt-interop-macros"] {
        let root = format!("{}/../../rust/{name}/src", env!("CARGO_MANIFEST_DIR"));
        let house = House::read(|file| std::fs::read_to_string(format!("{root}/{file}")).ok());
        let upward: Vec<String> = house
            .upward()
            .iter()
            .map(|(from, to)| format!("{from} imports from {to}, which stands above it"))
            .collect();
        assert!(upward.is_empty(), "{root}:\n{}", upward.join("\n"));
    }
}
