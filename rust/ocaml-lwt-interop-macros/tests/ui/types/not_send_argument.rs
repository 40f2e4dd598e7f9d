#![allow(unused)]

#[path = "../../mock/mod.rs"]
mod mock;

use mock::__private::{FromValue, Value};
use ocaml_lwt_interop_macros::func;
use std::rc::Rc;

struct Socket(Rc<i64>);

impl FromValue for Socket {
    fn from_value(value: &Value) -> Socket {
        Socket(Rc::new(i64::from_value(value)))
    }
}

#[func(crate = "crate::mock", tokio)]
pub async fn sends(text: String, socket: Socket) {}

#[func(crate = "crate::mock", blocking)]
pub fn writes(text: String, socket: Socket) {}

// Nothing leaves the domain thread.
#[func(crate = "crate::mock")]
pub async fn sends_from_home(text: String, socket: Socket) {}

fn main() {}
