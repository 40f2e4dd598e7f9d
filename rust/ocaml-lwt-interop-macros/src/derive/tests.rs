use super::{Direction, derive};
use proc_macro2::TokenStream;
use quote::quote;

fn expanded(direction: Direction, item: TokenStream) -> String {
    derive(syn::parse2(item).unwrap(), direction).to_string()
}

fn person() -> TokenStream {
    quote! {
        #[ocaml(crate = "::interop")]
        pub struct Person { name: String, age: isize }
    }
}

#[test]
fn record_is_described_field_by_field() {
    let generated = quote! {
        const _: () = {
            #[automatically_derived]
            unsafe impl ::interop::__private::ToOCaml for Person {
                const FLOAT: ::interop::__private::float::Float = ::interop::__private::float::Float::Never;

                #[inline]
                fn describe<__V: ::interop::__private::build::Visitor>(&self, visitor: &mut __V) {
                    let Person { name: part0, age: part1 } = self;
                    let mut block = ::interop::__private::build::Visitor::begin(
                        visitor,
                        0u8,
                        2usize,
                        ::interop::__private::float::Flat::of_record(const {
                            ::interop::__private::float::Float::of_record(&[
                                <String as ::interop::__private::ToOCaml>::FLOAT,
                                <isize as ::interop::__private::ToOCaml>::FLOAT
                            ])
                        })
                    );
                    ::interop::__private::build::Visitor::part(visitor, &mut block, part0);
                    ::interop::__private::build::Visitor::part(visitor, &mut block, part1);
                    ::interop::__private::build::Visitor::end(visitor, block);
                }
            }

            #[automatically_derived]
            unsafe impl ::interop::__private::ToValue for Person {
                #[inline]
                fn to_value(&self, runtime: &::interop::__private::Runtime) -> ::interop::__private::Value {
                    ::interop::__private::build::convert(self, runtime)
                }
            }
        };
    };
    assert_eq!(
        expanded(Direction::ToOCaml, person()),
        generated.to_string()
    );
}

#[test]
fn record_is_read_field_by_field() {
    let generated = quote! {
        const _: () = {
            #[automatically_derived]
            unsafe impl ::interop::__private::FromOCaml for Person {
                const FLOAT: ::interop::__private::float::Float = ::interop::__private::float::Float::Never;

                #[inline]
                unsafe fn read(frame: &::interop::__private::read::Frame<'_>) -> Self {
                    frame.descend();
                    unsafe {
                        {
                            let flat = frame.is_flat(const {
                                ::interop::__private::float::Float::of_record(&[
                                    <String as ::interop::__private::FromOCaml>::FLOAT,
                                    <isize as ::interop::__private::FromOCaml>::FLOAT
                                ])
                            });
                            Person {
                                name: ::interop::__private::read::part::<String>(frame, 0usize, flat),
                                age: ::interop::__private::read::part::<isize>(frame, 1usize, flat)
                            }
                        }
                    }
                }

                unsafe fn has_shape(value: ::interop::__private::Raw) -> bool {
                    unsafe {
                        ::interop::__private::shape::is_record(
                            value,
                            const {
                                ::interop::__private::float::Float::of_record(&[
                                    <String as ::interop::__private::FromOCaml>::FLOAT,
                                    <isize as ::interop::__private::FromOCaml>::FLOAT
                                ])
                            },
                            &[
                                <String as ::interop::__private::FromOCaml>::has_shape,
                                <isize as ::interop::__private::FromOCaml>::has_shape
                            ]
                        )
                    }
                }
            }

            #[automatically_derived]
            unsafe impl ::interop::__private::FromValue for Person {
                #[inline]
                fn from_value(value: ::interop::__private::Value) -> Self {
                    ::interop::__private::read::convert(value)
                }
            }
        };
    };
    assert_eq!(
        expanded(Direction::FromOCaml, person()),
        generated.to_string()
    );
}

#[test]
fn constructors_are_counted_with_and_without_arguments_apart() {
    let written = expanded(
        Direction::FromOCaml,
        quote! { enum E { A, B(isize), C {}, D { x: isize }, F() } },
    );
    for part in [
        "0isize => E :: A { }",
        "1isize => E :: C { }",
        "2isize => E :: F { }",
        "0u8 => E :: B { 0 :",
        "1u8 => E :: D { x :",
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }
}

#[test]
fn parts_with_a_parameter_are_bound_by_the_trait_that_converts_them() {
    let item = quote! { struct Pair<A, B>(Vec<A>, B, isize) where A: Clone; };
    let to = expanded(Direction::ToOCaml, item.clone());
    let from = expanded(Direction::FromOCaml, item);
    for (written, required) in [(to, "ToOCaml"), (from, "FromOCaml")] {
        let bounds = format!(
            "where A : Clone , Vec < A > : :: ocaml_lwt_interop :: __private :: {required} , \
             B : :: ocaml_lwt_interop :: __private :: {required} {{"
        );
        assert_eq!(written.matches(&bounds).count(), 2, "{bounds} in {written}");
    }
}

#[test]
fn part_of_the_type_itself_is_bound_by_nothing() {
    let item = quote! { enum List<T> { Nil, Cons(T, Box<List<T>>) } };
    let written = expanded(Direction::ToOCaml, item);
    assert!(!written.contains("Box < List < T > > :"), "{written}");
}
