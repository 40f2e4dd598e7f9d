//! A function for each row of the table of types in `doc/types.md`, whose OCaml declarations are made: `declarations.mli` is how they
//! look. What is here is written in ways that only the compiler understands: aliases, types of other modules, parameters.

#![allow(missing_docs)] // it is about what has none as well

mod errors;
pub mod guide;
mod names;
pub mod objects;
mod records;
pub mod streams;

use std::collections::{BTreeMap, LinkedList};

use ocaml_lwt_interop::arrays::Complex;
use ocaml_lwt_interop::{
    ByteBuf, DomainPool, Error, Lent, Nativeint, OCamlAsyncFunc, OCamlBytes, OCamlChar,
    OCamlFileDescr, OCamlFunc, OCamlList, OCamlUchar, OCamlValue, OwnedArray, Promise, func,
};

use records::{Boxed, Meters, Pair, Person, Point, Sequence, Shape, Tree, Wrapped};

/// Text by another name.
type Text = String;

/// Results of this crate.
type Fallible<T> = Result<T, Error>;

/// Joins `names` with a separator.
///
/// An empty list is the empty text: `join([], ",")` is `""`, and [`echo_list`] gives it back. See
/// [the page](https://example.org) as well.
///
/// # Errors
///
/// Where the separator is empty (with "quotes").
///
/// ```text
/// join(["a", "b"], ",")
/// ```
#[func]
pub async fn join(names: OCamlList<Text>, separator: Text) -> Fallible<Text> {
    if separator.is_empty() {
        return Err(Error::msg("no separator"));
    }
    Ok(names.0.join(&separator))
}

/// Gives each argument back.
macro_rules! echo {
    ($($name:ident: $ty:ty;)*) => {$(
        #[func(sync)]
        pub fn $name(value: $ty) -> $ty {
            value
        }
    )*};
}

echo! {
    echo_int: isize;
    echo_small_ints: (u8, i8, u16, i16, usize);
    echo_bool: bool;
    echo_float: f64;
    echo_single: f32;
    echo_unit: ();
    echo_boxed_ints: (i32, u32, i64, u64, Nativeint);
    echo_string: Text;
    echo_bytes: ByteBuf;
    echo_mutable_bytes: OCamlBytes;
    echo_char: OCamlChar;
    echo_descriptor: OCamlFileDescr;
    echo_uchar: OCamlUchar;
    echo_uchars: Vec<OCamlUchar>;
    echo_four_bytes: [u8; 4];
    echo_option: Option<Option<isize>>;
    echo_result: Result<isize, Text>;
    echo_tuple: ((isize, bool), f64);
    echo_list: OCamlList<OCamlList<Text>>;
    echo_linked_list: LinkedList<isize>;
    echo_map: BTreeMap<Text, isize>;
    echo_array: Vec<f64>;
    echo_person: Person;
    echo_point: Point;
    echo_shape: Shape;
    echo_tree: Tree;
    echo_sequence: Sequence<isize>;
    echo_pair: Pair<Text, Vec<Pair<isize, bool>>>;
    echo_pairs_of_floats: Pair<f64, f64>;
    echo_meters: Meters;
    echo_boxed: Boxed<Text>;
    echo_wrapped: Wrapped;
    echo_lent: Lent<u8>;
    echo_numbers: OwnedArray<isize>;
    echo_matrix: Lent<f64, 2>;
    echo_cube: OwnedArray<i32, 3>;
    echo_tensor: Lent<Complex<f32>, 4>;
    echo_value: OCamlValue;
    echo_function: OCamlFunc<(isize, (isize, isize)), Text>;
    echo_promise: Promise<isize>;
}

#[func]
pub async fn nothing() {}

#[func]
pub async fn never() -> ! {
    std::future::pending().await
}

/// More than five arguments.
#[func(name = "declarations_sum")]
pub async fn sum(a: isize, b: isize, c: isize, d: isize, e: isize, f: isize) -> isize {
    a + b + c + d + e + f
}

/// Only the value of an `ocaml::Error` is in the type.
#[func(tokio)]
pub async fn half(n: isize) -> Result<isize, ocaml::Error> {
    if n % 2 == 0 {
        Ok(n / 2)
    } else {
        Err(ocaml::Error::Message("odd"))
    }
}

/// An error of another type is a `result`.
#[func(blocking)]
pub fn checked_half(n: isize) -> Result<isize, Text> {
    half_of(n).ok_or_else(|| format!("{n} is odd"))
}

fn half_of(n: isize) -> Option<isize> {
    (n % 2 == 0).then_some(n / 2)
}

/// Calls `f` with its number.
#[func]
pub async fn call(
    f: OCamlAsyncFunc<(isize, Text), Option<isize>>,
    argument: isize,
) -> Fallible<Option<isize>> {
    f.call((argument, argument.to_string())).await
}

#[func]
pub async fn call_without(f: OCamlAsyncFunc<(), isize>) -> Fallible<isize> {
    f.call(()).await
}

/// A function that gives a function.
#[func]
pub async fn same(f: OCamlFunc<(isize,), isize>) -> OCamlFunc<(isize,), isize> {
    f
}

/// Gives the function itself, so that its type has parentheses.
#[func(sync)]
pub fn same_at_once(f: OCamlFunc<(isize,), isize>) -> OCamlFunc<(isize,), isize> {
    f
}

#[func]
pub async fn name_of(promise: Promise<Person>) -> Fallible<Text> {
    Ok(promise.await?.name)
}

#[func]
pub async fn in_parallel(pool: DomainPool, f: OCamlFunc<(isize,), isize>) -> Fallible<isize> {
    pool.call(&f, (20,)).await
}

/// What Rust wants of OCaml, and OCaml gives here as an argument.
pub mod games {
    use super::{Fallible, Person, Text};
    use ocaml_lwt_interop::{Error, FromOCaml, LwtStream, Provided, func, interface, tokio_rt};

    /// Why there is no score.
    #[derive(FromOCaml)]
    pub enum Verdict {
        Draw,
        Foul(Text),
        /// Not in OCaml.
        #[ocaml(rust_only)]
        Failed(Error),
    }

    impl From<Error> for Verdict {
        fn from(error: Error) -> Verdict {
            Verdict::Failed(error)
        }
    }

    /// The rules of a game.
    #[interface]
    pub trait Rules {
        /// What it is called.
        fn r#type(&self) -> Text;
        /// A move of somebody's.
        async fn play(
            &self,
            #[ocaml(label)] r#move: isize,
            #[ocaml(optional)] who: Option<Person>,
            unit: (),
        ) -> Fallible<Option<Person>>;
        fn against(&self, other: Provided<dyn Rules>) -> isize;
        fn scores(&self) -> LwtStream<isize>;
        async fn judge(&self, score: isize) -> Result<isize, Verdict>;
    }

    /// Of one function.
    #[interface(name = "Die")]
    pub trait OneFunction {
        fn throw(&self) -> isize;
    }

    /// All of them, from Tokio's threads.
    #[func]
    pub async fn played(rules: Provided<dyn Rules>, who: Option<Person>) -> Fallible<Vec<Text>> {
        let (blocking, other) = (rules.clone(), rules.clone());
        let name = tokio_rt().spawn_blocking(move || blocking.r#type()).await?;
        let winner = tokio_rt().spawn(rules.play(7, who, ())).await??;
        let against = rules.against(other);
        let judged = |judged| match judged {
            Ok(score) => format!("score {score}"),
            Err(Verdict::Draw) => "draw".to_owned(),
            Err(Verdict::Foul(why)) => why,
            Err(Verdict::Failed(error)) => format!("failed: {error}"),
        };
        Ok(vec![
            name,
            winner.map_or_else(|| "nobody".to_owned(), |winner| winner.name),
            against.to_string(),
            judged(rules.judge(0).await),
            judged(rules.judge(1).await),
            judged(rules.judge(2).await),
            judged(rules.judge(3).await),
        ])
    }

    /// The same, back.
    #[func(sync)]
    pub fn same_rules(rules: Provided<dyn Rules>) -> Provided<dyn Rules> {
        rules
    }

    /// From home, at once.
    #[func(sync)]
    pub fn thrown(die: Provided<dyn OneFunction>) -> isize {
        die.throw() + die.throw()
    }
}
