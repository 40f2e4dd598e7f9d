//! Calls the symbols as OCaml would: by name, and blind. The name of this crate, `expansion`, stands before them.

use crate::mock::__private::{
    Call, Cancel, Ending, Error, OCamlError, Raw, Refused, Runs, Value, call,
};
use std::ffi::c_int;

unsafe extern "C" {
    #[link_name = "expansion__zero"]
    fn zero(unit: Raw) -> Raw;
    #[link_name = "expansion__at_once"]
    fn at_once(n: Raw) -> Raw;
    #[link_name = "expansion__one"]
    fn one(name: Raw) -> Raw;
    #[link_name = "expansion__five"]
    fn five(a: Raw, b: Raw, c: Raw, d: Raw, e: Raw) -> Raw;
    fn six_of_them(a: Raw, b: Raw, c: Raw, d: Raw, e: Raw, f: Raw) -> Raw;
    fn six_of_them_bytecode(argv: *const Raw, argc: c_int) -> Raw;
    #[link_name = "expansion__twelve_bytecode"]
    fn twelve_bytecode(argv: *const Raw, argc: c_int) -> Raw;
    #[link_name = "expansion__counts_down"]
    fn counts_down(from: Raw) -> Raw;
    fn waits_for_ever(unit: Raw) -> Raw;
    #[link_name = "expansion__lines"]
    fn lines(name: Raw, n: Raw) -> Raw;
    #[link_name = "expansion__fails_behind"]
    fn fails_behind(n: Raw) -> Raw;
    #[link_name = "expansion__results"]
    fn results(unit: Raw) -> Raw;
    #[link_name = "expansion__lines_or_not"]
    fn lines_or_not(n: Raw) -> Raw;
    #[link_name = "expansion__on_workers"]
    fn on_workers(text: Raw, times: Raw) -> Raw;
    #[link_name = "expansion__on_workers_for_ever"]
    fn on_workers_for_ever(unit: Raw) -> Raw;
    #[link_name = "expansion__blocks"]
    fn blocks(a: Raw, b: Raw, c: Raw, d: Raw, e: Raw, f: Raw) -> Raw;
    #[link_name = "expansion__blocks_bytecode"]
    fn blocks_bytecode(argv: *const Raw, argc: c_int) -> Raw;
    #[link_name = "expansion__blocks_in_ocaml"]
    fn blocks_in_ocaml(unit: Raw) -> Raw;
    #[link_name = "expansion__blocks_for_nothing"]
    fn blocks_for_nothing(unit: Raw) -> Raw;
    #[link_name = "expansion__blocks_for_ever"]
    fn blocks_for_ever(text: Raw) -> Raw;
    #[link_name = "expansion__parses"]
    fn parses(text: Raw) -> Raw;
    #[link_name = "expansion__fails_in_ocaml"]
    fn fails_in_ocaml(unit: Raw) -> Raw;
    #[link_name = "expansion__gives_result"]
    fn gives_result(good: Raw) -> Raw;
    #[link_name = "expansion__arguments"]
    fn arguments(a: Raw, b: Raw, c: Raw, d: Raw, e: Raw, f: Raw) -> Raw;
    fn called_stub(value: Raw) -> Raw;
    #[link_name = "expansion__match"]
    fn r#match(unit: Raw) -> Raw;
    #[link_name = "expansion__attributes"]
    fn attributes(first: Raw, second: Raw) -> Raw;
    #[link_name = "expansion__left_out_too"]
    fn left_out_too(unit: Raw) -> Raw;
    #[link_name = "expansion__adds_three"]
    fn adds_three(to: Raw) -> Raw;
    #[link_name = "expansion__adds_four"]
    fn adds_four(to: Raw) -> Raw;
    #[allow(clippy::too_many_arguments)]
    #[link_name = "expansion__twelve"]
    fn twelve(
        a: Raw,
        b: Raw,
        c: Raw,
        d: Raw,
        e: Raw,
        f: Raw,
        g: Raw,
        h: Raw,
        i: Raw,
        j: Raw,
        k: Raw,
        l: Raw,
    ) -> Raw;
}

fn int(int: i64) -> Raw {
    Raw::new(Value::Int(int))
}

fn text(text: &'static str) -> Raw {
    Raw::new(Value::Text(text))
}

/// The call of a stub, in the words of the mock.
macro_rules! call {
    ($function:ident($($argument:expr),*)) => {
        // SAFETY: the symbol is declared above as `functions` defines it, and the mock asks for nothing more.
        call(unsafe { $function($($argument),*) })
    };
}

fn value(call: &Call) -> &str {
    match &call.ending {
        Ending::Value(shown) => shown,
        ending => panic!("{ending:?}"),
    }
}

#[test]
fn function_without_arguments_takes_unit() {
    let call = call!(zero(int(0)));
    assert_eq!(value(&call), "41");
    assert_eq!(call.signature.function, "zero");
    assert!(call.signature.arguments.is_empty());
    assert_eq!(call.signature.cancel, Cancel::Drop);
}

#[test]
fn argument_is_converted() {
    let call = call!(one(text("OCaml")));
    assert_eq!(value(&call), "hello OCaml");
    assert_eq!(call.signature.arguments, ["name"]);
}

#[test]
fn argument_that_does_not_convert_ends_the_call() {
    assert_eq!(call!(one(int(1))).ending, Ending::Raised(Refused(0)));
}

#[test]
fn arguments_keep_their_order() {
    assert_eq!(
        value(&call!(five(int(1), int(2), int(3), int(4), int(5)))),
        "54321"
    );
    let [a, c, e, g, i, k] = ["a", "c", "e", "g", "i", "k"].map(text);
    let [b, d, f, h, j, l] = [1, 2, 3, 4, 5, 6].map(int);
    assert_eq!(
        value(&call!(twelve(a, b, c, d, e, f, g, h, i, j, k, l))),
        "a1c2e3g4i5k6"
    );
}

#[test]
fn bytecode_twin_is_the_same_function() {
    let six = [1, 2, 3, 4, 5, 6].map(int);
    let [a, b, c, d, e, f] = six;
    let native = call!(six_of_them(a, b, c, d, e, f));
    assert_eq!(value(&native), "654321");
    assert_eq!(call!(six_of_them_bytecode(six.as_ptr(), 6)), native);

    let [a, b, c, d, e, f] = ["a", "c", "e", "g", "i", "k"].map(text);
    let twelve = [
        a,
        int(1),
        b,
        int(2),
        c,
        int(3),
        d,
        int(4),
        e,
        int(5),
        f,
        int(6),
    ];
    assert_eq!(
        value(&call!(twelve_bytecode(twelve.as_ptr(), 12))),
        "a1c2e3g4i5k6"
    );
}

#[test]
fn name_is_the_symbol_and_what_errors_say() {
    let six = [1, 2, 3, 4, 5, 6].map(int);
    assert_eq!(
        call!(six_of_them_bytecode(six.as_ptr(), 6))
            .signature
            .function,
        "six_of_them"
    );
}

#[test]
fn plain_fn_is_async_and_its_argument_may_be_mut() {
    let call = call!(counts_down(int(3)));
    assert_eq!(value(&call), "()");
    assert_eq!(call.signature.arguments, ["from"]);
}

#[test]
fn cancel_option_reaches_the_bridge() {
    let call = call!(waits_for_ever(int(0)));
    assert_eq!(call.signature.cancel, Cancel::Detach);
    assert_eq!(call.ending, Ending::Pending);
}

#[test]
fn stream_is_given_at_once_and_an_error_in_it_is_no_item() {
    let call = call!(lines(text("line"), int(2)));
    assert_eq!(value(&call), r#"["line 0", "line 1"] None"#);
    assert_eq!(call.runs, Runs::AtOnce);
    let call = call!(fails_behind(int(2)));
    assert_eq!(value(&call), r#"["0", "1", "! the end"] Some(4)"#);
    assert_eq!(
        value(&call!(results(int(0)))),
        r#"["Ok 1", "Error two"] None"#
    );
    assert_eq!(
        call!(lines(int(0), int(0))).ending,
        Ending::Raised(Refused(0))
    );
}

#[test]
fn stream_in_a_promise_is_an_ending_like_any_other() {
    let call = call!(lines_or_not(int(2)));
    assert_eq!(value(&call), r#"["7", "7"] Some(7)"#);
    assert_eq!(call.runs, Runs::AtHome);
    let call = call!(lines_or_not(int(-1)));
    assert!(matches!(call.ending, Ending::Error(_)), "{call:?}");
}

#[test]
fn body_runs_where_the_option_says() {
    assert_eq!(call!(zero(int(0))).runs, Runs::AtHome);
    let call = call!(on_workers(text("ha"), int(3)));
    assert_eq!(value(&call), "hahaha");
    assert_eq!(call.runs, Runs::OnWorkers);
    assert_eq!(call.signature.cancel, Cancel::Detach);
    let call = call!(on_workers_for_ever(int(0)));
    assert_eq!(call.ending, Ending::Pending);
    assert_eq!(call.signature.cancel, Cancel::Drop);

    let six = [1, 2, 3, 4, 5, 6].map(int);
    let call = call!(blocks_bytecode(six.as_ptr(), 6));
    assert_eq!(value(&call), "21");
    assert_eq!(call.runs, Runs::OnBlockingPool);
    let [a, _, c, d, e, f] = six;
    let error = Error("out of range integral type conversion attempted".to_owned());
    assert_eq!(
        call!(blocks(a, int(1000), c, d, e, f)).ending,
        Ending::Error(error)
    );
    assert_eq!(
        call!(blocks_in_ocaml(int(0))).ending,
        Ending::OCamlError(OCamlError("Not_found"))
    );
    assert_eq!(value(&call!(blocks_for_nothing(int(0)))), "()");
    assert_eq!(
        call!(blocks_for_ever(int(0))).ending,
        Ending::Raised(Refused(0))
    );
}

#[test]
fn value_without_a_promise() {
    let call = call!(at_once(int(7)));
    assert_eq!(value(&call), "7");
    assert_eq!(call.runs, Runs::AtOnce);
    let error = Error("out of range integral type conversion attempted".to_owned());
    assert_eq!(call!(at_once(int(1000))).ending, Ending::Error(error));
}

#[test]
fn blocking_function_stays_one_for_rust() {
    assert_eq!(crate::functions::at_once(7), Ok(7));
    assert_eq!(crate::functions::blocks(1, 2, 3, 4, 5, 6), Ok(21));
}

#[test]
fn each_result_has_its_ending() {
    assert_eq!(value(&call!(parses(text("12")))), "12");
    let error = Error("invalid digit found in string".to_owned());
    assert_eq!(call!(parses(text("twelve"))).ending, Ending::Error(error));
    assert_eq!(
        call!(fails_in_ocaml(int(0))).ending,
        Ending::OCamlError(OCamlError("Not_found"))
    );
    assert_eq!(value(&call!(gives_result(int(1)))), "Ok 1");
    assert_eq!(value(&call!(gives_result(int(0)))), "Error not good");
}

#[test]
fn names_of_the_user_and_of_the_expansion_do_not_meet() {
    let call = call!(arguments(int(1), int(2), int(3), int(4), int(5), int(6)));
    assert_eq!(value(&call), "21");
    assert_eq!(
        call.signature.arguments,
        ["a0", "arguments", "output", "b0", "stub", "type"]
    );
    assert_eq!(value(&call!(called_stub(int(7)))), "7");
    assert_eq!(value(&call!(r#match(int(0)))), "match");
}

#[test]
fn attributes_stay_and_cfg_holds_for_the_symbol() {
    assert_eq!(value(&call!(attributes(int(1), int(2)))), "2");
    assert_eq!(value(&call!(left_out_too(int(0)))), "1");
}

#[test]
fn functions_in_functions_and_from_macros_work() {
    crate::functions::elsewhere();
    assert_eq!(value(&call!(adds_three(int(4)))), "7");
    assert_eq!(value(&call!(adds_four(int(4)))), "8");
}
