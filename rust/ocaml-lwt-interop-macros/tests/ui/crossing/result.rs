//! What raises in the middle of a conversion, what points into OCaml's heap, and what is better said otherwise.
#![allow(unused)]

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;

use ocaml_lwt_interop::{Error, OCamlAsyncFunc, Resolver, RustStream, ToOCaml, func};

type Answer = Result<isize, ocaml::Error>;
type Bare = ocaml::Raw;

#[func]
pub async fn inside() -> Option<Answer> {
    None
}

#[func]
pub async fn raw() -> Bare {
    unreachable!()
}

#[func]
pub async fn pointer() -> ocaml::Pointer<String> {
    unreachable!()
}

#[func]
pub async fn argument(f: OCamlAsyncFunc<(Answer,), ()>) {
    f.call((Ok(1),)).await;
}

#[func]
pub async fn resolver(resolver: &'static Resolver<Answer>) {}

#[derive(ToOCaml)]
pub struct Answers {
    all: Vec<Answer>,
}

#[func]
pub async fn of_io() -> io::Result<String> {
    unreachable!()
}

#[func]
pub async fn boxed_error() -> Result<String, Box<dyn StdError + Send + Sync>> {
    unreachable!()
}

trait Stream {}

#[func]
pub async fn boxed_stream() -> Pin<Box<dyn Stream + Send>> {
    unreachable!()
}

fn main() {}
