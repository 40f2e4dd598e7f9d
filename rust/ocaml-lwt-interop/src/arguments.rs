//! The arguments of an OCaml function that Rust calls: a tuple, of which each element converts.

use ocaml::{Runtime, Value};

use crate::caml;
use crate::conversion::declare::{Going, OCamlType, Type, Types};
use crate::conversion::{ToOCaml, build};

/// The arguments of an OCaml function, as a tuple of one to twelve; `()` for a function of `unit`.
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlAsyncFunc, func::IntoArguments};
///
/// async fn repeated<A>(f: &OCamlAsyncFunc<A, ()>, arguments: A) -> Result<(), Error>
/// where
///     A: IntoArguments + Clone + 'static,
/// {
///     f.call(arguments.clone()).await?;
///     f.call(arguments).await
/// }
///
/// /// Calls `f` twice, with 1 and 2.
/// #[ocaml_lwt_interop::func]
/// pub async fn repeat(f: OCamlAsyncFunc<(isize, isize), ()>) -> Result<(), Error> {
///     repeated(&f, (1, 2)).await
/// }
/// ```
pub trait IntoArguments: ArgumentTypes {
    #[doc(hidden)]
    type Array: AsRef<[Value]>;
    /// How many there are: none of `()`, for which a function takes OCaml's.
    #[doc(hidden)]
    const COUNT: usize;
    /// Converts them, in order; each is rooted before the next is converted.
    #[doc(hidden)]
    fn into_array(self, runtime: &Runtime) -> Self::Array;
}

/// The OCaml types of such a tuple.
#[doc(hidden)]
pub trait ArgumentTypes {
    /// In order; `unit` alone for none.
    fn types(types: &mut Types) -> Vec<Type>;
}

impl ArgumentTypes for () {
    fn types(types: &mut Types) -> Vec<Type> {
        vec![<() as OCamlType<Going>>::ocaml_type(types)]
    }
}

impl IntoArguments for () {
    type Array = [Value; 1];
    const COUNT: usize = 0;

    fn into_array(self, _runtime: &Runtime) -> [Value; 1] {
        [Value::Raw(caml::UNIT.0)]
    }
}

macro_rules! count {
    () => { 0 };
    ($head:ident $($tail:ident)*) => { 1 + count!($($tail)*) };
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: OCamlType<Going>),*> ArgumentTypes for ($($name,)*) {
            fn types(types: &mut Types) -> Vec<Type> {
                vec![$($name::ocaml_type(types)),*]
            }
        }

        impl<$($name: ToOCaml),*> IntoArguments for ($($name,)*) {
            type Array = [Value; count!($($name)*)];
            const COUNT: usize = count!($($name)*);

            #[allow(non_snake_case)]
            fn into_array(self, runtime: &Runtime) -> Self::Array {
                let ($($name,)*) = self;
                // Each is rooted, or immediate.
                [$(build::convert(&$name, runtime)),*]
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
