#![allow(unused)]

use ocaml_lwt_interop_macros::func;

// All errors of a function are shown, and nothing that only follows from them.
#[func(workers, cancel = "never")]
pub const unsafe extern "C" fn read<T>(name: &str, _: Raw, (a, b): (i64, &[u8]), _: ...) -> impl Sized
where
    T: Send,
{
    later().await
}

struct Raw;

async fn later() {}

// Code that uses a refused function gives no errors of its own.
#[func]
pub fn greet(name: &str) -> String {
    later().await;
    format!("hello {name}")
}

pub async fn uses() -> String {
    greet("Rust").await
}

fn main() {}
