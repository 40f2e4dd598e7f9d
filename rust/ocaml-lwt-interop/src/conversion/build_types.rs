//! How the types that ocaml-rs and this crate convert describe themselves.

use std::collections::{BTreeMap, LinkedList};

use ocaml::Value;

use super::crossing::{ToOCaml, Visitor};
use super::float::{Flat, Float};
use super::int;
use crate::caml::alloc::Custom;
use crate::values::{
    ByteBuf, Nativeint, OCamlBytes, OCamlChar, OCamlFileDescr, OCamlList, OCamlUchar, OCamlValue,
};

// How each type describes itself. What is told is copied, or has a root, or is a part that describes itself in the same way. (An
// `ocaml::Error`, which would raise, has no description.)
macro_rules! describe {
    ($([$($generics:tt)*] $ty:ty, $float:expr, |$value:ident, $visitor:ident| $how:expr;)*) => {$(
        // SAFETY: its conversion tells a visitor what it is, and neither raises nor leaves anything without a root
        unsafe impl<$($generics)*> ToOCaml for $ty {
            const FLOAT: Float = $float;

            #[inline]
            fn describe<Vis: Visitor>(&self, $visitor: &mut Vis) {
                let $value = self;
                $how
            }
        }
    )*};
}

macro_rules! describe_plain {
    ($($ty:ty: |$value:ident, $visitor:ident| $how:expr;)*) => {
        describe! { $([] $ty, Float::Never, |$value, $visitor| $how;)* }
    };
}

describe_plain! {
    (): |_value, visitor| visitor.immediate(0);
    bool: |value, visitor| visitor.immediate(isize::from(*value));
    u8: |value, visitor| visitor.immediate(isize::from(*value));
    i8: |value, visitor| visitor.immediate(isize::from(*value));
    u16: |value, visitor| visitor.immediate(*value as isize);
    i16: |value, visitor| visitor.immediate(isize::from(*value));
    isize: |value, visitor| visitor.immediate(int::to_int(*value));
    usize: |value, visitor| visitor.immediate(int::unsigned_to_int(*value));
    i32: |value, visitor| visitor.custom(Custom::Int32(*value));
    u32: |value, visitor| visitor.custom(Custom::Int32(int::to_int32(*value)));
    i64: |value, visitor| visitor.custom(Custom::Int64(*value));
    u64: |value, visitor| visitor.custom(Custom::Int64(int::to_int64(*value)));
    OCamlChar: |value, visitor| visitor.immediate(isize::from(value.0));
    OCamlUchar: |value, visitor| visitor.immediate(value.0 as isize);
    OCamlFileDescr: |value, visitor| visitor.immediate(value.0 as isize);
    Nativeint: |value, visitor| visitor.custom(Custom::Nativeint(value.0));
    String: |value, visitor| visitor.string(value.as_bytes());
    &str: |value, visitor| visitor.string(value.as_bytes());
    &[u8]: |value, visitor| visitor.string(value);
    ByteBuf: |value, visitor| visitor.string(value);
    OCamlBytes: |value, visitor| visitor.string(&value.0);
}

describe! {
    [const N: usize] [u8; N], Float::Never, |value, visitor| visitor.string(value);
    [] f64, Float::Always, |value, visitor| visitor.double(*value);
    [] f32, Float::Always, |value, visitor| visitor.double(f64::from(*value));
    [T: ToOCaml] Box<T>, T::FLOAT, |value, visitor| (**value).describe(visitor);
    [T: ToOCaml] &T, T::FLOAT, |value, visitor| (**value).describe(visitor);
    [] OCamlValue, Float::Maybe, |value, visitor| visitor.value(value);
    [] Value, Float::Maybe, |value, visitor| visitor.foreign(value);
    [T: ToOCaml] Option<T>, Float::Never, |value, visitor| match value {
        None => visitor.immediate(0),
        Some(value) => block_of_one(visitor, 0, value),
    };
    [T: ToOCaml, E: ToOCaml] Result<T, E>, Float::Never, |value, visitor| match value {
        Ok(value) => block_of_one(visitor, 0, value),
        Err(error) => block_of_one(visitor, 1, error),
    };
    [T: ToOCaml + 'static] Vec<T>, Float::Never, |value, visitor| {
        let mut block = visitor.begin(0, value.len(), Flat::of_array(T::FLOAT));
        for item in value {
            visitor.part(&mut block, item);
        }
        visitor.end(block);
    };
    [T: ToOCaml] OCamlList<T>, Float::Never, |value, visitor| visitor.list(value.0.iter());
    [T: ToOCaml] LinkedList<T>, Float::Never, |value, visitor| visitor.list(value.iter());
    [K: ToOCaml, T: ToOCaml] BTreeMap<K, T>, Float::Never, |value, visitor| visitor.list(value.iter());
}

/// A constructor with one argument.
#[inline]
fn block_of_one<T: ToOCaml>(visitor: &mut impl Visitor, tag: u8, value: &T) {
    let mut block = visitor.begin(tag, 1, Flat::No);
    visitor.part(&mut block, value);
    visitor.end(block);
}

macro_rules! describe_tuples {
    ($($size:literal: $($name:ident $i:tt)*;)*) => {
        describe! {$(
            [$($name: ToOCaml),*] ($($name,)*), Float::Never, |value, visitor| {
                let mut block = visitor.begin(0, $size, Flat::No);
                $(visitor.part(&mut block, &value.$i);)*
                visitor.end(block);
            };
        )*}
    };
}

describe_tuples! {
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
    7: A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    9: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    10: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    11: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    12: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
    13: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12;
    14: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13;
    15: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14;
    16: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15;
    17: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16;
    18: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17;
    19: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18;
    20: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18 T 19;
    21: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18 T 19 U 20;
}
