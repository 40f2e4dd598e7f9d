//! The OCaml types of the types that this crate converts: the table of `doc/types.md`.

use std::collections::{BTreeMap, LinkedList};

use ocaml::Value;

use super::declare::{OCamlType, Type, Types};
use crate::values::{
    ByteBuf, Nativeint, OCamlBytes, OCamlChar, OCamlFileDescr, OCamlList, OCamlUchar, OCamlValue,
};

// The OCaml type of each, from and to which `read_types` and `build_types` convert it. A value of any type is an `Obj.t`.
macro_rules! declare {
    ($([$($generics:tt)*] $ty:ty, |$types:ident| $type:expr $(, array $array:expr)?;)*) => {$(
        // SAFETY: `read_types` and `build_types` convert it from and to this type
        unsafe impl<Direction, $($generics)*> OCamlType<Direction> for $ty {
            fn ocaml_type($types: &mut Types) -> Type {
                $type
            }

            $(fn array_type(_: &mut Types) -> Type {
                $array
            })?
        }
    )*};
}

macro_rules! declare_named {
    ($($ty:ty: $name:literal;)*) => {
        declare! { $([] $ty, |_types| Type::named($name);)* }
    };
}

declare_named! {
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
    OCamlChar: "char";
    OCamlUchar: "Uchar.t";
    OCamlFileDescr: "Unix.file_descr";
    OCamlBytes: "bytes";
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

declare! {
    [] u8, |_types| Type::byte(), array Type::refused(
        "Vec<u8> would be an array of numbers in OCaml: bytes are an ocaml_lwt_interop::ByteBuf, which is a string there, \
         and numbers a Vec<u16> or the like",
    );
    [T: OCamlType<Direction>] Vec<T>, |types| T::array_type(types);
    [const N: usize] [u8; N], |_types| Type::named("string");
    [T: OCamlType<Direction>] Option<T>, |types| Type::applied("option", [T::ocaml_type(types)]);
    [T: OCamlType<Direction>] OCamlList<T>, |types| Type::applied("list", [T::ocaml_type(types)]);
    [T: OCamlType<Direction>] LinkedList<T>, |types| Type::applied("list", [T::ocaml_type(types)]);
    [T: OCamlType<Direction>] Box<T>, |types| T::ocaml_type(types);
    [T: OCamlType<Direction>] &T, |types| T::ocaml_type(types);
    [T: OCamlType<Direction>, E: OCamlType<Direction>] Result<T, E>,
        |types| Type::applied("result", [T::ocaml_type(types), E::ocaml_type(types)]);
    [K: OCamlType<Direction>, T: OCamlType<Direction>] BTreeMap<K, T>,
        |types| Type::applied("list", [<(K, T)>::ocaml_type(types)]);
}

macro_rules! declare_tuples {
    ($($($name:ident)*;)*) => {
        declare! {$(
            [$($name: OCamlType<Direction>),*] ($($name,)*),
                |types| Type::tuple(vec![$($name::ocaml_type(types)),*]);
        )*}
    };
}

declare_tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
    A B C D E F G H I J K L M;
    A B C D E F G H I J K L M N;
    A B C D E F G H I J K L M N O;
    A B C D E F G H I J K L M N O P;
    A B C D E F G H I J K L M N O P Q;
    A B C D E F G H I J K L M N O P Q R;
    A B C D E F G H I J K L M N O P Q R S;
    A B C D E F G H I J K L M N O P Q R S T;
    A B C D E F G H I J K L M N O P Q R S T U;
}
