//! Values that are not what they are taken for.

use ocaml_lwt_interop::{Error, FromOCaml, OCamlFunc, Promise, ToOCaml, func, ocaml_runtime};

#[func]
pub async fn process_raise_value(value: ocaml::Value) -> Result<(), Error> {
    Err(Error::from_exception_value(value))
}

#[func]
pub async fn process_raise_by_ocaml_rs(value: ocaml::Value) -> Result<(), ocaml::Error> {
    Err(ocaml::CamlError::Exception(value).into())
}

/// As `caml_raise_with_arg`, with two values for which nobody has an argument's type.
#[func]
pub async fn process_raise_with_by_ocaml_rs(
    constructor: ocaml::Value,
    argument: ocaml::Value,
) -> Result<(), ocaml::Error> {
    Err(ocaml::CamlError::WithArg(constructor, argument).into())
}

/// What an OCaml function raises, or a promise is rejected with.
#[func]
pub async fn process_pass_exception(
    function: OCamlFunc<(), ()>,
    promise: Promise<()>,
) -> Result<(), Error> {
    function.call(&ocaml_runtime(), ())?;
    promise.await
}

#[func]
pub async fn process_raise_registered(name: String, arguments: isize) -> Result<(), Error> {
    Err(registered(&name, arguments))
}

fn registered(name: &str, arguments: isize) -> Error {
    let text = || "text".to_owned();
    match arguments {
        0 => Error::registered(name, ()),
        1 => Error::registered(name, (text(),)),
        2 => Error::registered(name, (1isize, text())),
        3 => Error::registered(name, ((1isize, text()),)),
        4 => Error::registered(name, ((),)),
        5 => Error::registered(name, (1.5,)),
        _ => Error::registered(name, (1i64,)),
    }
}

/// On a thread that runs no OCaml, and raised here.
#[func]
pub async fn process_raise_registered_elsewhere(
    name: String,
    arguments: isize,
) -> Result<(), Error> {
    let made = std::thread::spawn(move || registered(&name, arguments));
    Err(made.join().expect("it does not panic"))
}

#[func(tokio)]
pub async fn process_raise_registered_on_a_worker(
    name: String,
    arguments: isize,
) -> Result<(), Error> {
    Err(registered(&name, arguments))
}

/// The arguments of an exception that are strings: of the first three, and of the last that there could be.
#[func]
pub async fn process_text_arguments(promise: Promise<()>) -> Vec<Option<String>> {
    let error = promise.await.expect_err("it is rejected");
    let exception = error.exception().expect("with an exception");
    let text = |i| exception.argument::<String>(&ocaml_runtime(), i);
    [0, 1, 2, usize::MAX].map(text).into()
}

/// As deep as one likes.
#[derive(FromOCaml, ToOCaml, Default)]
pub enum Nested {
    #[default]
    End,
    Next(Box<Nested>),
}

impl Drop for Nested {
    /// Not one in the other, however deep.
    fn drop(&mut self) {
        let mut next = self.take_next();
        while let Some(mut it) = next {
            next = it.take_next();
        }
    }
}

impl Nested {
    fn take_next(&mut self) -> Option<Box<Nested>> {
        match &*std::mem::ManuallyDrop::new(std::mem::take(self)) {
            Nested::End => None,
            // SAFETY: what it is read from is not dropped
            Nested::Next(next) => Some(unsafe { std::ptr::read(next) }),
        }
    }
}

#[func]
pub async fn process_depth_of(value: Nested) -> isize {
    let (mut depth, mut at) = (0, &value);
    while let Nested::Next(next) = at {
        depth += 1;
        at = next;
    }
    depth
}

#[func]
pub async fn process_nested(depth: isize) -> Nested {
    nested(depth)
}

fn nested(depth: isize) -> Nested {
    (0..depth).fold(Nested::End, |inner, _| Nested::Next(Box::new(inner)))
}

/// As the argument of a function, and as its value.
#[func]
pub async fn process_nested_through(
    function: OCamlFunc<(Nested,), Nested>,
    depth: isize,
) -> Result<(), Error> {
    function.call(&ocaml_runtime(), (nested(depth),))?;
    Ok(())
}

/// As the argument of an exception.
#[func]
pub async fn process_nested_in_exception(promise: Promise<()>) -> bool {
    let error = promise.await.expect_err("it is rejected");
    let exception = error.exception().expect("with an exception");
    exception.argument::<Nested>(&ocaml_runtime(), 0).is_some()
}
