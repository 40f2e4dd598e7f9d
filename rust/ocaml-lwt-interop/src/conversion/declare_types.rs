//! The OCaml types of the types that this crate converts: the table of the README.

use std::collections::{BTreeMap, LinkedList};

use ocaml::Value;

use super::declare::{OCamlType, Type, Types};
use crate::values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

macro_rules! named {
    ($($ty:ty: $name:literal;)*) => {$(
        // SAFETY: `read_types` and `build_types` convert each from and to this type; a value of any type is an `Obj.t`
        unsafe impl<D> OCamlType<D> for $ty {
            fn ocaml_type(_: &mut Types) -> Type {
                Type::named($name)
            }
        }
    )*};
}

named! {
    (): "unit";
    bool: "bool";
    i8: "int";
    u16: "int";
    i16: "int";
    isize: "int";
    usize: "int";
    i32: "int32";
    u32: "int32";
    i64: "int64";
    u64: "int64";
    Nativeint: "nativeint";
    f64: "float";
    f32: "float";
    String: "string";
    &str: "string";
    // OCaml's programs have bytes in strings, mostly, and both are copied.
    ByteBuf: "string";
    &[u8]: "string";
    // Of any type, which nobody can check: OCaml says so too.
    OCamlValue: "Obj.t";
    Value: "Obj.t";
}

// SAFETY: `read_types` and `build_types` convert it from and to an `int`
unsafe impl<D> OCamlType<D> for u8 {
    fn ocaml_type(_: &mut Types) -> Type {
        Type::byte()
    }

    fn array_type(_: &mut Types) -> Type {
        Type::refused(
            "Vec<u8> would be an array of numbers in OCaml: bytes are an ocaml_lwt_interop::ByteBuf, which is a string there, \
             and numbers a Vec<u16> or the like",
        )
    }
}

// SAFETY: an array of what `T` is
unsafe impl<D, T: OCamlType<D>> OCamlType<D> for Vec<T> {
    fn ocaml_type(types: &mut Types) -> Type {
        T::array_type(types)
    }
}

// SAFETY: a string, and copied
unsafe impl<D, const N: usize> OCamlType<D> for [u8; N] {
    fn ocaml_type(_: &mut Types) -> Type {
        Type::named("string")
    }
}

macro_rules! applied {
    ($($ty:ty: $name:literal;)*) => {$(
        // SAFETY: each is converted as this type, of parts that are what `T` is
        unsafe impl<D, T: OCamlType<D>> OCamlType<D> for $ty {
            fn ocaml_type(types: &mut Types) -> Type {
                Type::applied($name, [T::ocaml_type(types)])
            }
        }
    )*};
}

applied! {
    Option<T>: "option";
    OCamlList<T>: "list";
    LinkedList<T>: "list";
}

macro_rules! through {
    ($($ty:ty)*) => {$(
        // SAFETY: it is converted as what it holds
        unsafe impl<D, T: OCamlType<D>> OCamlType<D> for $ty {
            fn ocaml_type(types: &mut Types) -> Type {
                T::ocaml_type(types)
            }
        }
    )*};
}

through!(Box<T> &T);

// SAFETY: a block of tag 0 or 1, as `Ok` and `Error` are
unsafe impl<D, T: OCamlType<D>, E: OCamlType<D>> OCamlType<D> for Result<T, E> {
    fn ocaml_type(types: &mut Types) -> Type {
        Type::applied("result", [T::ocaml_type(types), E::ocaml_type(types)])
    }
}

// SAFETY: a list of pairs
unsafe impl<D, K: OCamlType<D>, T: OCamlType<D>> OCamlType<D> for BTreeMap<K, T> {
    fn ocaml_type(types: &mut Types) -> Type {
        Type::applied("list", [<(K, T)>::ocaml_type(types)])
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        // SAFETY: a block of tag 0 with the parts
        unsafe impl<Direction, $($name: OCamlType<Direction>),*> OCamlType<Direction> for ($($name,)*) {
            fn ocaml_type(types: &mut Types) -> Type {
                Type::tuple(vec![$($name::ocaml_type(types)),*])
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);
tuples!(A B C D E F G H I J K L M);
tuples!(A B C D E F G H I J K L M N);
tuples!(A B C D E F G H I J K L M N O);
tuples!(A B C D E F G H I J K L M N O P);
tuples!(A B C D E F G H I J K L M N O P Q);
tuples!(A B C D E F G H I J K L M N O P Q R);
tuples!(A B C D E F G H I J K L M N O P Q R S);
tuples!(A B C D E F G H I J K L M N O P Q R S T);
tuples!(A B C D E F G H I J K L M N O P Q R S T U);
