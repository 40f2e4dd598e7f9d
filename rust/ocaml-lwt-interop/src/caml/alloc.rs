//! Several small OCaml blocks made in one allocation, without a root for any of them.
//!
//! 1. An allocation is one block of the minor heap, large enough for several blocks with their headers. Headers that are written
//!    into it cut it up. ocamlopt does the same where it combines allocations (OCaml 4.13 to 5.4, `asmcomp/comballoc.ml`): a
//!    minor collection follows pointers, and nothing walks the minor heap from block to block.
//! 2. Between the allocation and the last store no OCaml code runs, so nothing can collect. The blocks are new, so plain
//!    stores suffice (`memory.h`: what `caml_alloc_small` gives is initialised so).
//! 3. A header of a new block has the colour 0, as in ocamlopt's own (`asmcomp/cmm_helpers.ml`, `block_header`).

use std::mem::size_of;

use ocaml::sys;

use super::live::Live;
use super::lock::Access;
pub(crate) use super::value::DOUBLE_ARRAY_TAG;
use super::value::{self, CUSTOM_TAG, DOUBLE_TAG, NO_SCAN_TAG, Raw, STRING_TAG, UNIT};

const WORD: usize = size_of::<sys::Value>();

/// The largest block that `caml_alloc_small` takes (`config.h`: `Max_young_wosize`), with its header.
pub(crate) const MOST_WORDS: usize = 257;

/// The custom blocks of the standard library.
#[derive(Clone, Copy, Debug)]
pub enum Custom {
    /// `int32`
    Int32(i32),
    /// `int64`
    Int64(i64),
    /// `nativeint`
    Nativeint(isize),
}

unsafe extern "C" {
    static caml_int32_ops: sys::custom_operations;
    static caml_int64_ops: sys::custom_operations;
    static caml_nativeint_ops: sys::custom_operations;
}

/// How many words hold `size` bytes.
const fn words(size: usize) -> usize {
    size.div_ceil(WORD)
}

/// The words of a string's block: the last byte of the last word says how many are not of the string (`mlvalues.h`).
pub(crate) const fn string_words(length: usize) -> usize {
    1 + length / WORD + 1
}

/// The words of a float's block.
pub(crate) const DOUBLE_WORDS: usize = 1 + words(size_of::<f64>());

pub(crate) const fn custom_words(custom: Custom) -> usize {
    2 + match custom {
        Custom::Int32(_) => words(size_of::<i32>()),
        Custom::Int64(_) => words(size_of::<i64>()),
        Custom::Nativeint(_) => 1,
    }
}

/// What is left of an allocation.
pub(crate) struct Allocation<'a> {
    words: &'a mut [usize],
}

impl<'a> Allocation<'a> {
    /// # Safety
    /// `words` is from 2 to [`MOST_WORDS`]. Until all of them hold blocks, and those their fields, nothing of OCaml's is
    /// called. Allocates on the OCaml heap; runs no OCaml code, does not raise.
    pub(crate) unsafe fn alloc(_access: Access<'a>, words: usize) -> Allocation<'a> {
        debug_assert!((2..=MOST_WORDS).contains(&words));
        // SAFETY: the lock is held; the size is at most `Max_young_wosize`. The words are OCaml's, which has initialised its heap,
        // and ours until the allocation is full (rule 2).
        unsafe {
            let block = sys::caml_alloc_small(words - 1, STRING_TAG) as *mut usize;
            let words = std::slice::from_raw_parts_mut(block.sub(1), words);
            Allocation { words }
        }
    }

    /// Without room, for a value without blocks.
    pub(crate) fn empty() -> Allocation<'a> {
        Allocation { words: &mut [] }
    }

    /// Over words that are not OCaml's: what is made there is read as a number, and never given to OCaml.
    pub(crate) fn over(words: &'a mut [usize; DOUBLE_WORDS]) -> Allocation<'a> {
        Allocation { words }
    }

    /// The fields of a new block, all of which the caller writes at once.
    ///
    /// # Panics
    /// When the allocation is used up: then a value has changed since it was counted.
    #[inline]
    pub(crate) fn block(&mut self, size: usize, tag: u8) -> &'a mut [usize] {
        let words = std::mem::take(&mut self.words);
        assert!(size < words.len(), "a value changed while it was converted");
        let (block, left) = words.split_at_mut(size + 1);
        self.words = left;
        block[0] = (size << 10) | usize::from(tag);
        &mut block[1..]
    }

    #[inline]
    pub(crate) fn string(&mut self, bytes: &[u8]) -> Raw {
        let size = string_words(bytes.len()) - 1;
        let fields = self.block(size, STRING_TAG);
        fields[size - 1] = 0;
        // SAFETY: the words are bytes as well
        let (_, text, _) = unsafe { fields.align_to_mut::<u8>() };
        text[..bytes.len()].copy_from_slice(bytes);
        text[size * WORD - 1] = (size * WORD - 1 - bytes.len()) as u8;
        value_of(fields)
    }

    #[inline]
    pub(crate) fn double(&mut self, double: f64) -> Raw {
        let fields = self.block(DOUBLE_WORDS - 1, DOUBLE_TAG);
        write_double(fields, double);
        value_of(fields)
    }

    #[inline]
    pub(crate) fn custom(&mut self, custom: Custom) -> Raw {
        let fields = self.block(custom_words(custom) - 1, CUSTOM_TAG);
        // None of these types has a finaliser that the GC would have to know of (`ints.c`).
        fields[0] = custom.operations() as usize;
        match custom {
            Custom::Int32(n) => write_bytes(&mut fields[1..], &n.to_ne_bytes()),
            Custom::Int64(n) => write_bytes(&mut fields[1..], &n.to_ne_bytes()),
            Custom::Nativeint(n) => fields[1] = n as usize,
        }
        value_of(fields)
    }
}

/// The block of these fields.
#[inline]
pub(crate) fn value_of(fields: &mut [usize]) -> Raw {
    Raw(fields.as_mut_ptr() as sys::Value)
}

/// Writes the bytes of a number into words, as the processor has them there; what is left of the words is 0.
#[inline]
fn write_bytes(words: &mut [usize], bytes: &[u8]) {
    for (word, bytes) in words.iter_mut().zip(bytes.chunks(WORD)) {
        let mut whole = [0; WORD];
        whole[..bytes.len()].copy_from_slice(bytes);
        *word = usize::from_ne_bytes(whole);
    }
}

/// Writes a number where the fields of a block of floats are.
#[inline]
pub(crate) fn write_double(words: &mut [usize], double: f64) {
    write_bytes(words, &double.to_ne_bytes());
}

/// A block whose fields are set one by one, between which anything may happen: rooted, and initialised.
pub(crate) struct Block {
    value: ocaml::Value,
    next: usize,
    size: usize,
    flat: bool,
}

impl Block {
    /// Allocates on the OCaml heap (`caml_alloc`: fields that the GC looks at are `()`); runs no OCaml code.
    ///
    /// # Panics
    /// For a tag of blocks whose fields are no values, but for that of arrays of floats.
    pub(crate) fn alloc(access: Access<'_>, size: usize, tag: u8) -> Block {
        let flat = tag == DOUBLE_ARRAY_TAG;
        assert!(flat || tag < NO_SCAN_TAG);
        let words = match flat {
            true => size * words(size_of::<f64>()),
            false => size,
        };
        // SAFETY: the lock is held, and the value was just made
        let value = unsafe { value::protect(access, Raw(sys::caml_alloc(words, tag))) };
        Block {
            value,
            next: 0,
            size,
            flat,
        }
    }

    /// The next field. No allocation.
    ///
    /// # Panics
    /// When no field is left, or the block is an array of floats.
    pub(crate) fn push(&mut self, access: Access<'_>, field: &ocaml::Value) {
        self.push_live(Live::of(access, field));
    }

    fn push_live(&mut self, field: Live<'_>) {
        assert!(self.next < self.size && !self.flat);
        // SAFETY: there is access; a field of a rooted block, and a live value
        unsafe { sys::store_field(self.value.raw().0, self.next, field.raw().0) };
        self.next += 1;
    }

    /// A new block of its first fields. Allocates on the OCaml heap; runs no OCaml code.
    ///
    /// # Panics
    /// When it has fewer, or is an array of floats.
    pub(crate) fn beginning(&self, access: Access<'_>, size: usize) -> Block {
        assert!(size <= self.size && !self.flat);
        let mut beginning = Block::alloc(access, size, 0);
        for field in Live::of(access, &self.value).fields().take(size) {
            beginning.push_live(field);
        }
        beginning
    }

    /// The next number. No allocation.
    ///
    /// # Panics
    /// When none is left, or the block is no array of floats.
    pub(crate) fn push_double(&mut self, _access: Access<'_>, double: f64) {
        assert!(self.next < self.size && self.flat);
        // SAFETY: the lock is held; a number of a rooted block. Numbers are stored as they are. (The runtime's own macro boxes them where arrays are not
        // flat, but records are flat there too.)
        unsafe {
            (self.value.raw().0 as *mut f64)
                .add(self.next)
                .write_unaligned(double);
        }
        self.next += 1;
    }

    pub(crate) fn end(self) -> ocaml::Value {
        self.value
    }
}

/// The array without elements, which is no block of the heap (`caml_alloc`: an atom). No allocation.
pub(crate) fn empty_array(_access: Access<'_>) -> Raw {
    // SAFETY: the lock is held
    Raw(unsafe { sys::caml_alloc(0, 0) })
}

/// A block of [`DOUBLE_WORDS`] that holds a float, in memory that is not OCaml's. Code that reads floats from blocks can
/// read it.
pub(crate) fn boxed(double: f64) -> [usize; DOUBLE_WORDS] {
    let mut words = [0; DOUBLE_WORDS];
    Allocation::over(&mut words).double(double);
    words
}

/// What [`boxed`] or [`Allocation::over`] made.
pub(crate) fn unboxed(words: &[usize; DOUBLE_WORDS]) -> f64 {
    let bytes = words[1..].iter().flat_map(|word| word.to_ne_bytes());
    let mut double = [0; size_of::<f64>()];
    double
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = from);
    f64::from_ne_bytes(double)
}

/// The block that [`boxed`] made, as a value. Not for OCaml, and not for a root.
pub(crate) fn boxed_value(words: &[usize; DOUBLE_WORDS]) -> Raw {
    Raw(words.as_ptr().wrapping_add(1) as sys::Value)
}

/// The number that begins with that word of a block: of a flat array or record of floats, of a float, of a custom block of the
/// standard library, which has its operations in the first word.
///
/// # Safety
/// `block` is live, or comes from [`boxed_value`]; such a number is there.
#[inline]
pub(crate) unsafe fn number<T: Copy>(block: Raw, word: usize) -> T {
    // SAFETY: as the caller's
    unsafe {
        let word = (block.0 as *const usize).add(word);
        word.cast::<T>().read_unaligned()
    }
}

/// A rooted number of the standard library. Allocates on the OCaml heap; runs no OCaml code.
pub(crate) fn custom(_access: Access<'_>, custom: Custom) -> ocaml::Value {
    // SAFETY: the lock is held
    unsafe {
        match custom {
            Custom::Int32(n) => ocaml::Value::int32(n),
            Custom::Int64(n) => ocaml::Value::int64(n),
            Custom::Nativeint(n) => ocaml::Value::nativeint(n),
        }
    }
}

/// A rooted float. Allocates on the OCaml heap; runs no OCaml code.
pub(crate) fn double(_access: Access<'_>, double: f64) -> ocaml::Value {
    // SAFETY: the lock is held
    unsafe { ocaml::Value::double(double) }
}

impl Custom {
    /// Whether a value is of the same type as this number.
    pub(crate) fn is_like(self, live: Live<'_>) -> bool {
        live.operations() == Some(self.operations())
    }

    #[inline]
    fn operations(self) -> *const sys::custom_operations {
        match self {
            Custom::Int32(_) => &raw const caml_int32_ops,
            Custom::Int64(_) => &raw const caml_int64_ops,
            Custom::Nativeint(_) => &raw const caml_nativeint_ops,
        }
    }
}

const _: () = assert!(UNIT.0 == 1);
