//! [`Error::registered`] and [`Error::declared`]: exceptions that OCaml has registered. They are made where OCaml can be
//! called, so sometimes only when they cross.
//!
//! The constructor of an exception does not say how many arguments it has, and OCaml would read arguments that are not
//! there. So OCaml registers a sample (`Rust_async.register_exception`). The exception that Rust makes is compared to it.

use std::ffi::CString;
use std::panic::AssertUnwindSafe;

use crate::arguments::IntoArguments;
use crate::caml::alloc::Block;
use crate::caml::lock::Access;
use crate::caml::{self, Live, NamedValue};
use crate::conversion::read::Frame;
use crate::error::{Error, Registered};
use crate::exception::Exception;
use crate::home::{AtHome, Scope};
use crate::panic::catch;

impl Error {
    /// The exception that OCaml registered under `name` with `Rust_async.register_exception`. This is how Rust raises an
    /// exception that OCaml defined. May be called on any thread: the exception is made at home, when it goes there.
    ///
    /// The arguments are a tuple, as those of a function are, and `()` for an exception without:
    ///
    /// | OCaml | Rust |
    /// |---|---|
    /// | `exception Closed` | `Error::registered("closed", ())` |
    /// | `exception File_error of string` | `Error::registered("file_error", (message,))` |
    /// | `exception Refused of int * string` | `Error::registered("refused", (code, message))` |
    /// | `exception At of (int * int)` | `Error::registered("at", ((line, column),))` |
    ///
    /// OCaml gets `Rust_async.Misuse`, which says why, in these cases: the name is not registered; the number of arguments
    /// is another; there is a number or a string where OCaml's exception has something else, also inside of tuples and
    /// records. What lies deeper than 8 blocks, or in a block that is none of the sample's, is taken on trust. A conversion
    /// that panics gives `Rust_async.Rust_panic`.
    pub fn registered<A: IntoArguments + Send + 'static>(name: &str, arguments: A) -> Error {
        made_when_at_home(name, arguments, make)
    }

    /// An exception that Rust declares, with [`macro@crate::Exception`]: what `?` and `into` do. On any thread; it is made at home,
    /// when it goes there.
    ///
    /// Where OCaml's half of the declarations is not linked, OCaml gets `Rust_async.Misuse`, which says so. A conversion that
    /// panics gives `Rust_async.Rust_panic`.
    pub fn declared<E: OCamlException>(exception: E) -> Error {
        made_when_at_home(E::KEY, exception.into_arguments(), make_declared)
    }
}

/// An exception that Rust declares. `#[derive(Exception)]` implements it: see [`macro@crate::Exception`].
///
/// ```
/// use ocaml_lwt_interop::{Error, Exception, OCamlException, OCamlFunc, ocaml_runtime};
///
/// /// There is no room for so many bytes.
/// #[derive(Exception)]
/// pub struct Full(usize);
///
/// fn raised<E: OCamlException>(error: &Error) -> Option<E> {
///     error.exception()?.get(&ocaml_runtime())
/// }
///
/// /// How many bytes were too many, if `f` raises `Full`.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn too_many(f: OCamlFunc<(), ()>) -> Option<usize> {
///     let error = f.call(&ocaml_runtime(), ()).err()?;
///     raised(&error).map(|Full(bytes)| bytes)
/// }
/// ```
///
/// # Safety
/// The declaration of `KEY` has these arguments.
pub unsafe trait OCamlException: Sized {
    /// What OCaml registers it under.
    #[doc(hidden)]
    const KEY: &'static str;
    /// What the exception holds.
    #[doc(hidden)]
    type Arguments: IntoArguments + Send + 'static;
    #[doc(hidden)]
    fn into_arguments(self) -> Self::Arguments;
    /// # Safety
    /// The value of the frame is this exception; as for `FromOCaml::read`.
    #[doc(hidden)]
    unsafe fn read(frame: &Frame<'_>) -> Self;
}

impl Exception {
    /// The exception that Rust declares as `E`, if it is that one.
    ///
    /// # Panics
    /// Where OCaml may not be touched; when it cannot be converted: a string that is not UTF-8 as a `String`, a number that is
    /// too large.
    pub fn get<E: OCamlException>(&self, runtime: &ocaml::Runtime) -> Option<E> {
        let exception = self.value(runtime);
        caml::lock::demand("an OCaml exception was read", |access| {
            let constructor = constructor(access, E::KEY)?;
            if !caml::is_exception_of(access, &exception, constructor) {
                return None;
            }
            let frame = Frame::outermost(access, exception.raw());
            // SAFETY: the declaration of that constructor has the types of `E`; the value is live as long as `exception`
            Some(unsafe { E::read(&frame) })
        })
    }
}

/// Makes it now, where OCaml can be called, or puts that off.
fn made_when_at_home<A: IntoArguments + Send + 'static>(
    name: &str,
    arguments: A,
    make: fn(&Scope, &str, A) -> Error,
) -> Error {
    let home = AtHome::here().map(AtHome::home);
    let mut arguments = Some(arguments);
    let made = home.and_then(|home| {
        Scope::with_current(home, |scope| {
            arguments
                .take()
                .map(|arguments| make(scope, name, arguments))
        })
    });
    match (made.flatten(), arguments) {
        (Some(made), _) => made,
        (None, None) => unreachable!("arguments that were taken have made an error"),
        (None, Some(arguments)) => {
            let of_closure = name.to_owned();
            let make = move |scope: &Scope| make(scope, &of_closure, arguments);
            Error::of_registered(Registered::new(name, make))
        }
    }
}

/// The constructor that the declarations have registered.
fn constructor(access: Access<'_>, key: &str) -> Option<NamedValue> {
    let key = CString::new(format!("ocaml_lwt_interop.declared.{key}")).ok()?;
    caml::named_value(access, &key)
}

/// As [`make`], for an exception that Rust declares.
fn make_declared<A: IntoArguments>(scope: &Scope, key: &str, arguments: A) -> Error {
    let access = scope.access();
    let Some(constructor) = constructor(access, key) else {
        return Error::misuse(format!(
            "the exception {key} is declared in Rust, and no declaration of it is linked: use the module that rust-async makes"
        ));
    };
    let values = match catch(AssertUnwindSafe(|| arguments.into_array(access.runtime()))) {
        Ok(values) => values,
        Err(panic) => return Error::from_panic(panic),
    };
    let values = &values.as_ref()[..A::COUNT];
    if values.is_empty() {
        return Error::captured(scope, &constructor.value(access));
    }
    let exception = with_arguments(access, &constructor.value(access), values);
    Error::captured(scope, &exception)
}

/// Runs the conversions of the arguments, and OCaml code (printers); may collect.
fn make<A: IntoArguments>(scope: &Scope, name: &str, arguments: A) -> Error {
    let Some(sample) = sample(scope.access(), &format!("exception.{name}")) else {
        return Error::misuse(format!(
            "the exception {name:?} was asked for, but OCaml has not registered one of that name with its arguments: call \
             Rust_async.register_exception {name:?} (…) in a module that is linked"
        ));
    };
    let runtime = scope.access().runtime();
    let values = match catch(AssertUnwindSafe(|| arguments.into_array(runtime))) {
        Ok(values) => values,
        Err(panic) => return Error::from_panic(panic),
    };
    let values = &values.as_ref()[..A::COUNT];
    if let Err(why) = compare(scope.access(), sample, values) {
        return Error::misuse(format!("the exception {name:?} was asked for with {why}"));
    }
    let exception = of_sample(scope.access(), sample, values);
    Error::captured(scope, &exception)
}

/// What `Rust_async.register_exception` has kept, an exception.
fn sample(access: Access<'_>, key: &str) -> Option<NamedValue> {
    let key = CString::new(format!("ocaml_lwt_interop.{key}")).ok()?;
    let sample = caml::named_value(access, &key)?;
    caml::as_exception(access, &sample.value(access)).map(|_| sample)
}

/// The sample of an exception, found by its constructor.
pub(crate) fn sample_of_constructor(
    scope: &Scope,
    constructor: &ocaml::Value,
) -> Option<NamedValue> {
    let number = caml::constructor_number(scope.access(), constructor)?;
    sample(scope.access(), &format!("constructor.{number}"))
}

/// Whether OCaml's exception has such arguments. An error says what is not like it.
pub(crate) fn compare(
    access: Access<'_>,
    sample: NamedValue,
    values: &[ocaml::Value],
) -> Result<(), String> {
    let counted = |n| match n {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        n => format!("{n} arguments"),
    };
    let sample = sample.value(access);
    let wanted = caml::exception_arguments(access, &sample);
    if wanted != values.len() {
        return Err(format!(
            "{}, but OCaml's has {}",
            counted(values.len()),
            if wanted == 0 {
                "none".to_owned()
            } else {
                wanted.to_string()
            },
        ));
    }
    for (i, value) in values.iter().enumerate() {
        let of_sample = caml::exception_argument(access, &sample, i);
        let value = Live::of(access, value);
        if !of_sample.is_some_and(|of_sample| caml::is_like(value, of_sample)) {
            return Err(format!(
                "a value for argument {} that is not like OCaml's: it is a number or a string where that has something \
                 else, or the other way round; pass a Rust type that converts to the type of that argument",
                i + 1
            ));
        }
    }
    Ok(())
}

/// The exception with these arguments. May collect.
pub(crate) fn of_sample(
    access: Access<'_>,
    sample: NamedValue,
    values: &[ocaml::Value],
) -> ocaml::Value {
    if values.is_empty() {
        return sample.value(access);
    }
    let sample = sample.value(access);
    let constructor = caml::exception_constructor(access, &sample);
    let constructor = constructor.expect("a sample is an exception");
    with_arguments(access, &constructor, values)
}

/// The exception of that constructor with these arguments. May collect.
fn with_arguments(
    access: Access<'_>,
    constructor: &ocaml::Value,
    values: &[ocaml::Value],
) -> ocaml::Value {
    let mut block = Block::alloc(access, values.len() + 1, 0);
    block.push(access, constructor);
    for value in values {
        block.push(access, value);
    }
    block.end()
}
