#![allow(unused)]

use ocaml_lwt_interop_macros::Exception;

#[derive(Exception)]
pub enum Failure {
    Timeout,
}

#[derive(Exception)]
pub struct Holding<T>(T);

fn main() {}
