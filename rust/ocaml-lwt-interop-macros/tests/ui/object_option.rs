#![allow(unused)]

use ocaml_lwt_interop_macros::object;

#[object(drop = "tokio")]
pub struct Greeting;

#[object(send, size = "12")]
pub struct Name;

#[object(drop)]
pub struct Text;

#[object(= 1)]
pub struct Number;

fn main() {}
