#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface]
pub trait Protocol {
    async fn apply(&self, block: &str);
    async fn apply_all(&self, blocks: &[String]);
}

fn main() {}
