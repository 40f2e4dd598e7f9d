//! Types for which ocaml-rs has no conversion: owned bytes, characters, lists, `nativeint`, descriptors, and values that only pass through.

use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::sync::Arc;

use ocaml::{FromValue, ToValue, Value};

use crate::caml::alloc::{self, Custom};
use crate::caml::lock::{Access, demand};
use crate::caml::{self, Live, Raw, Root, convert};

/// OCaml's compiler has seen to the types, but for an `external` that was written by hand.
pub(crate) const WRONG_TYPE: &str = "the OCaml type of an external is wrong";

/// Owned bytes: OCaml's `string` or `bytes`, copied. (ocaml-rs makes a `Vec<u8>` an `int array`.)
///
/// ```
/// use ocaml_lwt_interop::ByteBuf;
///
/// /// The bytes in the opposite order. They need not be text.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn reversed(mut bytes: ByteBuf) -> ByteBuf {
///     bytes.reverse();
///     bytes
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteBuf(pub Vec<u8>);

convert! {
    from [] ByteBuf, |value| demand("an OCaml string was converted", |access| {
        let bytes = Live::of(access, &value).bytes();
        ByteBuf(bytes.expect(WRONG_TYPE).to_vec())
    });
    to [] ByteBuf, |this, _runtime| demand("bytes were converted for OCaml", |access| {
        caml::string(access, this)
    });
}

impl Deref for ByteBuf {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for ByteBuf {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for ByteBuf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<B: Into<Vec<u8>>> From<B> for ByteBuf {
    fn from(bytes: B) -> Self {
        ByteBuf(bytes.into())
    }
}

/// OCaml's `bytes`, copied: what OCaml gets may be changed there. ([`ByteBuf`] is OCaml's `string`.)
///
/// ```
/// use ocaml_lwt_interop::OCamlBytes;
///
/// /// So many bytes, all of them zero.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn zeros(length: usize) -> OCamlBytes {
///     OCamlBytes(vec![0; length])
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OCamlBytes(pub Vec<u8>);

convert! {
    from [] OCamlBytes, |value| OCamlBytes(ByteBuf::from_value(value).0);
    to [] OCamlBytes, |this, _runtime| demand("bytes were converted for OCaml", |access| {
        caml::string(access, &this.0)
    });
}

/// OCaml's `char`, which is a byte. (A `u8` is OCaml's `int`.)
///
/// ```
/// use ocaml_lwt_interop::OCamlChar;
///
/// /// The first byte of a text.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn first_byte(text: String) -> Option<OCamlChar> {
///     text.bytes().next().map(OCamlChar)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OCamlChar(pub u8);

/// OCaml's `Uchar.t`, which is what a Rust `char` is: a scalar value of Unicode.
///
/// ```
/// use ocaml_lwt_interop::OCamlUchar;
///
/// /// The last character of a text.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn last_character(text: String) -> Option<OCamlUchar> {
///     text.chars().next_back().map(OCamlUchar)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OCamlUchar(pub char);

/// OCaml's `Unix.file_descr`, which on Unix is the number of a descriptor. It owns nothing: who has opened it closes it.
///
/// ```
/// use std::os::fd::AsRawFd;
///
/// use ocaml_lwt_interop::OCamlFileDescr;
///
/// /// What OCaml may wait for, with `Lwt_unix.wait_read`, say.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn standard_input() -> OCamlFileDescr {
///     OCamlFileDescr(std::io::stdin().as_raw_fd())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct OCamlFileDescr(pub RawFd);

impl OCamlFileDescr {
    pub(crate) fn of_int(number: isize) -> Self {
        OCamlFileDescr(
            RawFd::try_from(number)
                .unwrap_or_else(|_| panic!("{number} is no number of a file descriptor")),
        )
    }
}

impl OCamlChar {
    pub(crate) fn of_int(number: isize) -> Self {
        OCamlChar(
            u8::try_from(number)
                .unwrap_or_else(|_| panic!("{number} is no char of OCaml's, 0 to 255")),
        )
    }
}

impl OCamlUchar {
    pub(crate) fn of_int(number: isize) -> Self {
        let scalar = u32::try_from(number).ok().and_then(char::from_u32);
        OCamlUchar(scalar.unwrap_or_else(|| panic!("{number} is no scalar value of Unicode")))
    }
}

convert! {
    from [] OCamlChar, |value| OCamlChar::of_int(isize::from_value(value));
    from [] OCamlUchar, |value| OCamlUchar::of_int(isize::from_value(value));
    from [] OCamlFileDescr, |value| OCamlFileDescr::of_int(isize::from_value(value));
    to [] OCamlChar, |this, runtime| (this.0 as isize).to_value(runtime);
    to [] OCamlUchar, |this, runtime| (this.0 as isize).to_value(runtime);
    to [] OCamlFileDescr, |this, runtime| (this.0 as isize).to_value(runtime);
}

/// OCaml's `'a list`, as a `Vec`. (ocaml-rs makes a `Vec` an `'a array`; a `LinkedList`, which it makes a list, costs an
/// allocation for each element, and five GC roots instead of one.)
///
/// ```
/// use ocaml_lwt_interop::OCamlList;
///
/// /// The words of a text, and how long each is.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn lengths(text: String) -> OCamlList<(String, usize)> {
///     text.split_whitespace().map(|word| (word.to_owned(), word.len())).collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OCamlList<T>(pub Vec<T>);

convert! {
    // Conversions of the elements may allocate.
    from [T: FromValue] OCamlList<T>, |value| demand("an OCaml list was converted", |access| {
        let values = caml::ListItems::of(access, &value);
        let mut items = Vec::with_capacity(values.count_left());
        items.extend(values.map(T::from_value));
        OCamlList(items)
    });
    to [T: ToValue] OCamlList<T>, |this, runtime| demand("a list was converted for OCaml", |access| {
        let mut list = caml::EMPTY_LIST;
        for item in this.0.iter().rev() {
            caml::cons(access, &item.to_value(runtime), &mut list);
        }
        list
    });
}

impl<T> Default for OCamlList<T> {
    fn default() -> Self {
        OCamlList(Vec::new())
    }
}

impl<T> Deref for OCamlList<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for OCamlList<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> From<Vec<T>> for OCamlList<T> {
    fn from(items: Vec<T>) -> Self {
        OCamlList(items)
    }
}

impl<T> FromIterator<T> for OCamlList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        OCamlList(items.into_iter().collect())
    }
}

impl<T> From<OCamlList<T>> for Vec<T> {
    fn from(list: OCamlList<T>) -> Self {
        list.0
    }
}

impl<'a, T> IntoIterator for &'a OCamlList<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for OCamlList<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// OCaml's `nativeint`. (ocaml-rs makes an `isize` an `int`.)
///
/// ```
/// use ocaml_lwt_interop::Nativeint;
///
/// /// A mask of so many bits, 63 at most.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn mask(bits: u8) -> Nativeint {
///     Nativeint((1isize << bits) - 1)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Nativeint(pub isize);

convert! {
    from [] Nativeint, |value| demand("an OCaml nativeint was converted", |access| {
        Nativeint(Live::of(access, &value).nativeint().expect(WRONG_TYPE))
    });
    to [] Nativeint, |this, _runtime| demand("a nativeint was converted for OCaml", |access| {
        alloc::custom(access, Custom::Nativeint(this.0))
    });
}

/// Any OCaml value, kept alive. It is for values that only pass through, such as those of a polymorphic function.
///
/// It is `Send`, `Sync`, and cheap to clone. It can live across an `.await` and on any thread. Rust does not read the value.
///
/// ```
/// use ocaml_lwt_interop::OCamlValue;
///
/// /// Gives a value of whatever type back, a little later.
/// #[ocaml_lwt_interop::func]
/// pub async fn passed_through(value: OCamlValue) -> OCamlValue {
///     tokio::task::yield_now().await;
///     value
/// }
/// ```
#[derive(Clone, Debug)]
pub struct OCamlValue(Arc<Root>);

convert! {
    from [] OCamlValue, |value| demand("an OCaml value was received", |access| {
        OCamlValue(Arc::new(Root::of(access, &value)))
    });
    to [] OCamlValue, |this, _runtime| demand("an OCamlValue was converted", |access| {
        this.value(access)
    });
}

impl OCamlValue {
    pub(crate) fn new(root: Root) -> Self {
        OCamlValue(Arc::new(root))
    }

    /// With a root of its own.
    pub(crate) fn value(&self, access: Access<'_>) -> Value {
        self.0.value(access)
    }

    /// Not rooted by itself. No allocation.
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.0.get(access)
    }
}
