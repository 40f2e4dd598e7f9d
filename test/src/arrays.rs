//! Bigarrays, lent and owned; see `../test_arrays.ml` and `../test_loans.ml`.

use std::sync::{Condvar, Mutex};

use futures_core::Stream;
use futures_lite::StreamExt;
use ocaml_lwt_interop::arrays::{Complex, Uint8};
use ocaml_lwt_interop::{
    Error, FromOCaml, Lent, LwtStream, Nativeint, OCamlAsyncFunc, OCamlFunc, OCamlList, OwnedArray,
    Promise, domain_executor, func,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::blocking::Way;
use crate::endings::yield_if;
use crate::probe::{Nap, Place};

// Kinds.

macro_rules! kinds {
    ($($ty:ty: $reverse:ident $reversed:ident;)*) => {$(
        #[func]
        pub async fn $reverse(mut array: Lent<$ty>, yields: bool) {
            yield_if(yields).await;
            array.reverse();
        }

        #[func(blocking)]
        pub fn $reversed(array: OwnedArray<$ty>) -> OwnedArray<$ty> {
            array.into_vec().into_iter().rev().collect()
        }
    )*};
}

kinds! {
    u8: arrays_reverse_char arrays_reversed_char;
    Uint8: arrays_reverse_int8_unsigned arrays_reversed_int8_unsigned;
    i8: arrays_reverse_int8_signed arrays_reversed_int8_signed;
    u16: arrays_reverse_int16_unsigned arrays_reversed_int16_unsigned;
    i16: arrays_reverse_int16_signed arrays_reversed_int16_signed;
    i32: arrays_reverse_int32 arrays_reversed_int32;
    i64: arrays_reverse_int64 arrays_reversed_int64;
    isize: arrays_reverse_int arrays_reversed_int;
    Nativeint: arrays_reverse_nativeint arrays_reversed_nativeint;
    f32: arrays_reverse_float32 arrays_reversed_float32;
    f64: arrays_reverse_float64 arrays_reversed_float64;
    Complex<f32>: arrays_reverse_complex32 arrays_reversed_complex32;
    Complex<f64>: arrays_reverse_complex64 arrays_reversed_complex64;
}

/// Row-major, and each element is its number.
fn count<T: ocaml_lwt_interop::arrays::Element + From<u8>, const N: usize>(
    array: &mut Lent<T, N>,
) -> [usize; N] {
    for (element, n) in array.iter_mut().zip(0..) {
        *element = n.into();
    }
    array.dims()
}

#[func]
pub async fn arrays_count_2(mut array: Lent<f64, 2>) -> (usize, usize) {
    count(&mut array).into()
}

#[func]
pub async fn arrays_count_3(mut array: Lent<i32, 3>) -> (usize, usize, usize) {
    count(&mut array).into()
}

#[func]
pub async fn arrays_count_4(mut array: Lent<u16, 4>) -> (usize, usize, usize, usize) {
    count(&mut array).into()
}

#[func]
pub async fn arrays_made_2(rows: usize, columns: usize) -> OwnedArray<f64, 2> {
    let elements = (0..rows * columns).map(|n| n as f64).collect();
    OwnedArray::with_dims(elements, [rows, columns])
}

#[func]
pub async fn arrays_made_4(length: usize) -> OwnedArray<u8, 4> {
    let elements = (0..length.pow(4)).map(|n| n as u8).collect();
    OwnedArray::with_dims(elements, [length; 4])
}

// While it is lent.

/// Writes 1, calls `f`, and writes 2, in a place.
#[func]
pub async fn arrays_write(place: Place, mut array: Lent<u8>, f: Nap) -> Result<(), Error> {
    let write = async move {
        array.fill(1);
        f.call(()).await?;
        array.fill(2);
        Ok(())
    };
    place.run(write).await
}

/// The same on a worker, by `#[func(tokio)]`.
#[func(tokio)]
pub async fn arrays_write_on_workers(mut array: Lent<u8>, f: Nap) -> Result<(), Error> {
    array.fill(1);
    f.call(()).await?;
    array.fill(2);
    Ok(())
}

/// The same, while the promise may be cancelled.
#[func(tokio, cancel = "detach")]
pub async fn arrays_write_detached(mut array: Lent<u8>, f: Nap) -> Result<(), Error> {
    f.call(()).await?;
    array.fill(2);
    Ok(())
}

#[func(sync)]
pub fn arrays_write_now(mut array: Lent<u8>, f: OCamlFunc<(), ()>) -> Result<isize, Error> {
    array.fill(1);
    f.call(&ocaml_lwt_interop::ocaml_runtime(), ())?;
    array.fill(2);
    Ok(array.iter().map(|byte| isize::from(*byte)).sum())
}

/// Calls `f` when another thread has let go of the array.
#[func(sync)]
pub fn arrays_let_go_elsewhere(array: Lent<u8>, f: OCamlFunc<(), ()>) -> Result<(), Error> {
    let thread = std::thread::spawn(move || drop(array));
    thread.join().expect("nothing in it panics");
    f.call(&ocaml_lwt_interop::ocaml_runtime(), ())
}

/// Ends as it is told: with a value, an error or a panic.
#[func]
pub async fn arrays_end(mut array: Lent<u8>, place: Place, how: isize) -> Result<(), Error> {
    let end = async move {
        array.fill(7);
        match how {
            0 => Ok(()),
            1 => Err(Error::msg("on purpose")),
            _ => panic!("on purpose"),
        }
    };
    place.run(end).await
}

/// A gate at which writers wait, on threads that nobody can stop.
struct Gate {
    open: bool,
    /// Writers that have come to it since it was closed.
    came: usize,
}

static GATE: Mutex<Gate> = Mutex::new(Gate {
    open: false,
    came: 0,
});
static CHANGED: Condvar = Condvar::new();

#[func(sync)]
pub fn arrays_gate(open: bool) {
    *GATE.lock().unwrap() = Gate { open, came: 0 };
    CHANGED.notify_all();
}

#[func(sync)]
pub fn arrays_came_to_the_gate() -> usize {
    GATE.lock().unwrap().came
}

fn write_behind_the_gate(mut array: Lent<u8>) {
    array.fill(1);
    let mut gate = GATE.lock().unwrap();
    gate.came += 1;
    drop(CHANGED.wait_while(gate, |gate| !gate.open));
    array.fill(2);
}

#[func(blocking)]
pub fn arrays_behind_the_gate(array: Lent<u8>) {
    write_behind_the_gate(array);
}

#[func]
pub async fn arrays_spawned_behind_the_gate(array: Lent<u8>) -> Result<(), Error> {
    Ok(tokio::task::spawn_blocking(|| write_behind_the_gate(array)).await?)
}

/// Waits for ever in a place.
#[func]
pub async fn arrays_never(place: Place, array: Lent<u8>) {
    place
        .run_while_awaited(async move {
            let _array = array;
            std::future::pending::<()>().await;
        })
        .await;
}

static KEPT: Mutex<Vec<Lent<u8>>> = Mutex::new(Vec::new());

/// Keeps it beyond the end of the call.
#[func]
pub async fn arrays_keep(mut array: Lent<u8>) {
    array.fill(3);
    KEPT.lock().unwrap().push(array);
}

/// Drops in a place what was kept.
#[func]
pub async fn arrays_let_go(place: Place) {
    place.run(async { KEPT.lock().unwrap().clear() }).await;
}

/// The same on a thread that nobody waits for.
#[func(sync)]
pub fn arrays_let_go_later() {
    std::thread::spawn(|| KEPT.lock().unwrap().clear());
}

// Arguments.

#[func]
pub async fn arrays_two(mut left: Lent<u8>, mut right: Lent<u8>) {
    left.fill(1);
    right.fill(2);
}

#[func]
pub async fn arrays_before_a_text(mut array: Lent<u8>, text: String) {
    array.fill(text.len() as u8);
}

#[derive(FromOCaml)]
pub struct Parts {
    head: Lent<u8>,
    name: String,
    tail: Option<Lent<u8>>,
}

#[func]
pub async fn arrays_record(mut parts: Parts) {
    parts.head.fill(parts.name.len() as u8);
    if let Some(tail) = &mut parts.tail {
        tail.fill(parts.name.len() as u8 + 1);
    }
}

#[func]
pub async fn arrays_list(arrays: OCamlList<Lent<u8>>) {
    for (mut array, n) in arrays.0.into_iter().zip(1..) {
        array.fill(n);
    }
}

// Back and forth.

#[func]
pub async fn arrays_back(mut array: Lent<u8>) -> Lent<u8> {
    array.fill(9);
    array
}

#[func(sync)]
pub fn arrays_back_now(array: Lent<u8>) -> Lent<u8> {
    array
}

/// The first part, while another thread has the second.
#[func]
pub async fn arrays_part_back(array: Lent<u8>) -> Lent<u8> {
    let (head, tail) = array.split_at(1);
    KEPT.lock().unwrap().push(tail);
    head
}

/// Two tasks, each with a half.
#[func]
pub async fn arrays_halves(array: Lent<u8>) -> Result<(), Error> {
    let half = array.len() / 2;
    let (mut left, mut right) = array.split_at(half);
    let left = tokio::spawn(async move { left.fill(1) });
    let right = tokio::task::spawn_blocking(move || right.fill(2));
    left.await?;
    Ok(right.await?)
}

#[func]
pub async fn arrays_promised(place: Place, promise: Promise<Lent<u8>>) -> Result<(), Error> {
    let fill = async move {
        promise.await?.fill(5);
        Ok(())
    };
    place.run(fill).await
}

/// Calls `f` with an array of Rust's, and writes to the one that it gives.
#[func]
pub async fn arrays_call(
    way: Way,
    place: Place,
    f: OCamlFunc<(OwnedArray<u8>,), Lent<u8>>,
) -> Result<(), Error> {
    let call = async move {
        let mut array = way.call(&f, (OwnedArray::from(vec![4; 3]),)).await?;
        array.fill(6);
        Ok(())
    };
    place.run(call).await
}

/// Gives the array back as the argument of a function.
#[func]
pub async fn arrays_hand_back(
    place: Place,
    mut array: Lent<u8>,
    f: OCamlAsyncFunc<(Lent<u8>,), ()>,
) -> Result<(), Error> {
    let call = async move {
        array.fill(8);
        f.call((array,)).await
    };
    place.run(call).await
}

#[func]
pub fn arrays_chunks(chunks: usize, length: usize) -> impl Stream<Item = OwnedArray<u8>> {
    futures_lite::stream::iter(0..chunks).map(move |n| vec![n as u8; length].into())
}

#[func]
pub async fn arrays_fill_each(place: Place, chunks: LwtStream<Lent<u8>>) -> Result<isize, Error> {
    let fill = async move {
        let mut chunks = chunks;
        let mut number = 0;
        while let Some(chunk) = chunks.next().await {
            number += 1;
            chunk?.fill(number);
        }
        Ok(isize::from(number))
    };
    place.run(fill).await
}

/// What Tokio reads goes into OCaml's memory, and what it writes comes from there.
#[func]
pub async fn arrays_tokio(from: Lent<u8>, mut to: Lent<u8>) -> Result<(), Error> {
    let (mut writer, mut reader) = tokio::io::duplex(7);
    let write = tokio::spawn(async move { writer.write_all(&from).await });
    reader.read_exact(&mut to).await?;
    Ok(write.await??)
}

// Memory.

/// Where the elements are; and writes to the first and the last.
#[func(blocking)]
pub fn arrays_touch(mut array: Lent<u8>) -> isize {
    if let [first, .., last] = &mut *array {
        *first = first.wrapping_add(1);
        *last = last.wrapping_add(1);
    }
    array.as_ptr().addr() as isize
}

/// Lets go of them, on a thread of the blocking pool.
#[func(blocking)]
pub fn arrays_let_go_of_all(arrays: Vec<Lent<u8>>) -> usize {
    arrays.len()
}

#[func(blocking)]
pub fn arrays_made(length: usize) -> OwnedArray<u8> {
    vec![b'r'; length].into()
}

/// With room for more than it has.
#[func(sync)]
pub fn arrays_made_with_room(length: usize, room: usize) -> OwnedArray<u8> {
    let mut elements = Vec::with_capacity(room);
    elements.resize(length, b'r');
    elements.into()
}

/// Converts the same array twice.
#[func(sync)]
pub fn arrays_twice() -> bool {
    use ocaml::ToValue;
    let array = OwnedArray::from(vec![1_u8]);
    let runtime = domain_executor::ocaml_runtime();
    let converts =
        || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| array.to_value(&runtime)));
    drop(converts());
    converts().is_err()
}
