//! Records and variants by the bridge's own derives: there and back, like those of `values`, and with parts whose
//! conversion collects.

use std::cell::Cell;
use std::collections::BTreeMap;

use ocaml::{FromValue, Runtime, ToValue, Value};
use ocaml_lwt_interop::{
    ByteBuf, Coming, FromOCaml, Going, Nativeint, OCamlList, OCamlType, OCamlValue, ToOCaml, Type,
    Types, ocaml_runtime,
};

use crate::endings::echo;

#[derive(FromOCaml, ToOCaml)]
pub struct Person {
    name: String,
    age: isize,
    nick: Option<String>,
}

#[derive(FromOCaml, ToOCaml)]
pub struct Point {
    x: f64,
    y: f64,
}

#[derive(FromOCaml, ToOCaml)]
#[ocaml(unboxed)]
pub struct Metres(f64);

#[derive(FromOCaml, ToOCaml)]
#[ocaml(unboxed)]
pub enum Name {
    Name { text: String },
}

/// Flat: OCaml looks through unboxed types.
#[derive(FromOCaml, ToOCaml)]
pub struct Box3 {
    width: Metres,
    height: Metres,
    depth: f32,
}

#[derive(FromOCaml, ToOCaml)]
pub enum Shape {
    Empty,
    Circle(f64),
    Rectangle { width: f64, height: f64 },
    Unknown,
    Named(String, Point),
}

#[derive(FromOCaml, ToOCaml)]
pub enum Tree {
    Leaf,
    Node(Box<Tree>, isize, Box<Tree>),
}

#[derive(FromOCaml, ToOCaml)]
pub struct Pair<A, B> {
    first: A,
    second: B,
}

/// Never flat.
#[derive(FromOCaml, ToOCaml)]
pub struct Tuple(f64, f64);

#[derive(FromOCaml, ToOCaml)]
pub struct Single(f64);

/// OCaml looks through the parameter of an unboxed type, but for that of the record.
#[derive(FromOCaml, ToOCaml)]
#[ocaml(unboxed)]
pub struct Tagged<T>(T);

#[derive(FromOCaml, ToOCaml)]
pub struct TaggedFloats {
    r#type: Tagged<f64>,
    visitor: Tagged<Metres>,
}

#[derive(FromOCaml, ToOCaml)]
pub struct TaggedArrays {
    frame: Vec<Tagged<f64>>,
    block: Tagged<String>,
}

#[derive(FromOCaml, ToOCaml)]
pub enum List<T> {
    Nil,
    Cons(T, Box<List<T>>),
}

/// A float that only ocaml-rs converts, from OCaml.
#[derive(ToOCaml)]
#[ocaml(unboxed)]
pub struct Seconds(f64);

// SAFETY: what is read is what is made
unsafe impl OCamlType<Coming> for Seconds {
    fn ocaml_type(types: &mut Types) -> Type {
        <Self as OCamlType<Going>>::ocaml_type(types)
    }
}

// SAFETY: copied
unsafe impl FromOCaml for Seconds {}

// SAFETY: copied
unsafe impl FromValue for Seconds {
    fn from_value(value: Value) -> Self {
        collect();
        Seconds(f64::from_value(value))
    }
}

#[derive(FromOCaml, ToOCaml)]
pub struct Span {
    from: Seconds,
    till: Seconds,
}

/// One of everything.
#[derive(FromOCaml, ToOCaml)]
pub struct All {
    unit: (),
    truth: bool,
    letter: u8,
    small: i16,
    int32: i32,
    int64: i64,
    nativeint: Nativeint,
    float: f64,
    bytes: ByteBuf,
    tuple: (isize, f64, String),
    result: Result<isize, String>,
    list: OCamlList<Option<isize>>,
    lists: OCamlList<OCamlList<String>>,
    array: Vec<String>,
    floats: Vec<f64>,
    lengths: Vec<Metres>,
    points: Vec<Point>,
    unboxed: Name,
    pair: Pair<Point, Option<Name>>,
    shapes: OCamlList<Shape>,
}

/// An `int` whose conversions collect, both ways.
pub struct Collecting(isize);

thread_local! {
    /// How often one was converted.
    static CONVERTED: Cell<isize> = const { Cell::new(0) };
}

fn collect() {
    CONVERTED.set(CONVERTED.get() + 1);
    // SAFETY: a conversion runs with the lock held, and may collect
    unsafe { ocaml::sys::caml_gc_compaction(ocaml::sys::UNIT) };
}

// SAFETY: an `int` in a block, which is `Some`
unsafe impl<D> OCamlType<D> for Collecting {
    fn ocaml_type(_: &mut Types) -> Type {
        Type::applied("option", [Type::named("int")])
    }
}

// SAFETY: copied
unsafe impl FromOCaml for Collecting {}

// SAFETY: the value is rooted
unsafe impl ToOCaml for Collecting {}

// SAFETY: copied
unsafe impl FromValue for Collecting {
    fn from_value(value: Value) -> Self {
        collect();
        // SAFETY: a conversion runs with the lock held, on a block of one field
        Collecting(unsafe { value.field(0).int_val() })
    }
}

// SAFETY: the value is rooted
unsafe impl ToValue for Collecting {
    fn to_value(&self, runtime: &Runtime) -> Value {
        // SAFETY: a conversion runs with the lock held
        let value = unsafe { Value::some(runtime, self.0) };
        collect();
        value
    }
}

/// Parts that only ocaml-rs converts, some of which collect, between parts that need no root.
#[derive(FromOCaml, ToOCaml)]
pub struct Mixed {
    before: String,
    first: Collecting,
    between: Vec<String>,
    assoc: BTreeMap<String, isize>,
    inner: OCamlList<Inner>,
    any: OCamlValue,
    after: Option<String>,
}

#[derive(FromOCaml, ToOCaml)]
pub enum Inner {
    Plain(String),
    Collecting {
        text: String,
        it: Collecting,
        again: String,
    },
    Nothing,
}

/// What of it is a float OCaml's block says.
#[derive(FromOCaml, ToOCaml)]
pub struct AnyBetweenFloats {
    x: f64,
    any: OCamlValue,
    y: f64,
}

/// As OCaml's record with a parameter.
#[derive(FromOCaml, ToOCaml)]
pub struct OneBetweenFloats<T> {
    x: f64,
    any: T,
    y: f64,
}

#[derive(FromOCaml, ToOCaml)]
pub struct TwoOfAny {
    first: OCamlValue,
    second: Value,
}

/// The parts of a record that OCaml may have stored flat.
#[ocaml_lwt_interop::func]
pub fn records_any_between_floats_apart(value: AnyBetweenFloats) -> (f64, OCamlValue, f64) {
    (value.x, value.any, value.y)
}

#[ocaml_lwt_interop::func]
pub fn records_two_of_any_apart(value: TwoOfAny) -> (OCamlValue, Value) {
    (value.first, value.second)
}

echo! {
    records_any_between_floats: AnyBetweenFloats;
    records_one_between_floats: OneBetweenFloats<OCamlValue>;
    records_two_of_any: TwoOfAny;
    records_person: Person;
    records_point: Point;
    records_metres: Metres;
    records_name: Name;
    records_box: Box3;
    records_shape: Shape;
    records_tree: Tree;
    records_pair: Pair<Point, Option<Name>>;
    records_pair_of_floats: Pair<f64, f64>;
    records_tuple: Tuple;
    records_single: Single;
    records_tagged_floats: TaggedFloats;
    records_tagged_arrays: TaggedArrays;
    records_generic_list: List<f64>;
    records_list_of_any: List<OCamlValue>;
    records_span: Span;
    records_all: All;
    records_many: OCamlList<All>;
    records_mixed: Mixed;
}

/// Values that only pass through, out of an array of whatever OCaml has.
#[derive(FromOCaml)]
pub struct Anything {
    before: String,
    values: Vec<OCamlValue>,
}

/// The last one.
#[ocaml_lwt_interop::func]
pub fn records_last(of: Anything) -> Result<OCamlValue, ocaml_lwt_interop::Error> {
    let last = of.values.last().cloned();
    last.ok_or_else(|| ocaml_lwt_interop::Error::msg(of.before))
}

/// How often a [`Collecting`] was converted since the last call.
#[ocaml_lwt_interop::func]
pub fn records_converted() -> isize {
    CONVERTED.take()
}

/// What is borrowed converts as well.
#[derive(ToOCaml)]
struct Borrowed<'a> {
    name: &'a str,
    points: &'a Vec<Point>,
}

/// A record whose strings together are just below, at, and above what fits into one allocation.
#[ocaml_lwt_interop::func]
pub fn records_borrowed(length: isize) -> Value {
    let name = "n".repeat(length as usize);
    let points = vec![Point { x: 1.5, y: 2.5 }];
    let borrowed = Borrowed {
        name: &name,
        points: &points,
    };
    borrowed.to_value(&ocaml_runtime())
}
