//! How the types that ocaml-rs and this crate convert describe themselves.

use ocaml::sys::FLAT_FLOAT_ARRAY;

use super::build::{Build, Visitor};
use crate::caml::chunk::Custom;
use crate::values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

macro_rules! describe {
    ($($ty:ty: |$value:ident, $visitor:ident| $how:expr;)*) => {$(
        // SAFETY: a value without parts
        unsafe impl Build for $ty {
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
    isize: |value, visitor| visitor.immediate(*value);
    usize: |value, visitor| visitor.immediate(*value as isize);
    i32: |value, visitor| visitor.custom(Custom::Int32(*value));
    u32: |value, visitor| visitor.custom(Custom::Int32(*value as i32));
    i64: |value, visitor| visitor.custom(Custom::Int64(*value));
    u64: |value, visitor| visitor.custom(Custom::Int64(*value as i64));
    Nativeint: |value, visitor| visitor.custom(Custom::Nativeint(value.0));
    String: |value, visitor| visitor.string(value.as_bytes());
    &str: |value, visitor| visitor.string(value.as_bytes());
    ByteBuf: |value, visitor| visitor.string(value);
}

macro_rules! describe_float {
    ($($ty:ty)*) => {$(
        // SAFETY: a value without parts
        unsafe impl Build for $ty {
            const FLAT: bool = true;

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
        unsafe impl<T: Build> Build for $ty {
            const FLAT: bool = T::FLAT;

            #[inline]
            fn describe<V: Visitor>(&self, visitor: &mut V) {
                (**self).describe(visitor);
            }
        }
    )*};
}

describe_through!(Box<T> &T);

// SAFETY: a value without parts of ours
unsafe impl Build for OCamlValue {
    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.value(self);
    }
}

// SAFETY: its part is
unsafe impl<T: Build> Build for Option<T> {
    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        match self {
            None => visitor.immediate(0),
            Some(value) => {
                let mut block = visitor.begin(0, 1, false);
                visitor.part(&mut block, value);
                visitor.end(block);
            }
        }
    }
}

// SAFETY: its parts are
unsafe impl<T: Build, E: Build> Build for Result<T, E> {
    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        let mut block = visitor.begin(u8::from(self.is_err()), 1, false);
        match self {
            Ok(value) => visitor.part(&mut block, value),
            Err(error) => visitor.part(&mut block, error),
        }
        visitor.end(block);
    }
}

// SAFETY: its parts are
unsafe impl<T: Build> Build for Vec<T> {
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        let mut block = visitor.begin(0, self.len(), T::FLAT && FLAT_FLOAT_ARRAY);
        for item in self {
            visitor.part(&mut block, item);
        }
        visitor.end(block);
    }
}

// SAFETY: its parts are
unsafe impl<T: Build> Build for OCamlList<T> {
    #[inline]
    fn describe<V: Visitor>(&self, visitor: &mut V) {
        visitor.list(&self.0);
    }
}

macro_rules! describe_tuples {
    ($($size:literal: $($name:ident)*;)*) => {$(
        // SAFETY: its parts are
        unsafe impl<$($name: Build),*> Build for ($($name,)*) {
            #[allow(non_snake_case)]
            fn describe<Vis: Visitor>(&self, visitor: &mut Vis) {
                let ($($name,)*) = self;
                let mut block = visitor.begin(0, $size, false);
                $(visitor.part(&mut block, $name);)*
                visitor.end(block);
            }
        }
    )*};
}

describe_tuples! {
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
    8: A B C D E F G H;
}
