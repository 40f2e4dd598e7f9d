#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn first<'a, 'b>(text: std::borrow::Cow<'a, str>) {}

fn main() {}
