#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub fn greet() -> impl Future<Output = String> {
    std::future::ready(String::new())
}

#[func]
pub async fn shows() -> Result<impl ToString, String> {
    Ok(String::new())
}

fn main() {}
