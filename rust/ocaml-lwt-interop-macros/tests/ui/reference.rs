#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn sums(numbers: &[i64], runtime: &Vec<i64>, nested: (i64, Option<&mut i64>)) {}

#[func]
pub async fn lower(text: std::borrow::Cow<'_, str>, fine: std::borrow::Cow<'static, str>) {}

fn main() {}
