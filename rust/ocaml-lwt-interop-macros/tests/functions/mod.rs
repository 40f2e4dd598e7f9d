use crate::mock::__private::{Error, FromValue, OCamlError, Value};
use crate::mock::Stream;
use ocaml_lwt_interop_macros::func;
use std::future::{pending, ready};

/// No argument.
#[func(crate = "crate::mock")]
pub(crate) async fn zero() -> i64 {
    40 + ready(1).await
}

/// One.
#[func(crate = "crate::mock")]
pub(crate) async fn one(name: String) -> String {
    format!("hello {}", ready(name).await)
}

/// The most that need no twin.
#[func(crate = "crate::mock")]
pub(crate) fn five(a: i64, b: i64, c: i64, d: i64, e: i64) -> i64 {
    a + b * 10 + c * 100 + d * 1000 + e * 10_000
}

/// The fewest that need one.
#[func(crate = "crate::mock", name = "six_of_them")]
pub(crate) async fn six(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> i64 {
    five(a, b, c, d, e).await + f * 100_000
}

/// Many, of two types.
#[func(crate = "crate::mock")]
#[allow(clippy::too_many_arguments)]
pub(crate) fn twelve(
    a: String,
    b: i64,
    c: String,
    d: i64,
    e: String,
    f: i64,
    g: String,
    h: i64,
    i: String,
    j: i64,
    k: String,
    l: i64,
) -> String {
    format!("{a}{b}{c}{d}{e}{f}{g}{h}{i}{j}{k}{l}")
}

/// `async` is added, so the body may await.
#[func(crate = "crate::mock")]
pub(crate) fn counts_down(mut from: i64) {
    while from > 0 {
        from -= ready(1).await;
    }
}

/// A stream of values.
#[func(crate = "crate::mock")]
pub(crate) fn lines(name: String, n: i64) -> impl Stream<Item = String> {
    (0..n).map(|i| format!("{name} {i}")).collect::<Vec<_>>()
}

/// A stream that fails.
#[func(crate = "crate::mock", window = 4u8)]
pub(crate) fn fails_behind(n: i64) -> impl crate::mock::Stream<Item = Result<i64, Error>> + Unpin {
    let mut items: Vec<_> = (0..n).map(Ok).collect();
    items.push(Err(Error("the end".to_owned())));
    items
}

/// A stream whose items are results of OCaml's.
#[func(crate = "crate::mock")]
pub(crate) fn results() -> impl Stream<Item = Result<i64, String>> {
    vec![Ok(1), Err("two".to_owned())]
}

/// A promise of a stream.
#[func(crate = "crate::mock", window = 7)]
pub(crate) fn lines_or_not(n: i64) -> Result<impl Stream<Item = i64>, Error> {
    let n = usize::try_from(ready(n).await)?;
    Ok(vec![7; n])
}

/// Its promise stays pending.
#[func(crate = "crate::mock", cancel = "detach", name = "waits_for_ever")]
pub(crate) async fn waits() -> ! {
    pending::<()>().await;
    loop {
        pending::<()>().await;
    }
}

/// On Tokio's workers.
#[func(crate = "crate::mock", tokio, cancel = "detach")]
pub(crate) async fn on_workers(text: String, times: i64) -> Result<String, Error> {
    Ok(ready(text).await.repeat(usize::try_from(times)?))
}

/// The same, from a plain `fn`, without arguments.
#[func(crate = "crate::mock", tokio)]
pub(crate) fn on_workers_for_ever() -> ! {
    pending::<()>().await;
    loop {
        pending::<()>().await;
    }
}

/// On the blocking pool. The function stays one that is not async.
#[func(crate = "crate::mock", blocking)]
pub(crate) fn blocks(mut a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> Result<i64, Error> {
    a += nothing_that_blocks(b)?;
    Ok(a + c + d + e + f)
}

/// The same, with the other kind of error, and nothing to convert.
#[func(crate = "crate::mock", blocking)]
pub(crate) fn blocks_in_ocaml() -> Result<(), OCamlError> {
    Err(OCamlError("Not_found"))
}

/// Neither argument nor result.
#[func(crate = "crate::mock", blocking)]
pub(crate) fn blocks_for_nothing() {}

/// Does not end.
#[func(crate = "crate::mock", blocking)]
pub(crate) fn blocks_for_ever(text: String) -> ! {
    panic!("{text}")
}

/// Without a promise.
#[func(crate = "crate::mock", sync)]
pub(crate) fn at_once(a: i64) -> Result<i64, Error> {
    nothing_that_blocks(a)
}

fn nothing_that_blocks(n: i64) -> Result<i64, Error> {
    let n: i8 = n.try_into()?;
    Ok(n.into())
}

/// `?` makes an `Error` of any error.
#[func(crate = "crate::mock", cancel = "drop")]
pub(crate) fn parses(text: String) -> Result<i64, Error> {
    Ok(text.parse()?)
}

/// As ocaml-rs raises it.
#[func(crate = "crate::mock")]
pub(crate) fn fails_in_ocaml() -> Result<(), OCamlError> {
    Err(OCamlError("Not_found"))
}

/// Any other `Result` is a value.
#[func(crate = "crate::mock")]
pub(crate) fn gives_result(good: i64) -> Result<i64, &'static str> {
    if good > 0 { Ok(good) } else { Err("not good") }
}

/// The user's names are those of the expansion.
#[func(crate = "crate::mock")]
pub(crate) async fn arguments(
    a0: i64,
    arguments: i64,
    output: i64,
    b0: i64,
    stub: i64,
    r#type: i64,
) -> i64 {
    ready(a0 + arguments + output + b0 + stub + r#type).await
}

/// A function that is called as the generated one might be, and is allowed to mention a deprecated type.
#[func(crate = "crate::mock", name = "called_stub")]
#[allow(deprecated)]
pub(crate) fn stub(value: Old) -> i64 {
    value.0
}

/// The word is a keyword in Rust, and none in C.
#[func(crate = "crate::mock")]
pub(crate) fn r#match() -> &'static str {
    "match"
}

/// Attributes of other macros and of the compiler stay.
#[deprecated = "as an example"]
#[func(crate = "crate::mock")]
#[must_use]
#[expect(unused_variables)]
pub(crate) fn attributes(#[allow(unused_variables)] first: i64, second: i64) -> i64 {
    let superfluous = ();
    second
}

/// Not there, and neither is its symbol: the types do not exist.
#[func(crate = "crate::mock")]
#[cfg(any())]
pub(crate) async fn left_out(missing: Missing) -> Missing {
    missing
}

/// As above, by `cfg_attr`, beside an attribute that is good for functions only.
#[func(crate = "crate::mock")]
#[cfg_attr(all(), inline, cfg(any()))]
pub(crate) async fn left_out_too(missing: Missing) -> Missing {
    missing
}

/// One of two: the symbol is the same.
#[func(crate = "crate::mock")]
#[cfg_attr(all(), inline, cfg(all()))]
pub(crate) fn left_out_too() -> i64 {
    1
}

/// Inside a function, and from a macro of the user's.
pub(crate) fn elsewhere() {
    macro_rules! constant {
        ($name:ident, $argument:ident: $type:ty, $value:expr) => {
            #[func(crate = "crate::mock")]
            fn $name($argument: $type) -> $type {
                $argument + $value
            }
        };
    }
    constant!(adds_three, to: i64, 3);
    constant!(adds_four, to: i64, 4);
}

/// A type whose use the compiler warns of.
#[deprecated = "as an example"]
pub(crate) struct Old(i64);

#[allow(deprecated)]
impl FromValue for Old {
    fn from_value(value: &Value) -> Old {
        Old(i64::from_value(value))
    }
}
