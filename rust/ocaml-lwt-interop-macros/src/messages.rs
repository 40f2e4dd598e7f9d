//! Everything that `#[func]` and the derives refuse, in one table: what was written, why it cannot work, what to do instead.
//!
//! `{}` stands for a word of the user's. Each row has a test of its own, `tests/ui/<row in small letters>.rs`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::fmt::Display;

macro_rules! table {
    ($($name:ident: $what:literal, $why:literal, $instead:literal;)*) => {
        $(pub(crate) const $name: Message = Message { what: $what, why: $why, instead: $instead };)*

        #[cfg(test)]
        const ALL: &[(&str, Message)] = &[$((stringify!($name), $name)),*];
    };
}

table! {
    // The options.
    OPTIONS_SYNTAX: "this is not an option of `#[func]`",
        "options have the form `option = \"value\"`, or are one word, with commas between them",
        "write `#[func(name = \"symbol\")]` or `#[func(tokio)]`";
    UNKNOWN_OPTION: "`#[func]` has no option `{}`",
        "the options are `name`, `cancel`, `tokio`, `blocking`, `sync` and `window`",
        "write `name = \"symbol\"`, `cancel = \"detach\"`, `tokio`, `blocking`, `sync` or `window = 16`, or take it out";
    OPTION_VALUE: "the option `{}` of `#[func]` needs a string",
        "its value is read when the macro runs, where constants and variables have no value yet",
        "write `{} = \"…\"`";
    BARE_OPTION: "the option `{}` of `#[func]` is one word",
        "it says where the body runs, and there is nothing to choose about that",
        "write `{}` alone; how many threads Tokio has is set for all of the program, with `ocaml_lwt_interop::runtime::configure`";
    DUPLICATE_OPTION: "the option `{}` of `#[func]` is given twice",
        "one of the two would be ignored",
        "keep one";
    UNKNOWN_CANCEL: "`cancel = \"{}\"` is not a way to cancel",
        "`Lwt.cancel` either drops the future or lets it run on",
        "write `cancel = \"drop\"` (as without the option) or `cancel = \"detach\"`";
    TWO_PLACES: "two of `tokio`, `blocking` and `sync` on one `#[func]`",
        "a body runs in one place: on Tokio's workers, where it is a future, on its blocking pool, where it is a call, or inside OCaml's call",
        "keep one";
    BLOCKING_CANCEL: "`cancel` on a `#[func(blocking)]`",
        "a call that blocks cannot be stopped from outside: when its promise is cancelled, it runs to its end all the same",
        "take `cancel` away; what can be dropped is the future of a `#[func(tokio)]`";
    SYNC_CANCEL: "`cancel` on a `#[func(sync)]`",
        "it gives its value at once, so there is no promise that could be cancelled",
        "take `cancel` away";
    SYNC_STREAM: "`impl Stream` from a `#[func(sync)]`",
        "a plain `fn` gives the stream at once already, and what is polled later is no longer in the call",
        "take `sync` away";
    WINDOW_VALUE: "`window` of `#[func]` needs a number",
        "it says how many items of the stream are read ahead of OCaml: at least one, and not more than fit in 32 bits",
        "write `window = 16`; what is known only later is set with `RustStream::window`";
    WINDOW_WITHOUT_STREAM: "`window` on a `#[func]` that does not return `impl Stream`",
        "it says how many items of a stream are read ahead, and the macro sees no stream",
        "take it away, or return `impl Stream<Item = T>`; a `RustStream` has its own `.window(16)`";
    STREAM_ELSEWHERE: "`impl Stream` from a `#[func(tokio)]` or a `#[func(blocking)]`",
        "a stream is polled on the domain thread, where OCaml reads it, so the option would hold for its making only",
        "take the option away, and send the items from a task of `tokio::spawn` or `spawn_blocking` through a channel";
    STREAM_CANCEL: "`cancel` on a `#[func]` that returns a stream",
        "there is no promise that could be cancelled: the Rust stream is dropped when OCaml has let go of its own",
        "take `cancel` away; on an `async fn` it is about the promise of the stream";
    CRATE_PATH: "`crate = \"{}\"` is not the path of a crate",
        "what `#[func]` generates calls the crate `ocaml-lwt-interop` by this path",
        "write a path such as `crate = \"::ocaml_lwt_interop\"`";
    SYMBOL_NOT_C: "`{}` cannot be a symbol that OCaml calls",
        "OCaml's `external` links it as a C identifier: ASCII letters, digits and `_`, no digit at the beginning",
        "write `#[func(name = \"symbol\")]` with such a name";
    SYMBOL_TAKEN: "the symbol `{}` belongs to the C library or to OCaml",
        "a symbol is global: every part of the program that calls the other `{}` would call this function",
        "write `#[func(name = \"mylib_{}\")]`, and the same name in OCaml's `external`";

    // The item.
    NOT_A_FUNCTION: "`#[func]` is on something that is not a function with a body",
        "it makes one symbol that OCaml calls, and runs the body of one function",
        "put it on a `pub async fn` or a `pub fn`";
    UNSAFE_FUNCTION: "an `unsafe` function cannot be a `#[func]`",
        "OCaml calls it and cannot promise what `unsafe` asks of a caller",
        "take `unsafe` away, and keep it in a block inside the body with the reason why it holds";
    BLOCKING_ASYNC: "an `async` function cannot be a `#[func(blocking)]`",
        "its body is one call on a thread that may block, and nothing there polls a future",
        "take `async` away, or write `#[func(tokio)]`, whose body is a future on Tokio's workers";
    SYNC_ASYNC: "an `async` function cannot be a `#[func(sync)]`",
        "its value is there when the call returns, and nothing polls a future meanwhile",
        "take `async` away; or take `sync` away, and OCaml gets a promise";
    CONST_FUNCTION: "a `const` function cannot be a `#[func]`",
        "its body runs behind a promise, and promises are not made at compile time",
        "take `const` away";
    EXTERN_FUNCTION: "an `extern` function cannot be a `#[func]`",
        "the symbol that OCaml calls is a C function of its own, which `#[func]` makes; this one stays a Rust function",
        "take `extern` away";
    VARIADIC: "a function with `...` cannot be a `#[func]`",
        "OCaml's `external` has a fixed number of arguments",
        "take one argument that is a `Vec`, an OCaml array";
    EXPORTED_TWICE: "`{}` on a `#[func]` makes a second symbol",
        "`#[func]` makes the symbol itself, and this one would lead past the bridge or collide with it",
        "take the attribute away; `#[func(name = \"symbol\")]` sets the symbol";
    TYPE_PARAMETER: "`{}` makes the `#[func]` generic",
        "OCaml calls one symbol, and a generic function is a different function for each type or value",
        "write out the types, in one `#[func]` for each";
    LIFETIME_PARAMETER: "the lifetime `{}` on a `#[func]`",
        "the future outlives the call that makes it, so no lifetime that a caller chooses is long enough",
        "take owned values: `String` for `&str`, `Vec<T>` for `&[T]`";
    WHERE_CLAUSE: "a `where` clause on a `#[func]`",
        "it bounds what a caller chooses, and OCaml chooses no Rust types",
        "take the clause away";
    METHOD: "a method by itself cannot be a `#[func]`",
        "the attribute sees one function, and not the type that it is of",
        "put `#[func]` on the `impl` block, and `#[ocaml_lwt_interop::object]` on the type, which makes its values objects for OCaml";

    // An `impl` block.
    IMPL_OPTION: "an option of `#[func]` on an `impl` block",
        "it would be that of all its functions",
        "put `#[func(…)]` with the option on the function";
    IMPL_TRAIT: "`#[func]` is on the `impl` of a trait",
        "OCaml calls the functions of a type by their names, and those of a trait may have other types of the same name",
        "put it on an `impl` of the type, with functions that call those of the trait";
    IMPL_GENERIC: "`#[func]` is on the `impl` of a type with parameters",
        "OCaml calls one symbol, and a generic function is a different function for each type or value",
        "put it on the `impl` of a struct without parameters, which may have one with parameters in it";
    MUT_SELF: "`&mut self` in a `#[func]`",
        "OCaml may call several functions of an object at a time, and each of them borrows it",
        "take `&self`, and put what changes into a `Mutex`, an atomic, or a `RefCell` for a type that stays at home";
    SELF_BY_VALUE: "`self` that is not `&self` in a `#[func]`",
        "OCaml still has the object when the call is over, and other calls may run with it",
        "take `&self`; for the object itself take an argument `this: ocaml_lwt_interop::Object<Self>`";
    STREAM_BORROWS: "a stream that may borrow from an object",
        "it lives longer than the call that makes it, and the object may go before it",
        "write `-> impl Stream<Item = T> + use<>`, and clone before what the stream needs; or keep the object in it, as an `Object<T>`";
    STREAM_IN_METHOD: "`impl Stream` from an `async fn` that borrows an object",
        "what such a function returns may borrow from all of its arguments, and the stream lives longer",
        "return an `ocaml_lwt_interop::RustStream<T>`, which `RustStream::new(stream)` makes; a plain `fn` may return `impl Stream + use<>`";

    // Objects.
    NOT_A_TYPE: "`#[object]` is on something that is not a struct or an enum",
        "it makes the values of one type objects for OCaml",
        "put it on a `struct` or an `enum`";
    OBJECT_GENERIC: "`#[object]` is on a type with parameters",
        "in OCaml it is one type, and a generic type is a different one for each parameter",
        "put it on a struct without parameters, which may have one with parameters in it";
    NOT_A_TRAIT: "`#[interface]` is on something that is not a trait",
        "it says which functions Rust wants of OCaml, and a trait is that without their bodies",
        "write `pub trait Name { async fn f(&self, …) -> Result<…>; }`";
    INTERFACE_OPTION: "this is not an option of `#[interface]`",
        "the only option is `name = \"…\"`, its name in OCaml",
        "write that, or take it out";
    INTERFACE_EMPTY: "an interface without functions",
        "OCaml implements it with a record of its functions, and there is no record without fields",
        "give it a function";
    INTERFACE_ITEM: "this is not a function",
        "OCaml implements an interface with a record of functions",
        "write a function of no arguments for a constant: `fn version(&self) -> String;`";
    INTERFACE_GENERIC: "an interface, or a function of it, with parameters",
        "OCaml implements it once, and a generic one is another for each parameter",
        "write the types out; `OCamlValue` is one of any type";
    INTERFACE_BODY: "a function of an interface has a body",
        "OCaml gives the bodies",
        "take the body away; a function of Rust's stands in an `impl dyn Name { … }`";
    INTERFACE_SELF: "a function of an interface is without `&self`",
        "it is called of an implementation, which several tasks share",
        "write `&self` first";
    INTERFACE_REFERENCE: "an argument of an interface's function is a reference",
        "it goes to OCaml's thread, and the caller need not wait for it",
        "take it by value: `String` for `&str`, `Vec<T>` for `&[T]`, `Object<T>` for an object";
    OBJECT_OPTION: "this is not an option of `#[object]`",
        "the options are `drop = \"home\"`, `size = function` and `name = \"…\"`",
        "write one of them, or take it out";

    // The arguments and the result.
    PATTERN: "an argument of a `#[func]` is not a plain name",
        "errors name the argument, and a pattern has no name",
        "write a name, and take the value apart in the body: `let (a, b) = pair;`";
    WILDCARD: "an argument of a `#[func]` is called `_`",
        "errors name the argument, and `_` is no name",
        "write `_name`";
    ARGUMENT_CFG: "`{}` on an argument of a `#[func]`",
        "OCaml's `external` has one type, and this function would have several",
        "write two functions, each with its own `#[cfg]`";
    STR: "an argument of a `#[func]` holds a `&str`",
        "it points into the OCaml heap, where the GC moves and frees the text while the function awaits",
        "take `String`";
    BYTES: "an argument of a `#[func]` holds a `&[u8]`",
        "it points into the OCaml heap, where the GC moves and frees the bytes while the function awaits",
        "take `ocaml_lwt_interop::ByteBuf`, a copy (`Vec<u8>` is OCaml's `int array`)";
    REFERENCE: "an argument of a `#[func]` holds something borrowed",
        "the future outlives the call that makes it, and what OCaml passed may have moved by then",
        "take an owned value: `T` for `&T`, `Vec<T>` for `&[T]`; only an object is `&T`, of a type with `#[ocaml_lwt_interop::object]`";
    RAW: "`Raw` in the signature of a `#[func]`",
        "it is a bare address, and the GC moves and frees what stands there while the function awaits",
        "use `ocaml::Value` or `ocaml_lwt_interop::OCamlValue`, which are roots; if `Raw` is a type of your own, write its path: `self::Raw`";
    IMPL_ARGUMENT: "`impl` in an argument of a `#[func]`",
        "it makes the function generic, and OCaml calls one symbol, for one type",
        "write the type";
    IMPL_RETURN: "`impl` in the return type of a `#[func]`",
        "the result becomes an OCaml value, and for that its type has to be known; an async function is a future already",
        "write the type that the body ends with: `-> T`, not `-> impl Future<Output = T>`; only `impl Stream` may stand here";
    OCAML_ERROR_INSIDE: "`Result<_, ocaml::Error>` inside another type, in the return type of a `#[func]`",
        "ocaml-rs raises such an error, in the middle of the conversion of what is around it: destructors would be skipped",
        "return `Result<T, ocaml::Error>` itself, or take an error type of your own, which OCaml sees as a `result`";

    ARGUMENT_ATTRIBUTE: "this is not an option of `#[ocaml(…)]` on an argument",
        "an argument is passed by its place, or with a label",
        "write `#[ocaml(label)]` for `~name`, `#[ocaml(optional)]` for `?name`, either with `= \"…\"` for another name, or take it out";
    OPTIONAL_LAST: "no argument without a label stands behind an optional one",
        "OCaml knows that an optional argument is left out when it sees one that stands behind it, without a label",
        "put such an argument behind it, or one of no use, as `unit: ()`";

    // The derives.
    DERIVE_RUST_ONLY: "`#[ocaml(rust_only)]` on a variant of a type that goes to OCaml",
        "OCaml's type does not have it, so there is no value that it could become",
        "take `ToOCaml` away, or the attribute";
    DERIVE_UNION: "a `union` has no OCaml form",
        "OCaml tells constructors apart by their tags, and a union has none",
        "write an `enum`";
    DERIVE_EMPTY: "a type without fields or variants has no OCaml form",
        "OCaml has no record without fields, and a variant without constructors has no values",
        "take `()`, or give it a field or a variant";
    DERIVE_TAGS: "more than 244 variants with fields",
        "OCaml has no more tags for them",
        "put some of them into a type of their own";
    DERIVE_UNBOXED: "`#[ocaml(unboxed)]` on a type that is not one field",
        "OCaml's `[@@unboxed]` makes a type be what its only field is",
        "take the attribute away, or all fields but one";
    DERIVE_REFERENCE: "a field of a type that is made from an OCaml value holds something borrowed",
        "it would point into the OCaml heap, where the GC moves and frees what stands there",
        "take an owned value: `String` for `&str`, `ByteBuf` for `&[u8]`; with `ToOCaml` alone a type may borrow";
    DERIVE_RAW: "`Raw` in a type that crosses to or from OCaml",
        "it is a bare address, and the GC moves and frees what stands there",
        "use `ocaml_lwt_interop::OCamlValue`, which is a root; if `Raw` is a type of your own, write its path: `self::Raw`";
    DERIVE_OCAML_ERROR: "`Result<_, ocaml::Error>` in a type that crosses to or from OCaml",
        "ocaml-rs raises such an error, in the middle of the conversion of what is around it: destructors would be skipped",
        "take an error type of your own, which OCaml sees as a `result`";
    DERIVE_ATTRIBUTE: "this is not an option of `#[ocaml(…)]`",
        "the options of a type are `unboxed`, `polymorphic` and `name`, that of a field with a name and of a constructor is `name`",
        "write `#[ocaml(name = \"…\")]` for the name in OCaml, or take it out";
    DERIVE_EXCEPTION: "`#[derive(Exception)]` on what is no exception of OCaml's",
        "an exception is one constructor, of types that are known",
        "put it on a `struct` without parameters";
    DERIVE_POLYMORPHIC: "`#[ocaml(polymorphic)]` on what is no polymorphic variant",
        "OCaml's polymorphic variants are tags, with values without names or alone",
        "put it on an `enum` whose variants have no named fields, or take it away";
}

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    what: &'static str,
    why: &'static str,
    instead: &'static str,
}

impl Message {
    /// The error, shown at `place`.
    pub(crate) fn at(&self, place: impl ToTokens) -> syn::Error {
        self.about("", place)
    }

    /// The error, shown at `place`, with the user's word in the place of each `{}`.
    pub(crate) fn about(&self, word: impl Display, place: impl ToTokens) -> syn::Error {
        syn::Error::new_spanned(place, self.text(word))
    }

    /// The error, shown where no token of the function stands.
    pub(crate) fn at_span(&self, place: Span) -> syn::Error {
        syn::Error::new(place, self.text(""))
    }

    fn text(&self, word: impl Display) -> String {
        let Message { what, why, instead } = self;
        format!("{what}\nwhy:     {why}\ninstead: {instead}").replace("{}", &word.to_string())
    }
}

/// The errors found so far: all of them are shown, not only the first.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            None => self.0 = Some(error),
            Some(errors) => errors.combine(error),
        }
    }

    /// What makes the compiler show the errors, if there are any.
    pub(crate) fn report(self) -> Option<TokenStream> {
        self.0.map(|errors| errors.to_compile_error())
    }
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_message_has_a_test_that_shows_it() {
        for (name, message) in ALL {
            let path = format!(
                "{}/tests/ui/{}.stderr",
                env!("CARGO_MANIFEST_DIR"),
                name.to_lowercase()
            );
            let shown =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            for line in [message.what, message.why, message.instead] {
                for part in line.split("{}") {
                    assert!(shown.contains(part), "{path} does not say: {part}");
                }
            }
        }
    }

    #[test]
    fn every_message_is_said_once() {
        for (index, (name, message)) in ALL.iter().enumerate() {
            for (other, again) in &ALL[index + 1..] {
                assert!(
                    message.what != again.what,
                    "{name} and {other} cannot be told apart"
                );
            }
        }
    }
}
