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
            unsafe impl ::interop::__private::declare::OCamlType<::interop::__private::declare::Going> for Person {
                fn ocaml_type(types: &mut ::interop::__private::declare::Types) -> ::interop::__private::declare::Type {
                    use ::interop::__private::{Known as _, Unknown as _};
                    let arguments = ::std::vec![];
                    let declared = ::interop::__private::declare::Declared {
                        key: ::core::concat!(::core::module_path!(), "::", "Person"),
                        name: "Person",
                        docs: &[],
                    };
                    types.declared(&declared, <Self as ::interop::__private::declare::OCamlType<::interop::__private::declare::Going> >::ocaml_type, arguments, |types| ::interop::__private::declare::Definition::Record {
                        unboxed: false,
                        fields: ::std::vec![
                            ::interop::__private::declare::Field {
                                name: "name",
                                docs: &[],
                                ty: (&&::interop::__private::Described::<String, ::interop::__private::declare::Going>::NEW).ocaml_type(types)
                            },
                            ::interop::__private::declare::Field {
                                name: "age",
                                docs: &[],
                                ty: (&&::interop::__private::Described::<isize, ::interop::__private::declare::Going>::NEW).ocaml_type(types)
                            }
                        ]
                    })
                }
            }

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
            unsafe impl ::interop::__private::declare::OCamlType<::interop::__private::declare::Coming> for Person {
                fn ocaml_type(types: &mut ::interop::__private::declare::Types) -> ::interop::__private::declare::Type {
                    use ::interop::__private::{Known as _, Unknown as _};
                    let arguments = ::std::vec![];
                    let declared = ::interop::__private::declare::Declared {
                        key: ::core::concat!(::core::module_path!(), "::", "Person"),
                        name: "Person",
                        docs: &[],
                    };
                    types.declared(&declared, <Self as ::interop::__private::declare::OCamlType<::interop::__private::declare::Coming> >::ocaml_type, arguments, |types| ::interop::__private::declare::Definition::Record {
                        unboxed: false,
                        fields: ::std::vec![
                            ::interop::__private::declare::Field {
                                name: "name",
                                docs: &[],
                                ty: (&&::interop::__private::Described::<String, ::interop::__private::declare::Coming>::NEW).ocaml_type(types)
                            },
                            ::interop::__private::declare::Field {
                                name: "age",
                                docs: &[],
                                ty: (&&::interop::__private::Described::<isize, ::interop::__private::declare::Coming>::NEW).ocaml_type(types)
                            }
                        ]
                    })
                }
            }

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

                fn has_shape(value: ::interop::__private::Live<'_>) -> bool {
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
    for (written, required, direction) in [(to, "ToOCaml", "Going"), (from, "FromOCaml", "Coming")]
    {
        let known = format!(
            ":: ocaml_lwt_interop :: __private :: declare :: OCamlType < :: ocaml_lwt_interop :: __private :: declare :: {direction} >"
        );
        let bounds = format!(
            "where A : Clone , A : {known} , B : {known} , Vec < A > : :: ocaml_lwt_interop :: __private :: {required} , \
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

#[test]
fn definition_has_its_parameters_in_the_place_of_what_they_are() {
    let item = quote! { struct List<T> { first: Vec<T>, rest: Option<Box<Self>>, count: [T; 2] } };
    let written = expanded(Direction::ToOCaml, item);
    let var = ":: ocaml_lwt_interop :: __private :: declare :: Var < 0usize >";
    for part in [
        format!("Described :: < Vec < {var} > , "),
        format!("Described :: < Option < Box < List < {var} > > > , "),
        format!("Described :: < [{var} ; 2] , "),
        "vec ! [< T as ".to_owned(),
    ] {
        assert!(written.contains(&part), "{part} in {written}");
    }
}

#[test]
fn type_whose_parameters_are_not_any_is_declared_by_nothing() {
    for item in [
        quote! { struct S<T: Mine> { x: T } },
        quote! { struct S<T> where T: Mine { x: T } },
    ] {
        let written = expanded(Direction::ToOCaml, item);
        assert!(
            written.contains("Type :: refused (\"the parameters of S have bounds"),
            "{written}"
        );
    }
}

#[test]
fn name_for_ocaml_is_the_given_one() {
    let written = expanded(
        Direction::ToOCaml,
        quote! { #[ocaml(name = "colour")] enum Color { Red } },
    );
    assert!(written.contains("name : \"colour\""), "{written}");
}
