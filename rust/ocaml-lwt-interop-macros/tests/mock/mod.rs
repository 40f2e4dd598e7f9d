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

/// The names that the generated code uses.
pub mod __private {
    /// Nothing of OCaml's is missing.
    macro_rules! link_runtime_into_tests {
        () => {};
    }
    pub(crate) use link_runtime_into_tests;

    use super::Stream;
    use std::cell::RefCell;
    use std::marker::PhantomData;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    thread_local! {
        static VALUES: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
        static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
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
    }

    pub struct Arguments(Vec<Value>);

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
    pub struct Outcome<T>(Result<T, Ending>);

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

    pub struct FunctionArgument {
        pub name: &'static str,
        pub label: Label,
        pub ty: fn(&mut declare::Types) -> declare::Type,
    }

    pub enum Label {
        None,
        Labelled(&'static str),
        Optional(&'static str),
    }

    pub enum Declaration {
        Function(Function),
    }

    /// What a function says of itself.
    pub struct Function {
        pub symbol: &'static str,
        pub name: &'static str,
        pub module: &'static str,
        pub place: (&'static str, u32),
        pub docs: &'static [&'static str],
        pub arguments: &'static [FunctionArgument],
        pub result: fn(&mut declare::Types) -> declare::Type,
        pub promise: bool,
        pub twin: bool,
    }

    /// A type is what Rust calls it.
    pub mod declare {
        pub struct Types;
        pub struct Coming;
        pub struct Going;

        pub struct Type(pub String);

        pub trait OCamlType<Direction> {
            fn ocaml_type(types: &mut Types) -> Type;
        }

        impl<D, T> OCamlType<D> for T {
            fn ocaml_type(_: &mut Types) -> Type {
                Type(std::any::type_name::<T>().to_owned())
            }
        }
    }

    pub struct Described<T, D>(PhantomData<(T, D)>);

    impl<T, D> Described<T, D> {
        pub const NEW: Self = Described(PhantomData);

        pub fn stream(self) -> Described<RustStream<T>, D> {
            Described::NEW
        }
    }

    pub trait Known {
        fn ocaml_type(&self, types: &mut declare::Types) -> declare::Type;
    }

    impl<T: declare::OCamlType<D>, D> Known for &Described<T, D> {
        fn ocaml_type(&self, types: &mut declare::Types) -> declare::Type {
            T::ocaml_type(types)
        }
    }

    pub trait Unknown {
        fn ocaml_type(&self, types: &mut declare::Types) -> declare::Type;
    }

    impl<T, D> Unknown for Described<T, D> {
        fn ocaml_type(&self, _: &mut declare::Types) -> declare::Type {
            declare::Type("unknown".to_owned())
        }
    }

    pub struct Returned<R>(PhantomData<R>);

    impl<R> Returned<R> {
        pub const NEW: Self = Returned(PhantomData);
    }

    pub trait ReturnedError<T> {
        fn plain(&self) -> Described<T, declare::Going>;
    }

    impl<T> ReturnedError<T> for &&Returned<Result<T, Error>> {
        fn plain(&self) -> Described<T, declare::Going> {
            Described::NEW
        }
    }

    pub trait ReturnedOCamlError<T> {
        fn plain(&self) -> Described<T, declare::Going>;
    }

    impl<T> ReturnedOCamlError<T> for &Returned<Result<T, OCamlError>> {
        fn plain(&self) -> Described<T, declare::Going> {
            Described::NEW
        }
    }

    pub trait ReturnedValue<T> {
        fn plain(&self) -> Described<T, declare::Going>;
    }

    impl<T> ReturnedValue<T> for Returned<T> {
        fn plain(&self) -> Described<T, declare::Going> {
            Described::NEW
        }
    }

    /// # Safety
    ///
    /// As below.
    pub unsafe fn rust_to_lwt_stream<const N: usize, T: ToValue>(
        signature: &'static Signature,
        arguments: [Raw; N],
        make: impl FnOnce(&Arguments) -> Result<RustStream<T>, Refused>,
    ) -> Raw {
        let make = |arguments: &Arguments| make(arguments).map(std::future::ready);
        run(signature, Runs::AtOnce, arguments, make, |stream| {
            Outcome(Ok(stream))
        })
    }

    pub const fn argument_is_send<T: Send>() {}

    /// # Safety
    ///
    /// The real one is called by OCaml alone; this one needs nothing.
    pub unsafe fn rust_to_lwt<const N: usize, F, T, E>(
        signature: &'static Signature,
        arguments: [Raw; N],
        make: impl FnOnce(&Arguments) -> Result<F, Refused>,
        ending: E,
    ) -> Raw
    where
        F: Future + 'static,
        T: ToValue,
        E: FnOnce(F::Output) -> Outcome<T> + 'static,
    {
        run(signature, Runs::AtHome, arguments, make, ending)
    }

    /// # Safety
    ///
    /// As above.
    pub unsafe fn rust_to_lwt_on_workers<const N: usize, F, T, E>(
        signature: &'static Signature,
        arguments: [Raw; N],
        make: impl FnOnce(&Arguments) -> Result<F, Refused>,
        ending: E,
    ) -> Raw
    where
        F: Future + Send + 'static,
        T: ToValue + Send,
        E: FnOnce(F::Output) -> Outcome<T> + Send + 'static,
    {
        run(signature, Runs::OnWorkers, arguments, make, ending)
    }

    /// # Safety
    ///
    /// As above.
    pub unsafe fn rust_to_lwt_on_blocking_pool<const N: usize, B, R, T, E>(
        signature: &'static Signature,
        arguments: [Raw; N],
        make: impl FnOnce(&Arguments) -> Result<B, Refused>,
        ending: E,
    ) -> Raw
    where
        B: FnOnce() -> R + Send + 'static,
        T: ToValue + Send,
        E: FnOnce(R) -> Outcome<T> + Send + 'static,
    {
        let make = |arguments: &Arguments| make(arguments).map(|body| async { body() });
        run(signature, Runs::OnBlockingPool, arguments, make, ending)
    }

    /// # Safety
    ///
    /// As above.
    pub unsafe fn call_at_once<const N: usize, R, T, E>(
        signature: &'static Signature,
        arguments: [Raw; N],
        make: impl FnOnce(&Arguments) -> Result<R, Refused>,
        ending: E,
    ) -> Raw
    where
        T: ToValue,
        E: FnOnce(R) -> Outcome<T>,
    {
        let make = |arguments: &Arguments| make(arguments).map(std::future::ready);
        run(signature, Runs::AtOnce, arguments, make, ending)
    }

    fn run<const N: usize, F: Future, T: ToValue>(
        signature: &Signature,
        runs: Runs,
        arguments: [Raw; N],
        make: impl FnOnce(&Arguments) -> Result<F, Refused>,
        ending: impl FnOnce(F::Output) -> Outcome<T>,
    ) -> Raw {
        let value = |raw: Raw| VALUES.with_borrow(|values| values[raw.0 as usize].clone());
        let ending = match make(&Arguments(arguments.map(value).to_vec())) {
            Err(refused) => Ending::Raised(refused),
            Ok(future) => match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(output) => match ending(output) {
                    Outcome(Ok(value)) => Ending::Value(value.show()),
                    Outcome(Err(ending)) => ending,
                },
                Poll::Pending => Ending::Pending,
            },
        };
        CALLS.with_borrow_mut(|calls| {
            calls.push(Call {
                signature: signature.clone(),
                runs,
                ending,
            });
            Raw(calls.len() as isize - 1)
        })
    }
}
