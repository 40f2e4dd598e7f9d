//! Records and variants.

use ocaml::{FromValue, ToValue};
use ocaml_lwt_interop::{FromOCaml, OCamlFunc, OCamlList, OCamlType, ToOCaml, Type, Types};

/// Somebody.
#[derive(FromOCaml, ToOCaml)]
pub struct Person {
    /// As others call them.
    pub name: String,
    pub age: isize,
    /// What they are: OCaml has the word for itself.
    pub r#type: Kind,
    pub friends: OCamlList<Person>,
}

/// Constructors without arguments.
#[derive(FromOCaml, ToOCaml)]
pub enum Kind {
    /// Like you.
    Human,
    Robot,
}

/// Flat in OCaml.
#[derive(FromOCaml, ToOCaml)]
pub struct Point {
    x: f64,
    y: f64,
}

#[derive(FromOCaml, ToOCaml)]
pub enum Shape {
    Empty,
    Circle(Point, f64),
    /// Has sides.
    Rectangle {
        corner: Point,
        width: f64,
        height: f64,
    },
    Named(String, Box<Shape>),
    Both((isize, isize)),
}

/// Each of two types needs the other.
#[derive(FromOCaml, ToOCaml)]
pub enum Tree {
    Leaf,
    Node(Branches),
}

#[derive(FromOCaml, ToOCaml)]
pub struct Branches {
    left: Box<Tree>,
    value: isize,
    right: Box<Tree>,
}

/// Of its own parameter.
#[derive(FromOCaml, ToOCaml)]
pub enum Sequence<T> {
    End,
    Then { item: T, rest: Box<Self> },
}

#[derive(FromOCaml, ToOCaml)]
pub struct Pair<A, B> {
    first: A,
    second: B,
}

/// Unboxed.
#[derive(FromOCaml, ToOCaml)]
#[ocaml(unboxed, name = "metres")]
pub struct Meters(f64);

/// A record of one field, unboxed.
#[derive(FromOCaml, ToOCaml)]
#[ocaml(unboxed)]
pub struct Boxed<T> {
    content: T,
}

/// A struct without names, and OCaml has a type of this name: `List`.
#[derive(FromOCaml, ToOCaml)]
pub struct List(isize, Option<Box<List>>);

#[derive(FromOCaml, ToOCaml)]
pub struct Wrapped {
    list: List,
    on_change: OCamlFunc<(Option<isize>,), bool>,
    position: Position,
}

/// With other conversions, as `Lexing.position` of OCaml's library.
#[derive(FromValue, ToValue)]
struct Position {
    file: String,
    line: isize,
    beginning: isize,
    offset: isize,
}

// SAFETY: a record of these four fields, in this order
unsafe impl<D> OCamlType<D> for Position {
    fn ocaml_type(_: &mut Types) -> Type {
        Type::named("Lexing.position")
    }
}

// SAFETY: nothing in it points into OCaml's heap
unsafe impl FromOCaml for Position {}
// SAFETY: ocaml-rs's derive does not raise
unsafe impl ToOCaml for Position {}
