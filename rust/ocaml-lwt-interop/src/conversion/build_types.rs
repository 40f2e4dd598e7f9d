//! How the types that ocaml-rs and this crate convert describe themselves.

use std::collections::{BTreeMap, LinkedList};

use ocaml::Value;

use super::crossing::{ToOCaml, Visitor};
use super::float::{Flat, Float};
use super::int;
use crate::caml::alloc::Custom;
use crate::values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

macro_rules! describe {
    ($($ty:ty: |$value:ident, $visitor:ident| $how:expr;)*) => {$(
        // SAFETY: copied
        unsafe impl ToOCaml for $ty {
            const FLOAT: Float = Float::Never;

            #[inline]
            fn describe<V: Visitor>(&self, $visitor: &mut V) {
                let $value = self;
                $how
            }
        }
    )*};
}

describe! {
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
    Nativeint: |value, visitor| visitor.custom(Custom::Nativeint(value.0));
    String: |value, visitor| visitor.string(value.as_bytes());
    &str: |value, visitor| visitor.string(value.as_bytes());
    &[u8]: |value, visitor| visitor.string(value);
    ByteBuf: |value, visitor| visitor.string(value);
}

// SAFETY: copied
unsafe impl<const N: usize> ToOCaml for [u8; N] {
    const FLOAT: Float = Float::Never;

    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.string(self);
    }
}

macro_rules! describe_float {
    ($($ty:ty)*) => {$(
        // SAFETY: copied
        unsafe impl ToOCaml for $ty {
            const FLOAT: Float = Float::Always;

            #[inline]
            fn describe<V: Visitor>(&self, visitor: &mut V) {
                visitor.double(f64::from(*self));
            }
        }
    )*};
}

describe_float!(f64 f32);

macro_rules! describe_through {
    ($($ty:ty)*) => {$(
        // SAFETY: what it points to is
        unsafe impl<T: ToOCaml> ToOCaml for $ty {
            const FLOAT: Float = T::FLOAT;

            #[inline]
            fn describe<V: Visitor>(&self, visitor: &mut V) {
                (**self).describe(visitor);
            }
        }
    )*};
}

describe_through!(Box<T> &T);

// SAFETY: a value that is kept alive
unsafe impl ToOCaml for OCamlValue {
    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.value(self);
    }
}

// SAFETY: rooted
unsafe impl ToOCaml for Value {}

// SAFETY: its part is
unsafe impl<T: ToOCaml> ToOCaml for Option<T> {
    const FLOAT: Float = Float::Never;

    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        match self {
            None => visitor.immediate(0),
            Some(value) => {
                let mut block = visitor.begin(0, 1, Flat::No);
                visitor.part(&mut block, value);
                visitor.end(block);
            }
        }
    }
}

// SAFETY: its parts are; an `ocaml::Error`, which would raise, is not
unsafe impl<T: ToOCaml, E: ToOCaml> ToOCaml for Result<T, E> {
    const FLOAT: Float = Float::Never;

    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        let mut block = visitor.begin(u8::from(self.is_err()), 1, Flat::No);
        match self {
            Ok(value) => visitor.part(&mut block, value),
            Err(error) => visitor.part(&mut block, error),
        }
        visitor.end(block);
    }
}

// SAFETY: its parts are
unsafe impl<T: ToOCaml + 'static> ToOCaml for Vec<T> {
    const FLOAT: Float = Float::Never;

    fn describe<V: Visitor>(&self, visitor: &mut V) {
        let mut block = visitor.begin(0, self.len(), Flat::of_array(T::FLOAT));
        for item in self {
            visitor.part(&mut block, item);
        }
        visitor.end(block);
    }
}

// SAFETY: its parts are
unsafe impl<T: ToOCaml> ToOCaml for OCamlList<T> {
    const FLOAT: Float = Float::Never;

    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.list(self.0.iter());
    }
}

// SAFETY: its parts are
unsafe impl<T: ToOCaml> ToOCaml for LinkedList<T> {
    const FLOAT: Float = Float::Never;

    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.list(self.iter());
    }
}

// SAFETY: its parts are
unsafe impl<K: ToOCaml, T: ToOCaml> ToOCaml for BTreeMap<K, T> {
    const FLOAT: Float = Float::Never;

    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.list(self.iter());
    }
}

macro_rules! describe_tuples {
    ($($size:literal: $($name:ident)*;)*) => {$(
        // SAFETY: its parts are
        unsafe impl<$($name: ToOCaml),*> ToOCaml for ($($name,)*) {
            const FLOAT: Float = Float::Never;

            #[allow(non_snake_case)]
            fn describe<Vis: Visitor>(&self, visitor: &mut Vis) {
                let ($($name,)*) = self;
                let mut block = visitor.begin(0, $size, Flat::No);
                $(visitor.part(&mut block, $name);)*
                visitor.end(block);
            }
        }
    )*};
}

describe_tuples! {
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
    8: A B C D E F G H;
    9: A B C D E F G H I;
    10: A B C D E F G H I J;
    11: A B C D E F G H I J K;
    12: A B C D E F G H I J K L;
    13: A B C D E F G H I J K L M;
    14: A B C D E F G H I J K L M N;
    15: A B C D E F G H I J K L M N O;
    16: A B C D E F G H I J K L M N O P;
    17: A B C D E F G H I J K L M N O P Q;
    18: A B C D E F G H I J K L M N O P Q R;
    19: A B C D E F G H I J K L M N O P Q R S;
    20: A B C D E F G H I J K L M N O P Q R S T;
    21: A B C D E F G H I J K L M N O P Q R S T U;
}
