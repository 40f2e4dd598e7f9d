//! However it is called, and whatever it is in.
#![allow(unused)]

use ocaml_lwt_interop::{FromOCaml, OCamlAsyncFunc, OCamlFunc, Promise, func};

type Text = &'static str;
type Bytes = &'static [u8];
type Bare = ocaml::Raw;
type Held = ocaml::Pointer<String>;

#[func]
pub async fn text(text: Text) {}

#[func]
pub async fn bytes(bytes: Vec<Bytes>) {}

#[func]
pub async fn raw(raw: Option<Bare>) {}

#[func]
pub async fn pointer(pointer: Held) {}

#[func]
pub async fn mutable(text: (isize, ocaml::Array<f64>)) {}

#[func]
pub async fn promise(promise: Promise<Text>) {}

#[func]
pub async fn function(function: OCamlFunc<(isize,), Text>) {}

#[func]
pub async fn async_function(function: OCamlAsyncFunc<(isize,), Vec<Text>>) {}

#[derive(FromOCaml)]
pub struct Borrowing {
    name: Text,
    raw: Bare,
}

/// Its own conversion does not say that it owns what it has.
#[derive(ocaml::FromValue)]
pub struct Point {
    x: isize,
}

#[func]
pub async fn point(point: Point) {}

#[func]
pub async fn character(character: char) {}

fn main() {}
