//! The types that cross, [`FromOCaml`] and [`ToOCaml`]; and [`Visitor`], which hears what a value is made of when it goes to
//! OCaml.

use ocaml::{FromValue, ToValue};

use super::declare::{Coming, Going, OCamlType};
use super::float::{Flat, Float};
use super::frame::Frame;
use crate::caml::Live;
use crate::caml::alloc::Custom;
use crate::values::OCamlValue;

/// What reading a type from an OCaml value does besides.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Nothing.
    Plain,
    /// It may panic.
    Panics,
    /// And it may allocate on OCaml's heap, or run OCaml code: whatever is to be read afterwards has to be rooted.
    Collects,
}

impl Reading {
    /// What reading both does.
    pub const fn and(self, other: Reading) -> Reading {
        if (self as u8) < other as u8 {
            other
        } else {
            self
        }
    }
}

/// A type whose values come from OCaml: as an argument of a `#[func]`, or from a promise, an OCaml function or a stream.
///
/// It owns what it has. Nothing in it points into OCaml's heap, where the collector moves and frees values while the Rust
/// value lives on. So `&str` and `&[u8]` are no such types, nor are `ocaml::Raw`, `ocaml::Pointer` and its like, behind an
/// alias or inside of another type.
///
/// - The types of the table in `doc/types.md` and the handles of this crate are.
/// - A struct or enum of your own is with [`#[derive(FromOCaml)]`](macro@crate::FromOCaml), if all of its fields are.
/// - A type that has an `ocaml::FromValue` of its own, by hand or by ocaml-rs's derive, says it in one line:
///
/// ```
/// # use ocaml::FromValue;
/// # use ocaml_lwt_interop::{FromOCaml, OCamlType, Type, Types};
/// #[derive(FromValue)]
/// pub struct Place { x: isize, y: isize }
///
/// // SAFETY: OCaml's `Geometry.point` is a record of two `int`s
/// unsafe impl<D> OCamlType<D> for Place {
///     fn ocaml_type(_: &mut Types) -> Type {
///         Type::named("Geometry.point")
///     }
/// }
/// // SAFETY: nothing in it points into OCaml's heap
/// unsafe impl FromOCaml for Place {}
///
/// /// How far it is from the origin, in steps.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn steps_to(place: Place) -> isize {
///     place.x.abs() + place.y.abs()
/// }
/// ```
///
/// # Safety
/// Nothing in a value points into OCaml's heap, but by a root. What looks at the shape of a value allocates nothing there.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that comes from OCaml",
    label = "not a type that comes from OCaml",
    note = "what comes from OCaml owns all that it has: take `String` for `&str`, `ocaml_lwt_interop::ByteBuf` for `&[u8]`, \
            `ocaml_lwt_interop::OCamlUchar` for `char`, `ocaml_lwt_interop::OCamlValue` for `ocaml::Raw` and for what only passes through",
    note = "a Rust value that OCaml holds is an object: its type has `#[ocaml_lwt_interop::object]`, and the argument is `&T` or an \
            `ocaml_lwt_interop::Object<T>`; an `ocaml::Pointer` is none, since the GC moves what is in it",
    note = "a struct or enum of your own has `#[derive(ocaml_lwt_interop::FromOCaml)]`",
    note = "a type with its own `ocaml::FromValue`, and nothing in it that points into OCaml's heap, has \
            `unsafe impl ocaml_lwt_interop::FromOCaml for {Self} {{}}` as well"
)]
pub unsafe trait FromOCaml: FromValue + OCamlType<Coming> + Sized {
    /// Whether it is OCaml's `float`.
    #[doc(hidden)]
    const FLOAT: Float = Float::Maybe;

    /// What reading it does besides. `unsafe`: a type that says it does not collect must not.
    #[doc(hidden)]
    const READING: Reading = Reading::Collects;

    /// Reads it from the value in the frame.
    ///
    /// # Safety
    /// The runtime lock is held; the value is of the OCaml type that this one stands for, and live. Allocates on the OCaml heap
    /// and runs OCaml code in no other way than that of `read.rs`.
    ///
    /// # Panics
    /// When it cannot be converted: text that is not UTF-8, a constructor that the Rust type does not have, a number that does
    /// not fit, too little stack.
    #[doc(hidden)]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's
        unsafe { frame.convert() }
    }

    /// Whether a value can be read as this type, as far as it shows: for what comes without a declaration. Of a conversion that
    /// is not this crate's nobody knows. No allocation on the OCaml heap.
    #[doc(hidden)]
    fn has_shape(live: Live<'_>) -> bool {
        let _ = live;
        false
    }
}

/// A type whose values go to OCaml: as the result of a `#[func]`, an argument of an OCaml function, or an item of a stream.
///
/// It may borrow. Converting it does not raise. So `Result<_, ocaml::Error>` is no such type, not even inside of another: it
/// can only be the whole result of a `#[func]`.
///
/// - The types of the table in `doc/types.md` and the handles of this crate are.
/// - A struct or enum of your own is with [`#[derive(ToOCaml)]`](macro@crate::ToOCaml), if all of its fields are.
/// - A type that has an `ocaml::ToValue` of its own, by hand or by ocaml-rs's derive, says it in one line, as for [`FromOCaml`].
///
/// ```
/// use ocaml_lwt_interop::ToOCaml;
///
/// /// OCaml has `type answer = { text : string; seconds : float }`.
/// #[derive(ToOCaml)]
/// pub struct Answer {
///     text: String,
///     seconds: f64,
/// }
///
/// /// The answer to everything.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn answer() -> Answer {
///     Answer { text: "42".to_owned(), seconds: 0.5 }
/// }
/// ```
///
/// # Safety
/// Its `to_value` does not raise, and its value is rooted, or immediate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that goes to OCaml",
    label = "not a type that goes to OCaml",
    note = "a `char` goes as an `ocaml_lwt_interop::OCamlUchar`",
    note = "an error that OCaml is to have as an exception is an `ocaml_lwt_interop::Error`: return \
            `Result<T, ocaml_lwt_interop::Error>`, to which `?` converts `std::io::Error` and the like, and `Error::from_std` a \
            `Box<dyn Error + Send + Sync>`, such as `anyhow_error.into()`",
    note = "a `T` with `#[ocaml_lwt_interop::object]` goes as an `ocaml_lwt_interop::Object<T>`, which `value.into()` makes; a `#[func]` may \
            return it by itself too, in an `Option`, a `Result`, a `Vec`",
    note = "a stream is `impl Stream<Item = T>`, or elsewhere an `ocaml_lwt_interop::RustStream`: `RustStream::new(boxed)`",
    note = "a struct or enum of your own has `#[derive(ocaml_lwt_interop::ToOCaml)]`",
    note = "a type with its own `ocaml::ToValue`, which does not raise, has `unsafe impl ocaml_lwt_interop::ToOCaml for {Self} \
            {{}}` as well"
)]
pub unsafe trait ToOCaml: ToValue + OCamlType<Going> + Sized {
    /// Whether it is OCaml's `float`: if it always is, then it is told as one `double`.
    #[doc(hidden)]
    const FLOAT: Float = Float::Maybe;

    /// Tells a visitor one value: the same each time unless it was changed in between, with as many parts in each block as were
    /// said, and a tag that OCaml's GC takes for what they are. Runs nothing but descriptions.
    #[doc(hidden)]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.foreign(self);
    }
}

/// Who is told a value: one call of `immediate` … `list`, or `begin`, each part in order, `end`.
#[doc(hidden)]
pub trait Visitor {
    /// A block that was begun.
    type Block;
    /// An `int`, which fits, or a constant constructor.
    fn immediate(&mut self, n: isize);
    /// A `string` or `bytes`.
    fn string(&mut self, bytes: &[u8]);
    /// A `float`.
    fn double(&mut self, double: f64);
    /// A boxed integer.
    fn custom(&mut self, custom: Custom);
    /// An OCaml value.
    fn value(&mut self, value: &OCamlValue);
    /// A list.
    fn list<T: ToOCaml>(&mut self, items: impl DoubleEndedIterator<Item = T>);
    /// A block with `size` parts.
    fn begin(&mut self, tag: u8, size: usize, flat: Flat) -> Self::Block;
    /// The next part.
    fn part<T: ToOCaml>(&mut self, block: &mut Self::Block, part: &T);
    /// After the last part.
    fn end(&mut self, block: Self::Block);
    /// A value that only ocaml-rs converts.
    fn foreign<T: ToValue>(&mut self, value: &T);
}
