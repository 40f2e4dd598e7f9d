//! Objects: where they are not, and where they may not be.
#![allow(unused)]

use std::cell::Cell;
use std::rc::Rc;

use ocaml_lwt_interop::{Object, ToOCaml, func, object};

/// Not an object.
pub struct Plain;

#[func]
pub async fn plain(plain: &Plain) {}

#[func]
pub async fn text(path: &std::path::PathBuf) {}

#[func]
impl Plain {
    pub async fn method(&self) {}

    pub async fn fine(name: String) {}
}

/// Stays at home.
#[object]
pub struct Local {
    count: Rc<Cell<isize>>,
}

#[func]
impl Local {
    #[func(tokio)]
    pub async fn on_a_worker(&self) {}

    #[func(blocking)]
    pub fn blocks(&self, other: &Local) {}

    pub async fn fine(&self) {}
}

#[func(tokio)]
pub async fn handle(local: Object<Local>) {}

/// By itself it is a result, and nothing else.
#[func]
pub async fn by_value(local: Local) {}

#[derive(ToOCaml)]
pub struct Holds {
    local: Local,
}

fn main() {}
