//! A method on an object, and the same function without one.

use std::sync::atomic::{AtomicIsize, Ordering};

use ocaml_lwt_interop::{func, object};

#[object]
pub struct BenchObject {
    value: AtomicIsize,
}

#[func]
impl BenchObject {
    #[func(sync)]
    pub fn make() -> BenchObject {
        BenchObject {
            value: AtomicIsize::new(0),
        }
    }

    #[func(sync)]
    pub fn add(&self, n: isize) -> isize {
        self.value.load(Ordering::Relaxed) + n
    }

    pub async fn add_later(&self, n: isize) -> isize {
        self.value.load(Ordering::Relaxed) + n
    }
}

static VALUE: AtomicIsize = AtomicIsize::new(0);

#[func(sync)]
pub fn bench_add(_unit: isize, n: isize) -> isize {
    VALUE.load(Ordering::Relaxed) + n
}

#[func]
pub async fn bench_add_later(_unit: isize, n: isize) -> isize {
    VALUE.load(Ordering::Relaxed) + n
}
