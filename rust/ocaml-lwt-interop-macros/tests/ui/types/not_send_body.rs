#![allow(unused)]

#[path = "../../mock/mod.rs"]
mod mock;

use ocaml_lwt_interop_macros::func;
use std::rc::Rc;

#[func(crate = "crate::mock", tokio)]
pub async fn holds_across_await(port: i64) -> i64 {
    let port = Rc::new(port);
    std::future::ready(()).await;
    *port
}

// What does not live across `.await` need not be `Send`.
#[func(crate = "crate::mock", tokio)]
pub async fn holds_between(port: i64) -> i64 {
    let port = *Rc::new(port);
    std::future::ready(port).await
}

fn main() {}
