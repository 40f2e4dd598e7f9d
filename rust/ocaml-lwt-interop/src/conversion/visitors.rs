//! The visitors, which hear what a value is made of. [`Counting`] counts the words that it takes. If these fit into one
//! allocation, [`Building`] makes the value in it. If not, [`Storing`] makes the outermost block, with parts that are rooted.
//! Each part is built in one allocation if it fits.

use ocaml::{Runtime, ToValue, Value};

use super::crossing::{ToOCaml, Visitor};
use super::float::Flat;
use super::frame::too_deep;
use crate::caml::alloc::{self, Allocation, Block, Custom, MOST_WORDS};
use crate::caml::lock::{Access, demand};
use crate::caml::{self, Live, Raw};
use crate::stack;
use crate::values::OCamlValue;

/// Converts a value, in one allocation if it is small.
#[doc(hidden)]
#[inline]
pub fn convert<T: ToOCaml>(value: &T, runtime: &Runtime) -> Value {
    let _ = runtime;
    demand("a value was converted for OCaml", |access| {
        convert_here(access, value)
    })
}

/// As [`convert`], where OCaml may be touched.
#[inline]
pub(crate) fn convert_here<T: ToOCaml>(access: Access<'_>, value: &T) -> Value {
    let mut counting = Counting { words: 0 };
    value.describe(&mut counting);
    if counting.words > MOST_WORDS {
        return store(access, value);
    }
    built(access, counting.words, |building| value.describe(building))
}

/// What `f` makes in an allocation of so many words, which [`Counting`] has counted. It describes a value, or several.
#[inline]
fn built<'a>(access: Access<'a>, words: usize, f: impl FnOnce(&mut Building<'a>)) -> Value {
    // SAFETY: describing calls nothing of OCaml's, and what is built is rooted before anything else can
    unsafe {
        let mut building = Building {
            access,
            allocation: match words {
                0 => Allocation::empty(),
                _ => Allocation::alloc(access, words),
            },
            built: caml::UNIT,
        };
        f(&mut building);
        caml::protect(access, building.built)
    }
}

/// Rooted, outermost block first. Goes down into the value as far as there are parts that do not fit into one allocation.
///
/// # Panics
/// When too little of the stack is left.
#[inline(never)]
fn store<T: ToOCaml>(access: Access<'_>, value: &T) -> Value {
    if stack::check().is_err() {
        too_deep();
    }
    let mut storing = Storing {
        access,
        value: caml::EMPTY_LIST,
    };
    value.describe(&mut storing);
    storing.value
}

/// Counts words, and stops counting beyond [`MOST_WORDS`].
struct Counting {
    words: usize,
}

impl Visitor for Counting {
    /// Whether it is flat: then its parts take no words of their own.
    type Block = bool;

    #[inline]
    fn immediate(&mut self, _n: isize) {}

    #[inline]
    fn string(&mut self, bytes: &[u8]) {
        self.words = self.words.saturating_add(alloc::string_words(bytes.len()));
    }

    #[inline]
    fn double(&mut self, _double: f64) {
        self.words += alloc::DOUBLE_WORDS;
    }

    #[inline]
    fn custom(&mut self, custom: Custom) {
        self.words += alloc::custom_words(custom);
    }

    #[inline]
    fn value(&mut self, _value: &OCamlValue) {}

    fn list<T: ToOCaml>(&mut self, items: impl DoubleEndedIterator<Item = T>) {
        for item in items {
            self.words = self.words.saturating_add(3);
            if self.words > MOST_WORDS {
                return;
            }
            item.describe(self);
        }
    }

    #[inline]
    fn begin(&mut self, _tag: u8, size: usize, flat: Flat) -> bool {
        let words = match (size, flat) {
            (0, _) => 0,
            (_, Flat::Yes) => 1 + size * (alloc::DOUBLE_WORDS - 1),
            (_, Flat::No) => 1 + size,
            // Known when the parts are there.
            (_, Flat::Unknown | Flat::AsItsElements) => MOST_WORDS + 1,
        };
        self.words = self.words.saturating_add(words);
        flat == Flat::Yes
    }

    #[inline]
    fn part<T: ToOCaml>(&mut self, flat: &mut bool, part: &T) {
        if !*flat && self.words <= MOST_WORDS {
            part.describe(self);
        }
    }

    #[inline]
    fn end(&mut self, _flat: bool) {}

    #[inline]
    fn foreign<T: ToValue>(&mut self, _value: &T) {
        self.words = MOST_WORDS + 1;
    }
}

/// Makes everything in one allocation.
struct Building<'a> {
    access: Access<'a>,
    allocation: Allocation<'a>,
    /// The last value that was described.
    built: Raw,
}

/// A block of an allocation, or the array without elements, which is none.
struct Fields<'a> {
    fields: &'a mut [usize],
    next: usize,
    flat: bool,
}

impl<'a> Visitor for Building<'a> {
    type Block = Fields<'a>;

    #[inline]
    fn immediate(&mut self, n: isize) {
        self.built = caml::int(n);
    }

    #[inline]
    fn string(&mut self, bytes: &[u8]) {
        self.built = self.allocation.string(bytes);
    }

    #[inline]
    fn double(&mut self, double: f64) {
        self.built = self.allocation.double(double);
    }

    #[inline]
    fn custom(&mut self, custom: Custom) {
        self.built = self.allocation.custom(custom);
    }

    #[inline]
    fn value(&mut self, value: &OCamlValue) {
        // Nothing is allocated until this is stored.
        self.built = value.get(self.access);
    }

    fn list<T: ToOCaml>(&mut self, items: impl DoubleEndedIterator<Item = T>) {
        let mut list = caml::EMPTY_LIST.raw();
        for item in items.rev() {
            item.describe(self);
            let cell = self.allocation.block(2, 0);
            cell.copy_from_slice(&[self.built.0 as usize, list.0 as usize]);
            list = alloc::value_of(cell);
        }
        self.built = list;
    }

    #[inline]
    fn begin(&mut self, tag: u8, size: usize, flat: Flat) -> Fields<'a> {
        let flat = flat == Flat::Yes;
        let fields = match (size, flat) {
            (0, _) => &mut [],
            (_, true) => self
                .allocation
                .block(size * (alloc::DOUBLE_WORDS - 1), alloc::DOUBLE_ARRAY_TAG),
            (_, false) => self.allocation.block(size, tag),
        };
        Fields {
            fields,
            next: 0,
            flat,
        }
    }

    #[inline]
    fn part<T: ToOCaml>(&mut self, block: &mut Fields<'a>, part: &T) {
        let next = block.next;
        block.next += 1;
        if block.flat {
            let words = alloc::DOUBLE_WORDS - 1;
            let number = double(self.access, part);
            alloc::write_double(&mut block.fields[next * words..][..words], number);
        } else {
            part.describe(self);
            block.fields[next] = self.built.0 as usize;
        }
    }

    #[inline]
    fn end(&mut self, block: Fields<'a>) {
        self.built = match block.fields {
            [] => alloc::empty_array(self.access),
            fields => alloc::value_of(fields),
        };
    }

    fn foreign<T: ToValue>(&mut self, _value: &T) {
        unreachable!("such a value is not counted");
    }
}

/// The number of a value that is [`Float::Always`](super::float::Float::Always).
fn double<T: ToOCaml>(access: Access<'_>, value: &T) -> f64 {
    let mut words = [0; alloc::DOUBLE_WORDS];
    let mut building = Building {
        access,
        allocation: Allocation::over(&mut words),
        built: caml::UNIT,
    };
    value.describe(&mut building);
    alloc::unboxed(&words)
}

/// Makes a rooted value with parts that are converted each by itself.
#[doc(hidden)]
pub struct Storing<'a> {
    access: Access<'a>,
    value: Value,
}

/// A rooted block of which some parts are there.
#[doc(hidden)]
pub struct Rooted {
    block: Block,
    size: usize,
    flat: Flat,
    /// How many of the parts are OCaml's floats, where that matters.
    floats: usize,
}

impl Visitor for Storing<'_> {
    type Block = Rooted;

    fn immediate(&mut self, n: isize) {
        self.value = Value::Raw(caml::int(n).0);
    }

    fn string(&mut self, bytes: &[u8]) {
        self.value = caml::string(self.access, bytes);
    }

    fn double(&mut self, double: f64) {
        self.value = alloc::double(self.access, double);
    }

    fn custom(&mut self, custom: Custom) {
        self.value = alloc::custom(self.access, custom);
    }

    fn value(&mut self, value: &OCamlValue) {
        self.value = value.value(self.access);
    }

    /// An allocation for each item with its cell.
    fn list<T: ToOCaml>(&mut self, items: impl DoubleEndedIterator<Item = T>) {
        let mut list = caml::EMPTY_LIST;
        for item in items.rev() {
            let mut counting = Counting { words: 3 };
            item.describe(&mut counting);
            if counting.words > MOST_WORDS {
                let item = convert_here(self.access, &item);
                caml::cons(self.access, &item, &mut list);
                continue;
            }
            // SAFETY: the list is read after the allocation, and has the new cell before another can come
            unsafe {
                let mut building = Building {
                    access: self.access,
                    allocation: Allocation::alloc(self.access, counting.words),
                    built: caml::UNIT,
                };
                item.describe(&mut building);
                let cell = building.allocation.block(2, 0);
                cell.copy_from_slice(&[building.built.0 as usize, list.raw().0 as usize]);
                caml::replace(self.access, &mut list, alloc::value_of(cell));
            }
        }
        self.value = list;
    }

    fn begin(&mut self, tag: u8, size: usize, flat: Flat) -> Rooted {
        let tag = match flat {
            Flat::Yes => alloc::DOUBLE_ARRAY_TAG,
            Flat::No | Flat::Unknown | Flat::AsItsElements => tag,
        };
        Rooted {
            block: Block::alloc(self.access, size, tag),
            size,
            flat,
            floats: 0,
        }
    }

    fn part<T: ToOCaml>(&mut self, rooted: &mut Rooted, part: &T) {
        if rooted.flat == Flat::Yes {
            let number = double(self.access, part);
            rooted.block.push_double(self.access, number);
            return;
        }
        let part = convert_here(self.access, part);
        if rooted.flat != Flat::No && Live::of(self.access, &part).double().is_some() {
            rooted.floats += 1;
        }
        rooted.block.push(self.access, &part);
    }

    fn end(&mut self, rooted: Rooted) {
        let Rooted {
            block,
            size,
            flat,
            floats,
        } = rooted;
        let block = block.end();
        self.value = match flat {
            Flat::Unknown if floats == size => panic!(
                "a record holds nothing but floats, and a field whose Rust type is any value: OCaml's record is flat, or not, as \
                 that field's type is float or a parameter of the record; take f64 for a float, and for a parameter make the \
                 Rust type a parameter too"
            ),
            Flat::AsItsElements if floats > 0 => {
                assert!(
                    floats == size,
                    "an array of {size} elements holds {floats} floats: the elements of an OCaml array are all floats, or none is"
                );
                flat_of(self.access, &block)
            }
            _ => block,
        };
    }

    fn foreign<T: ToValue>(&mut self, value: &T) {
        self.value = value.to_value(self.access.runtime());
    }
}

/// A flat array of the floats in a block. Allocates.
fn flat_of(access: Access<'_>, block: &Value) -> Value {
    let size = Live::of(access, block).size();
    let mut array = Block::alloc(access, size, alloc::DOUBLE_ARRAY_TAG);
    for number in Live::of(access, block).fields().filter_map(Live::double) {
        array.push_double(access, number);
    }
    array.end()
}
