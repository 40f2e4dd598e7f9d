use super::{accepted, shared_attributes};
use crate::messages::Errors;
use crate::{check, parse};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

fn expanded(options: TokenStream, function: TokenStream) -> String {
    let mut errors = Errors::default();
    let options = parse::options(options, &mut errors);
    let function = parse::function(function, &mut errors).unwrap();
    let exported = check::function(&function, options, None, &mut errors);
    assert!(errors.report().is_none());
    accepted(function, &exported).to_string()
}

#[test]
fn function_stays_and_its_stub_stands_next_to_it() {
    let written = quote! {
        /// Says hello.
        pub fn greet(name: String, on_done: OCamlAsyncFunc<(String,), ()>) -> Result<String, Error> {
            on_done.call((name,)).await
        }
    };
    let generated = quote! {
        /// Says hello.
        #[allow(clippy::unused_async)]
        pub async fn greet(name: String, on_done: OCamlAsyncFunc<(String,), ()>) -> Result<String, Error> {
            on_done.call((name,)).await
        }

        const _: () = {
            /// What OCaml calls.
            #[unsafe(export_name = "greet")]
            unsafe extern "C" fn __greet_stub(
                a0: ::interop::__private::Raw,
                a1: ::interop::__private::Raw
            ) -> ::interop::__private::Raw {
                use ::interop::__private::{
                    ConvertArgument as _, ConvertString as _, NotRead as _
                };
                use ::interop::__private::{
                    EndingOfError as _, EndingOfErrorOrObject as _, EndingOfOCamlError as _,
                    EndingOfObject as _, EndingOfValue as _
                };
                static __SIGNATURE: ::interop::__private::Signature = ::interop::__private::Signature {
                    function: "greet",
                    arguments: &["name", "on_done"],
                    cancel: ::interop::__private::Cancel::Drop,
                    collects: false
                        || ::interop::__private::Argument::<String>::COLLECTS
                        || ::interop::__private::Argument::<OCamlAsyncFunc<(String,), ()> >::COLLECTS,
                };
                unsafe {
                    ::interop::__private::run([a0, a1], |called, passed| {
                        ::interop::__private::rust_to_lwt(
                            called,
                            passed,
                            &__SIGNATURE,
                            |arguments| {
                                let b0: String = (&&::interop::__private::Argument::<String>::NEW)
                                    .convert(arguments, 0)?;
                                let b1: OCamlAsyncFunc<(String,), ()> =
                                    (&&::interop::__private::Argument::<OCamlAsyncFunc<(String,), ()> >::NEW)
                                        .convert(arguments, 1)?;
                                ::core::result::Result::Ok(greet(b0, b1))
                            },
                            |output| (&&&&&::interop::__private::Output::of(&output)).ending(output)
                        )
                    })
                }
            }

            /// What OCaml gets.
            fn __result(types: &mut ::interop::__private::declare::Types) -> ::interop::__private::declare::Type {
                use ::interop::__private::{Known as _, Unknown as _};
                use ::interop::__private::{ReturnedError as _, ReturnedOCamlError as _, ReturnedValue as _};
                (&&(&&&::interop::__private::Returned::<Result<String, Error> >::NEW).plain()).ocaml_type(types)
            }

            /// What its declaration is made from.
            #[used]
            #[cfg_attr(
                not(target_vendor = "apple"),
                unsafe(link_section = "rust_async_decl")
            )]
            #[cfg_attr(
                target_vendor = "apple",
                unsafe(link_section = "__DATA,rust_async_decl")
            )]
            static __DECLARATION: &::interop::__private::Declaration = &::interop::__private::Declaration::Function(::interop::__private::Function {
                symbol: "greet",
                name: "greet",
                module: ::core::module_path!(),
                place: (::core::file!(), ::core::line!()),
                docs: &[r" Says hello."],
                arguments: &[
                    ::interop::__private::FunctionArgument {
                        name: "name",
                        label: ::interop::__private::Label::None,
                        ty: |types: &mut ::interop::__private::declare::Types| -> ::interop::__private::declare::Type {
                            use ::interop::__private::{Known as _, Unknown as _};
                            (&&::interop::__private::Described::<String, ::interop::__private::declare::Coming>::NEW).ocaml_type(types)
                        },
                    },
                    ::interop::__private::FunctionArgument {
                        name: "on_done",
                        label: ::interop::__private::Label::None,
                        ty: |types: &mut ::interop::__private::declare::Types| -> ::interop::__private::declare::Type {
                            use ::interop::__private::{Known as _, Unknown as _};
                            (&&::interop::__private::Described::<OCamlAsyncFunc<(String,), ()>, ::interop::__private::declare::Coming>::NEW).ocaml_type(types)
                        },
                    }
                ],
                result: __result,
                promise: true,
                twin: false,
            });

            ::interop::__private::link_runtime_into_tests!();
        };
    };
    assert_eq!(
        expanded(quote!(crate = "::interop"), written),
        generated.to_string()
    );
}

#[test]
fn body_that_leaves_home_takes_what_is_send_and_stays_as_it_was_if_it_blocks() {
    let written = quote!(
        pub fn reads(path: String) -> Result<String, Error> {}
    );
    let tokio = expanded(quote!(tokio), written.clone());
    let blocking = expanded(quote!(blocking), written.clone());
    for expanded in [&tokio, &blocking] {
        assert!(
            expanded.contains("argument_is_send :: < String > () ;"),
            "{expanded}"
        );
    }
    assert!(
        tokio.contains("rust_to_lwt_on_workers") && tokio.contains("Ok (reads (b0))"),
        "{tokio}"
    );
    assert!(tokio.contains("pub async fn reads"), "{tokio}");
    assert!(
        blocking.contains("rust_to_lwt_on_blocking_pool")
            && blocking.contains("Ok (move || -> Result < String , Error > { reads (b0) })"),
        "{blocking}"
    );
    assert!(
        blocking.contains(&written.to_string()),
        "it stays as it was: {blocking}"
    );
}

#[test]
fn stream_stands_by_itself_and_the_stream_of_an_async_function_in_a_promise() {
    let at_once = expanded(
        quote!(window = 4usize),
        quote!(
            pub fn lines(path: String) -> impl Stream<Item = String> {}
        ),
    );
    assert!(
        at_once.contains("pub fn lines") && !at_once.contains("Output"),
        "it stays as it was: {at_once}"
    );
    assert!(
        at_once.contains("rust_to_lwt_stream (called , passed , & __SIGNATURE , | arguments |")
    );
    let wrapped = "wrap (stream , :: core :: option :: Option :: Some (4))";
    assert!(at_once.contains(wrapped), "{at_once}");
    for promised in [
        quote!(
            pub async fn lines(path: String) -> impl futures::Stream<Item = String> + Send {}
        ),
        quote!(
            pub fn lines(path: String) -> Result<impl Stream<Item = String>, Error> {}
        ),
    ] {
        let promised = expanded(quote!(cancel = "detach"), promised);
        assert!(promised.contains("pub async fn lines"), "{promised}");
        assert!(
            promised.contains("ending (output) . map (| stream |")
                && promised.contains("wrap (stream , :: core :: option :: Option :: None)"),
            "{promised}"
        );
    }
}

#[test]
fn call_borrows_an_object_for_as_long_as_it_runs() {
    let written = quote!(
        pub fn merges(left: &Pool, right: &db::Pool, name: String) -> isize {}
    );
    let at_home = expanded(quote!(crate = "::interop"), written.clone());
    assert!(
        at_home.contains("borrow :: < Pool > (arguments , 0)"),
        "{at_home}"
    );
    assert!(
        at_home.contains("Ok (async move { merges (& b0 , & b1 , b2) . await })"),
        "{at_home}"
    );
    let tokio = expanded(quote!(tokio), written.clone());
    assert!(tokio.contains("Object < Pool > = (&& ::"), "{tokio}");
    assert!(
        tokio.contains("object_on_a_thread_of_tokios :: < db :: Pool > ()"),
        "{tokio}"
    );
    let blocking = expanded(quote!(blocking), written.clone());
    assert!(
        blocking.contains("Ok (move || -> isize { merges (& b0 , & b1 , b2) })"),
        "{blocking}"
    );
    let sync = expanded(quote!(sync), written);
    assert!(sync.contains("Ok (merges (& b0 , & b1 , b2))"), "{sync}");
}

#[test]
fn five_arguments_need_no_twin_and_six_do() {
    let five = expanded(
        quote!(name = "f"),
        quote!(
            pub fn g(a: u8, b: u8, c: u8, d: u8, e: u8) {}
        ),
    );
    assert!(!five.contains("_bytecode"), "{five}");
    let six = expanded(
        quote!(name = "f"),
        quote!(
            pub fn g(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}
        ),
    );
    assert!(six.contains(r#"export_name = "f_bytecode""#), "{six}");
    assert!(
        six.contains("argv . add (5)") && !six.contains("argv . add (6)"),
        "{six}"
    );
}

#[test]
fn only_attributes_that_hold_for_the_symbol_are_shared() {
    let function: syn::ItemFn = syn::parse_quote! {
        /// Documentation.
        #[tracing::instrument]
        #[cfg(unix)]
        #[deprecated]
        #[expect(unused)]
        #[cfg_attr(test, inline)]
        #[cfg_attr(test, inline, cfg(feature = "a"), cfg_attr(unix, must_use, allow(dead_code)))]
        fn f() {}
    };
    let shared = shared_attributes(&function.attrs);
    let expected = quote! {
        #[cfg(unix)]
        #[allow(deprecated)]
        #[allow(unused)]
        #[cfg_attr(test, cfg(feature = "a"), cfg_attr(unix, allow(dead_code)))]
    };
    let shared: TokenStream = shared.iter().map(ToTokens::to_token_stream).collect();
    assert_eq!(shared.to_string(), expected.to_string());
}
