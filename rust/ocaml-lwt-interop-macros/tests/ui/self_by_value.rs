#![allow(unused)]

use ocaml_lwt_interop_macros::func;

use std::sync::Arc;

pub struct Greeting;

#[func]
impl Greeting {
    pub async fn greet(self, name: String) {}

    #[func(sync)]
    pub fn shared(self: Arc<Self>) {}

    pub async fn typed(self: &Self) {}

    fn helper(self) {}
}

fn main() {}
