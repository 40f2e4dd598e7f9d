#![allow(unused)]

#[path = "../../mock/mod.rs"]
mod mock;

use mock::__private::{Error, ToValue};
use ocaml_lwt_interop_macros::func;
use std::rc::Rc;

struct Socket(Rc<i64>);

impl ToValue for Socket {
    fn show(&self) -> String {
        self.0.to_string()
    }
}

#[func(crate = "crate::mock", tokio)]
pub async fn connects(port: i64) -> Socket {
    Socket(Rc::new(port))
}

#[func(crate = "crate::mock", tokio)]
pub async fn connects_or_fails(port: i64) -> Result<Socket, Error> {
    Ok(Socket(Rc::new(port)))
}

#[func(crate = "crate::mock", blocking)]
pub fn connects_and_blocks(port: i64) -> Socket {
    Socket(Rc::new(port))
}

fn main() {}
