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
            unsafe impl ::interop::__private::build::Build for Person {
                const FLAT: bool = false;

                #[inline]
                fn describe<__V: ::interop::__private::build::Visitor>(&self, visitor: &mut __V) {
                    use ::interop::__private::build::{NotFlat as _, TellBuild as _, TellForeign as _, Visitor as _};
                    let Person { name: part0, age: part1 } = self;
                    let mut block = visitor.begin(
                        0u8,
                        2usize,
                        true && ::interop::__private::build::Flat::<String>::FLAT && ::interop::__private::build::Flat::<isize>::FLAT
                    );
                    (&::interop::__private::build::Part(part0)).tell(visitor, &mut block);
                    (&::interop::__private::build::Part(part1)).tell(visitor, &mut block);
                    visitor.end(block);
                }
            }

            #[automatically_derived]
            unsafe impl ::interop::__private::ToValue for Person {
                #[inline]
                fn to_value(&self, runtime: &::interop::__private::Runtime) -> ::interop::__private::Value {
                    use ::interop::__private::build::{NotFlat as _, TellBuild as _, TellForeign as _, Visitor as _};
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
            unsafe impl ::interop::__private::read::Read for Person {
                const FLAT: bool = false;

                #[inline]
                unsafe fn read(frame: &::interop::__private::read::Frame<'_>) -> Self {
                    use ::interop::__private::read::{NotFlat as _, ReadForeign as _, ReadRead as _};
                    unsafe {
                        {
                            let flat = true && ::interop::__private::read::Flat::<String>::FLAT && ::interop::__private::read::Flat::<isize>::FLAT;
                            Person {
                                name: (&::interop::__private::read::Place::<String>::NEW).read(frame, 0usize, flat),
                                age: (&::interop::__private::read::Place::<isize>::NEW).read(frame, 1usize, flat)
                            }
                        }
                    }
                }
            }

            #[automatically_derived]
            unsafe impl ::interop::__private::FromValue for Person {
                #[inline]
                fn from_value(value: ::interop::__private::Value) -> Self {
                    use ::interop::__private::read::{NotFlat as _, ReadForeign as _, ReadRead as _};
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
    for (written, own, of_ocaml_rs) in [
        (to, "build :: Build", "ToValue"),
        (from, "read :: Read", "FromValue"),
    ] {
        for required in [own, of_ocaml_rs] {
            let bounds = format!(
                "where A : Clone , Vec < A > : :: ocaml_lwt_interop :: __private :: {required} , \
                 B : :: ocaml_lwt_interop :: __private :: {required} {{"
            );
            assert!(written.contains(&bounds), "{bounds} in {written}");
        }
    }
}

#[test]
fn part_of_the_type_itself_is_bound_by_nothing() {
    let item = quote! { enum List<T> { Nil, Cons(T, Box<List<T>>) } };
    let written = expanded(Direction::ToOCaml, item);
    assert!(!written.contains("Box < List < T > > :"), "{written}");
}
