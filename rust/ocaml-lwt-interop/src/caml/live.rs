//! A value that is looked at before anything can move it.
//!
//! 1. A [`Live`] is made of what is rooted, of an argument that OCaml has just passed, or of what OCaml code has just given.
//!    Nothing allocates on the OCaml heap, and no OCaml code runs, while there is one.
//! 2. Whatever the value is, the methods may be called: each looks at what it needs to know, and says when it is not there.

use ocaml::sys;

use super::lock::Access;
use super::value::{
    CUSTOM_TAG, DOUBLE_ARRAY_TAG, DOUBLE_TAG, Raw, STRING_TAG, int_val, is_immediate, protect,
};

/// `Object_tag` (`mlvalues.h`).
pub(super) const OBJECT_TAG: u8 = 248;
/// `Closure_tag`, `Infix_tag`: a function, or one of several that are defined together.
const FUNCTION_TAGS: [u8; 2] = [247, 249];
/// The last tag of a block that is a constructor, on every version (`Obj.last_non_constant_constructor_tag`: 243 on OCaml 5).
pub(super) const LAST_CONSTRUCTOR_TAG: u8 = 243;

/// The words of a float.
const WORDS_OF_DOUBLE: usize = size_of::<f64>().div_ceil(size_of::<sys::Value>());

/// A value that is looked at (rule 1).
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Live<'a> {
    raw: Raw,
    access: Access<'a>,
}

impl<'a> Live<'a> {
    /// # Safety
    /// `raw` is live, and stays so for `'a`.
    #[inline]
    pub(crate) unsafe fn new(access: Access<'a>, raw: Raw) -> Live<'a> {
        Live { raw, access }
    }

    /// Of a rooted value: rule 1.
    #[inline]
    pub(crate) fn of(access: Access<'a>, value: &'a ocaml::Value) -> Live<'a> {
        let raw = value.raw();
        Live { raw, access }
    }

    /// Of another one that is live as long as this.
    fn part(self, raw: Raw) -> Live<'a> {
        Live { raw, ..self }
    }

    pub(crate) fn raw(self) -> Raw {
        self.raw
    }

    pub(crate) fn access(self) -> Access<'a> {
        self.access
    }

    #[inline]
    pub(crate) fn is_immediate(self) -> bool {
        is_immediate(self.raw)
    }

    /// The `int`, or the number of the constant constructor.
    #[inline]
    pub(crate) fn int(self) -> Option<isize> {
        self.is_immediate().then(|| int_val(self.raw))
    }

    /// The tag, if it is a block.
    #[inline]
    pub(crate) fn tag(self) -> Option<u8> {
        // SAFETY: live, and a block
        (!self.is_immediate()).then(|| unsafe { sys::tag_val(self.raw.0) })
    }

    #[inline]
    pub(crate) fn is_tagged(self, tag: u8) -> bool {
        self.tag() == Some(tag)
    }

    /// How many words, if it is a block.
    #[inline]
    pub(crate) fn size(self) -> usize {
        match self.is_immediate() {
            true => 0,
            // SAFETY: live, and a block
            false => unsafe { sys::wosize_val(self.raw.0) },
        }
    }

    /// The word `i` of a block that has so many, as it stands there, as a `T`.
    #[inline]
    fn word<T: Copy>(self, i: usize) -> T {
        const { assert!(size_of::<T>() <= size_of::<f64>()) };
        let words = size_of::<T>().div_ceil(size_of::<sys::Value>());
        assert!(i + words <= self.size());
        // SAFETY: live, and so many words of it are there; `T` is one of the numbers and addresses of this file, of which each
        // pattern of bits is one
        unsafe {
            let word = (self.raw.0 as *const usize).add(i);
            word.cast::<T>().read_unaligned()
        }
    }

    /// The field `i` of an object, or of what is a constructor, a record or a tuple: these have live values.
    #[inline]
    pub(crate) fn field(self, i: usize) -> Option<Live<'a>> {
        let has_values = |tag| tag <= LAST_CONSTRUCTOR_TAG || tag == OBJECT_TAG;
        let is_there = self.tag().is_some_and(has_values) && i < self.size();
        is_there.then(|| self.part(Raw(self.word(i))))
    }

    /// All of these.
    pub(crate) fn fields(self) -> impl Iterator<Item = Live<'a>> {
        (0..).map_while(move |i| self.field(i))
    }

    pub(crate) fn is_string(self) -> bool {
        self.is_tagged(STRING_TAG)
    }

    /// A `string` or `bytes`, as it stands there.
    #[inline]
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        // SAFETY: live, and a string: so many bytes stand there, which nothing moves or writes to (rule 1)
        self.is_string().then(|| unsafe {
            let length = sys::caml_string_length(self.raw.0);
            std::slice::from_raw_parts(sys::string_val(self.raw.0), length)
        })
    }

    pub(crate) fn double(self) -> Option<f64> {
        self.is_tagged(DOUBLE_TAG).then(|| self.word(0))
    }

    /// Whether it is an array or a record of floats, each without a block of its own.
    pub(crate) fn is_flat(self) -> bool {
        self.is_tagged(DOUBLE_ARRAY_TAG)
    }

    /// How many floats a flat array has.
    pub(crate) fn doubles(self) -> Option<usize> {
        self.is_flat().then(|| self.size() / WORDS_OF_DOUBLE)
    }

    pub(crate) fn is_function(self) -> bool {
        self.tag().is_some_and(|tag| FUNCTION_TAGS.contains(&tag))
    }

    /// What a custom block has in its first word, which says of which kind it is (`custom.h`).
    #[inline]
    pub(crate) fn operations(self) -> Option<*const sys::custom_operations> {
        let first = self.raw.0 as *const *const sys::custom_operations;
        // SAFETY: a live custom block, which has that word, whatever its size
        self.is_tagged(CUSTOM_TAG).then(|| unsafe { first.read() })
    }

    /// The number in a custom block of the standard library.
    pub(crate) fn nativeint(self) -> Option<isize> {
        self.operations()?;
        (self.size() == 2).then(|| self.word(1))
    }

    /// Whether a custom block is of the kind that has this name.
    pub(super) fn is_called(self, names: &[&std::ffi::CStr]) -> bool {
        self.operations().is_some_and(|operations| {
            // SAFETY: a custom block begins with its operations, which are static in whoever made it, and have a name
            let name = unsafe { std::ffi::CStr::from_ptr((*operations).identifier.cast()) };
            names.contains(&name)
        })
    }

    /// The same value, with a root. No allocation on the OCaml heap.
    #[inline]
    pub(crate) fn rooted(self) -> ocaml::Value {
        // SAFETY: live
        unsafe { protect(self.access, self.raw) }
    }
}
