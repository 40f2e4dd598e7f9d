//! Every type that crosses: there and back, at once and across an `.await`.

use std::collections::{BTreeMap, LinkedList};

use ocaml::{FromValue, ToValue, Value};
use ocaml_lwt_interop::{
    ByteBuf, Error, FromOCaml, Nativeint, OCamlAsyncFunc, OCamlFunc, OCamlList, OCamlType,
    OCamlValue, Promise, ToOCaml, Type, Types, ocaml_runtime,
};

use crate::endings::echo;

#[derive(FromValue, ToValue)]
pub struct Person {
    name: String,
    age: isize,
    nick: Option<String>,
}

/// Only floats: OCaml stores them without boxes.
#[derive(FromValue, ToValue)]
pub struct Point {
    x: f64,
    y: f64,
}

#[derive(FromValue, ToValue)]
#[unboxed]
pub struct Name {
    text: String,
}

#[derive(FromValue, ToValue)]
pub enum Shape {
    Empty,
    Circle(f64),
    Rectangle { width: f64, height: f64 },
    Unknown,
    Named(String, Point),
}

#[derive(FromValue, ToValue)]
pub enum Tree {
    Leaf,
    Node(Box<Tree>, isize, Box<Tree>),
}

#[derive(FromValue, ToValue)]
pub struct Pair<A: FromValue + ToValue, B: FromValue + ToValue> {
    first: A,
    second: B,
}

/// Types that ocaml-rs's derives convert say that they own what they have.
macro_rules! crosses {
    ($($ty:ty: $name:literal),*) => {$(
        // SAFETY: ocaml-rs's derive makes and reads what `declared.ml` declares
        unsafe impl<D> OCamlType<D> for $ty {
            fn ocaml_type(_: &mut Types) -> Type {
                Type::named($name)
            }
        }
        // SAFETY: nothing in it points into OCaml's heap
        unsafe impl FromOCaml for $ty {}
        // SAFETY: ocaml-rs's derive does not raise
        unsafe impl ToOCaml for $ty {}
    )*};
}

crosses!(
    Person: "Declared.person", Point: "Declared.point", Name: "Declared.name", Shape: "Declared.shape", Tree: "Declared.tree"
);

// SAFETY: as above
unsafe impl<D, A, B> OCamlType<D> for Pair<A, B>
where
    A: OCamlType<D> + FromValue + ToValue,
    B: OCamlType<D> + FromValue + ToValue,
{
    fn ocaml_type(types: &mut Types) -> Type {
        Type::applied(
            "Declared.pair",
            [A::ocaml_type(types), B::ocaml_type(types)],
        )
    }
}

// SAFETY: nothing in it points into OCaml's heap
unsafe impl<A: FromOCaml + ToValue, B: FromOCaml + ToValue> FromOCaml for Pair<A, B> {}
// SAFETY: ocaml-rs's derive does not raise
unsafe impl<A: ToOCaml + FromValue, B: ToOCaml + FromValue> ToOCaml for Pair<A, B> {}

/// A `Vec<u8>` has no OCaml type.
#[derive(FromOCaml, ToOCaml)]
#[ocaml(unboxed)]
pub struct Byte(u8);

echo! {
    values_u8: u8;
    values_i8: i8;
    values_u16: u16;
    values_i16: i16;
    values_usize: usize;
    values_u32: u32;
    values_u64: u64;
    values_array_of_bytes: [u8; 4];
    values_u8_option: Option<u8>;
    values_u8_list: OCamlList<u8>;
    values_u8_linked_list: LinkedList<u8>;
    values_u8_array: Vec<Byte>;
    values_u8_assoc: BTreeMap<u8, i8>;
    values_unit: ();
    values_bool: bool;
    values_char: u8;
    values_int: isize;
    values_int32: i32;
    values_int64: i64;
    values_nativeint: Nativeint;
    values_float: f64;
    values_string: String;
    values_bytes: ByteBuf;
    values_option: Option<isize>;
    values_option_option: Option<Option<isize>>;
    values_result: Result<isize, String>;
    values_pair: (f64, String);
    values_tuple: (isize, f64, String, Option<bool>, (i32, i64));
    values_list: OCamlList<String>;
    values_list_of_lists: OCamlList<OCamlList<Option<isize>>>;
    values_linked_list: LinkedList<String>;
    values_assoc: BTreeMap<String, isize>;
    values_array: Vec<String>;
    values_int_array: Vec<isize>;
    values_float_array: Vec<f64>;
    values_matrix: Vec<Vec<f64>>;
    values_record: Person;
    values_float_record: Point;
    values_unboxed: Name;
    values_variant: Shape;
    values_tree: Tree;
    values_generic: Pair<Point, Option<Name>>;
    values_any: OCamlValue;
    values_ocaml_value: Value;
    values_function: OCamlAsyncFunc<(isize,), isize>;
    values_sync_function: OCamlFunc<(isize,), isize>;
    values_promise: Promise<isize>;
    values_any_array: Vec<OCamlValue>;
    values_value_array: Vec<Value>;
    values_any_list: OCamlList<OCamlValue>;
    values_any_option: Option<OCamlValue>;
    values_any_pair: (OCamlValue, OCamlValue);
    values_any_result: Result<OCamlValue, OCamlValue>;
}

/// A symbol of its own; OCaml knows the function by that.
#[ocaml_lwt_interop::func(name = "values_by_another_name")]
pub fn with_name(_before: isize, text: String, _after: Person) -> String {
    text
}

/// `name:string -> ?greeting:string -> unit -> string Lwt.t`
#[ocaml_lwt_interop::func]
pub fn values_labelled(name: String, greeting: Option<String>, _unit: ()) -> String {
    format!("{} {name}", greeting.as_deref().unwrap_or("hello"))
}

macro_rules! arity {
    ($($name:ident($($argument:ident: $ty:ty),*);)*) => {$(
        /// All arguments, in order.
        #[ocaml_lwt_interop::func]
        #[allow(clippy::too_many_arguments)]
        pub async fn $name($($argument: $ty),*) -> String {
            futures_lite::future::yield_now().await;
            let texts: Vec<String> = vec![$($argument.to_string()),*];
            texts.join(" ")
        }
    )*};
}

arity! {
    values_take_1(a: isize);
    values_take_2(a: isize, b: String);
    values_take_3(a: isize, b: String, c: f64);
    values_take_4(a: isize, b: String, c: f64, d: i64);
    values_take_5(a: isize, b: String, c: f64, d: i64, e: isize);
    values_take_6(a: isize, b: String, c: f64, d: i64, e: isize, f: String);
    values_take_7(a: isize, b: String, c: f64, d: i64, e: isize, f: String, g: f64);
    values_take_8(a: isize, b: String, c: f64, d: i64, e: isize, f: String, g: f64, h: i64);
    values_take_9(a: isize, b: String, c: f64, d: i64, e: isize, f: String, g: f64, h: i64, i: isize);
    values_take_10(a: isize, b: String, c: f64, d: i64, e: isize, f: String, g: f64, h: i64, i: isize, j: String);
    values_take_11(a: isize, b: String, c: f64, d: i64, e: isize, f: String, g: f64, h: i64, i: isize, j: String, k: f64);
    values_take_12(a: isize, b: String, c: f64, d: i64, e: isize, f: String, g: f64, h: i64, i: isize, j: String, k: f64, l: i64);
}

macro_rules! give {
    ($($name:ident($($value:expr => $ty:ty),*);)*) => {$(
        /// Calls a function with so many arguments, in order.
        #[ocaml_lwt_interop::func]
        pub async fn $name(function: OCamlAsyncFunc<($($ty,)*), String>) -> Result<String, Error> {
            function.call(($($value,)*)).await
        }
    )*};
}

fn b() -> String {
    "b".to_owned()
}

give! {
    values_give_0();
    values_give_1(1 => isize);
    values_give_2(1 => isize, b() => String);
    values_give_3(1 => isize, b() => String, 3.5 => f64);
    values_give_4(1 => isize, b() => String, 3.5 => f64, 4 => i64);
    values_give_5(1 => isize, b() => String, 3.5 => f64, 4 => i64, 5 => isize);
    values_give_12(1 => isize, b() => String, 3.5 => f64, 4 => i64, 5 => isize, b() => String, 7.5 => f64, 8 => i64, 9 => isize, b() => String, 11.5 => f64, 12 => i64);
}

/// Calls a function that returns its value at once, again and again, and keeps it across an `.await`.
#[ocaml_lwt_interop::func]
pub async fn values_apply(
    function: OCamlFunc<(isize, String), String>,
    times: isize,
) -> Result<String, Error> {
    let mut text = String::new();
    for i in 0..times {
        text = function.call(&ocaml_runtime(), (i, text))?;
        futures_lite::future::yield_now().await;
    }
    Ok(text)
}

/// A record with handles in it.
#[derive(FromOCaml)]
pub struct Job {
    start: Promise<isize>,
    step: OCamlAsyncFunc<(isize,), isize>,
}

#[ocaml_lwt_interop::func]
pub async fn values_job(job: Job) -> Result<isize, Error> {
    job.step.call((job.start.await?,)).await
}

/// A value that may not convert comes from a promise, or from a function.
#[ocaml_lwt_interop::func]
pub async fn values_text_of_promise(promise: Promise<String>) -> Result<String, Error> {
    promise.await
}

#[ocaml_lwt_interop::func]
pub async fn values_text_of_function(function: OCamlFunc<(), String>) -> Result<String, Error> {
    function.call(&ocaml_runtime(), ())
}

/// `'a array -> 'a list`
#[ocaml_lwt_interop::func]
pub fn values_list_of_array(values: Vec<OCamlValue>) -> OCamlList<OCamlValue> {
    OCamlList(values)
}

/// `'a list -> 'a array`
#[ocaml_lwt_interop::func]
pub fn values_array_of_list(values: OCamlList<OCamlValue>) -> Vec<OCamlValue> {
    values.0
}

macro_rules! too_large {
    ($($name:ident: $($value:expr),*;)*) => {$(
        /// One of them.
        #[ocaml_lwt_interop::func]
        pub fn $name(which: isize) -> Result<Value, Error> {
            let runtime = ocaml_runtime();
            let mut values: Vec<Box<dyn Fn() -> Value + '_>> = vec![
                $(Box::new(|| TooLarge($value).to_value(&runtime))),*
            ];
            Ok(values.swap_remove(which as usize)())
        }
    )*};
}

/// In a type that uses the bridge's conversions.
#[derive(ToOCaml)]
#[ocaml(unboxed)]
struct TooLarge<T>(T);

too_large! {
    values_too_large:
        isize::MAX, isize::MIN, (isize::MAX >> 1) + 1, (isize::MIN >> 1) - 1,
        usize::MAX, (usize::MAX >> 2) + 1, u32::MAX, u32::MAX / 2 + 1, u64::MAX, u64::MAX / 2 + 1;
}

/// The largest and the smallest there are.
#[ocaml_lwt_interop::func]
pub fn values_largest() -> (isize, isize, usize, u32, u64) {
    (
        isize::MAX >> 1,
        isize::MIN >> 1,
        usize::MAX >> 2,
        u32::MAX / 2,
        u64::MAX / 2,
    )
}

#[ocaml_lwt_interop::func]
pub fn values_too_large_by_itself() -> isize {
    isize::MAX
}

/// An argument of a function that does not fit.
#[ocaml_lwt_interop::func]
pub async fn values_give_too_large(
    function: OCamlFunc<(isize,), ()>,
    later: OCamlAsyncFunc<(usize,), ()>,
) -> Vec<String> {
    let now = function.call(&ocaml_runtime(), (isize::MIN,));
    let later = later.call((usize::MAX,)).await;
    let message = |ended: Result<(), Error>| {
        let error = ended.expect_err("it does not fit");
        error
            .panic_message()
            .map_or_else(|| error.to_string(), str::to_owned)
    };
    vec![message(now), message(later)]
}

/// A value that does not fit comes from a promise, and from a function.
#[ocaml_lwt_interop::func]
pub async fn values_take_too_large(
    promise: Promise<u8>,
    function: OCamlFunc<(), Option<usize>>,
) -> Vec<String> {
    let of_promise = promise.await.expect_err("it does not fit");
    let of_function = function
        .call(&ocaml_runtime(), ())
        .expect_err("it does not fit");
    vec![of_promise.to_string(), of_function.to_string()]
}
