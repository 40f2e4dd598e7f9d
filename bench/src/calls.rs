//! Functions that OCaml calls, and what the same call costs where it is synchronous.

use std::cell::Cell;
use std::future::pending;

use futures_lite::future::yield_now;
use ocaml_lwt_interop::{ByteBuf, Error, FromOCaml, ToOCaml, func};

#[func]
pub async fn bench_ready() {}

#[func]
pub async fn bench_yield() {
    yield_now().await;
}

#[func]
pub async fn bench_never() {
    pending::<()>().await;
}

#[func]
pub async fn bench_spawn() -> Result<(), Error> {
    Ok(tokio::spawn(async {}).await?)
}

#[func]
pub async fn bench_fail() -> Result<(), Error> {
    Err(Error::msg("refused"))
}

#[func]
pub async fn bench_1(a: isize) -> isize {
    a
}

#[func]
pub async fn bench_5(a: isize, b: isize, c: isize, d: isize, e: isize) -> isize {
    a + b + c + d + e
}

#[func]
#[allow(clippy::too_many_arguments)]
pub async fn bench_12(
    a: isize,
    b: isize,
    c: isize,
    d: isize,
    e: isize,
    f: isize,
    g: isize,
    h: isize,
    i: isize,
    j: isize,
    k: isize,
    l: isize,
) -> isize {
    a + b + c + d + e + f + g + h + i + j + k + l
}

#[func]
pub async fn bench_string(text: String) -> String {
    text
}

#[func]
pub async fn bench_bytes(bytes: ByteBuf) -> ByteBuf {
    bytes
}

/// A record of ten fields.
#[derive(Clone, FromOCaml, ToOCaml)]
pub struct Ten {
    a: isize,
    b: isize,
    c: isize,
    d: f64,
    e: f64,
    f: bool,
    g: String,
    h: String,
    i: Option<isize>,
    j: (isize, isize),
}

impl Ten {
    pub fn new() -> Ten {
        Ten {
            a: 1,
            b: 2,
            c: 3,
            d: 4.0,
            e: 5.0,
            f: true,
            g: "seven".into(),
            h: "eight".into(),
            i: Some(9),
            j: (10, 10),
        }
    }

    /// Reads every field, so that none is optimised away.
    pub fn sum(&self) -> isize {
        let Ten {
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
        } = self;
        a + b
            + c
            + *d as isize
            + *e as isize
            + isize::from(*f)
            + (g.len() + h.len()) as isize
            + i.unwrap_or(0)
            + j.0
            + j.1
    }
}

#[func]
pub async fn bench_record_to_rust(record: Ten) -> isize {
    record.sum()
}

#[func]
pub async fn bench_record_to_ocaml() -> Ten {
    Ten::new()
}

#[ocaml::func]
pub fn bench_sync() {}

#[ocaml::func]
pub fn bench_ocaml_rs_int(n: isize) -> isize {
    n + 1
}

#[func(sync)]
pub fn bench_sync_int(n: isize) -> isize {
    n + 1
}

#[func(sync)]
pub fn bench_sync_text(text: String) -> String {
    text
}

#[ocaml::func]
pub fn bench_sync_string(text: String) -> String {
    text
}

#[func(sync)]
pub fn bench_sync_bytes(bytes: ByteBuf) -> ByteBuf {
    bytes
}

#[func(sync)]
pub fn bench_sync_record_to_rust(record: Ten) -> isize {
    record.sum()
}

#[func(sync)]
pub fn bench_sync_record_to_ocaml() -> Ten {
    Ten::new()
}

thread_local! {
    /// Where the deepest and the highest frame of [`bench_deep`] stood on the C stack.
    static STACK: Cell<(usize, usize)> = const { Cell::new((usize::MAX, 0)) };
}

/// As [`bench_yield`], and notes how deep in the stack it runs.
#[func]
pub async fn bench_deep() {
    note_depth();
    yield_now().await;
    note_depth();
}

#[inline(never)]
fn note_depth() {
    let here = 0_u8;
    let at = std::hint::black_box(&raw const here) as usize;
    let (deepest, highest) = STACK.get();
    STACK.set((deepest.min(at), highest.max(at)));
}

/// The bytes between them; begins anew.
#[ocaml::func]
pub fn bench_stack_used() -> isize {
    let (deepest, highest) = STACK.replace((usize::MAX, 0));
    highest.saturating_sub(deepest) as isize
}
