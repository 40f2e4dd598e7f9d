//! What the generated code finds in the crate `ocaml-lwt-interop`, made small: no OCaml, every call polls once, and
//! what a real call would give to OCaml can be looked at.
//!
//! The bounds `FromValue` and `ToValue` are on a method and on `rust_to_lwt`, not on an `impl`: the method is found for
//! every type, and the compiler says which type lacks which trait, rather than that there is no such method.

#![allow(dead_code, unsafe_code)]

/// As `futures::Stream`: all of its items.
pub trait Stream {
    type Item;

    fn items(self) -> Vec<Self::Item>;
}

impl<T> Stream for Vec<T> {
    type Item = T;

    fn items(self) -> Vec<T> {
        self
    }
}

mod declared;
mod stubs;

/// The names that the generated code uses.
pub mod __private {
    pub use super::declared::*;
    pub use super::stubs::*;

    /// Nothing of OCaml's is missing.
    macro_rules! link_runtime_into_tests {
        () => {};
    }
    pub(crate) use link_runtime_into_tests;

    use super::Stream;
    use std::cell::RefCell;
    use std::marker::PhantomData;

    thread_local! {
        pub(super) static VALUES: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
        pub(super) static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
    }

    /// A value of the mock's heap.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Value {
        Int(i64),
        Text(&'static str),
    }

    /// As `ocaml::Raw`: one word, here an index.
    #[derive(Clone, Copy, Debug)]
    #[repr(transparent)]
    pub struct Raw(pub isize);

    impl Raw {
        /// Puts a value on the mock's heap.
        pub fn new(value: Value) -> Raw {
            VALUES.with_borrow_mut(|values| {
                values.push(value);
                Raw(values.len() as isize - 1)
            })
        }
    }

    /// What a stub was asked for, and how the call ended.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Call {
        pub signature: Signature,
        pub runs: Runs,
        pub ending: Ending,
    }

    /// Which of the functions below the stub called.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Runs {
        AtHome,
        /// No promise: a stream, or a value.
        AtOnce,
        OnWorkers,
        OnBlockingPool,
    }

    /// The call that gave this result.
    pub fn call(result: Raw) -> Call {
        CALLS.with_borrow(|calls| calls[result.0 as usize].clone())
    }

    #[derive(Clone, Debug, PartialEq)]
    pub enum Ending {
        Value(String),
        Error(Error),
        OCamlError(OCamlError),
        Pending,
        Raised(Refused),
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Cancel {
        Drop,
        Detach,
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Signature {
        pub function: &'static str,
        pub arguments: &'static [&'static str],
        pub cancel: Cancel,
        pub collects: bool,
    }

    pub struct Arguments(pub(super) Vec<Value>);

    /// The argument that could not be converted.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Refused(pub usize);

    pub trait FromValue {
        fn from_value(value: &Value) -> Self;
    }

    impl FromValue for i64 {
        fn from_value(value: &Value) -> i64 {
            match value {
                Value::Int(int) => *int,
                Value::Text(text) => text.len() as i64,
            }
        }
    }

    pub trait ToValue {
        fn show(&self) -> String;
    }

    impl ToValue for () {
        fn show(&self) -> String {
            "()".to_owned()
        }
    }

    impl ToValue for i64 {
        fn show(&self) -> String {
            self.to_string()
        }
    }

    impl ToValue for String {
        fn show(&self) -> String {
            self.clone()
        }
    }

    impl ToValue for &str {
        fn show(&self) -> String {
            (*self).to_owned()
        }
    }

    impl<T: ToValue, E: ToValue> ToValue for Result<T, E> {
        fn show(&self) -> String {
            match self {
                Ok(value) => format!("Ok {}", value.show()),
                Err(error) => format!("Error {}", error.show()),
            }
        }
    }

    /// As `ocaml_lwt_interop::Error`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Error(pub String);

    impl<E: std::error::Error> From<E> for Error {
        fn from(error: E) -> Error {
            Error(error.to_string())
        }
    }

    /// As `ocaml::Error`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct OCamlError(pub &'static str);

    pub struct Argument<T>(PhantomData<T>);

    impl<T> Argument<T> {
        pub const NEW: Argument<T> = Argument(PhantomData);
    }

    /// Everything may collect here, but for an `i64`.
    pub trait NotRead {
        const COLLECTS: bool = true;
    }

    impl<T> NotRead for Argument<T> {}

    impl Argument<i64> {
        pub const COLLECTS: bool = false;
    }

    pub trait ConvertString {
        fn convert(&self, arguments: &Arguments, index: usize) -> Result<String, Refused>;
    }

    impl ConvertString for &Argument<String> {
        fn convert(&self, arguments: &Arguments, index: usize) -> Result<String, Refused> {
            match arguments.0[index] {
                Value::Text(text) => Ok(text.to_owned()),
                Value::Int(_) => Err(Refused(index)),
            }
        }
    }

    pub trait ConvertArgument {
        type Output;

        fn convert(&self, arguments: &Arguments, index: usize) -> Result<Self::Output, Refused>
        where
            Self::Output: FromValue;
    }

    impl<T> ConvertArgument for Argument<T> {
        type Output = T;

        fn convert(&self, arguments: &Arguments, index: usize) -> Result<T, Refused>
        where
            T: FromValue,
        {
            Ok(T::from_value(&arguments.0[index]))
        }
    }

    /// What an output ends as, before it is converted.
    pub struct Outcome<T>(pub(super) Result<T, Ending>);

    pub struct Output<T>(PhantomData<T>);

    impl<T> Output<T> {
        pub fn of(_: &T) -> Output<T> {
            Output(PhantomData)
        }
    }

    pub trait EndingOfError<T> {
        fn ending(&self, output: Result<T, Error>) -> Outcome<T>;
    }

    impl<T> EndingOfError<T> for &&Output<Result<T, Error>> {
        fn ending(&self, output: Result<T, Error>) -> Outcome<T> {
            Outcome(output.map_err(Ending::Error))
        }
    }

    /// No type here is an object by itself.
    pub trait EndingOfErrorOrObject {}

    pub trait EndingOfObject {}

    pub trait EndingOfOCamlError<T> {
        fn ending(&self, output: Result<T, OCamlError>) -> Outcome<T>;
    }

    impl<T> EndingOfOCamlError<T> for &Output<Result<T, OCamlError>> {
        fn ending(&self, output: Result<T, OCamlError>) -> Outcome<T> {
            Outcome(output.map_err(Ending::OCamlError))
        }
    }

    pub trait EndingOfValue<T> {
        fn ending(&self, output: T) -> Outcome<T>;
    }

    impl<T> EndingOfValue<T> for Output<T> {
        fn ending(&self, output: T) -> Outcome<T> {
            Outcome(Ok(output))
        }
    }

    impl<T> Outcome<T> {
        pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
            Outcome(self.0.map(f))
        }
    }

    pub struct RustStream<T>(Vec<Result<T, Error>>, Option<usize>);

    impl<T: ToValue> ToValue for RustStream<T> {
        fn show(&self) -> String {
            let items = self.0.iter().map(|item| match item {
                Ok(item) => item.show(),
                Err(Error(error)) => format!("! {error}"),
            });
            format!("{:?} {:?}", items.collect::<Vec<_>>(), self.1)
        }
    }

    pub struct StreamOf<S, I>(PhantomData<(S, I)>);

    impl<S: Stream> StreamOf<S, S::Item> {
        pub fn of(_: &S) -> Self {
            StreamOf(PhantomData)
        }
    }

    pub trait StreamOfResults<S, T> {
        fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T>;
    }

    impl<S: Stream<Item = Result<T, Error>>, T> StreamOfResults<S, T>
        for &StreamOf<S, Result<T, Error>>
    {
        fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T> {
            RustStream(stream.items(), window)
        }
    }

    pub trait StreamOfValues<S, T> {
        fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T>;
    }

    impl<S: Stream<Item = T>, T> StreamOfValues<S, T> for StreamOf<S, T> {
        fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T> {
            RustStream(stream.items().into_iter().map(Ok).collect(), window)
        }
    }
}
