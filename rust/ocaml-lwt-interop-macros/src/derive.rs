//! `#[derive(ToOCaml)]` and `#[derive(FromOCaml)]`: what a record or variant looks like in OCaml, as the bodies of
//! `Build::describe` and `Read::read`. The first tests in `derive/tests.rs` show whole expansions.
//!
//! 1. A record is a block of tag 0 with its fields in order, or a flat block if all of them are floats. A tuple is never
//!    flat.
//! 2. A constructor without arguments is an `int`, counted from 0; one with arguments is a block, whose tag is counted
//!    from 0 among those (OCaml manual, "Interfacing C with OCaml", on the representation of data types).
//! 3. `[@@unboxed]` types are what they hold. What polymorphic variants are is told in `polymorphic.rs`.
//! 4. What OCaml's declaration is made from stands in `describe`.
//! 5. Each part has to be of a type that crosses: the body says so, at the type of the part. In a type with parameters the
//!    parts that mention one are bound by the trait, but for parts of the type itself.

mod unsound;
mod shape;
mod describe;
mod polymorphic;
pub(crate) mod exception;

use crate::generated::hygienic;
use crate::messages::Errors;
use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use shape::{Constructor, Form, Part, Shape, numbered, partition};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{DeriveInput, WherePredicate};
pub(crate) use unsound::Direction;
use unsound::Unsound;

/// Code with the macro's own names, so that none of them is one of the user's.
macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

pub(crate) fn derive(input: DeriveInput, direction: Direction) -> TokenStream {
    let mut errors = Errors::default();
    let shape = shape::read(input, direction, &mut errors);
    for Part { ty, .. } in shape.iter().flat_map(Shape::all_parts) {
        let errors = &mut errors;
        Unsound { direction, errors }.visit_type(ty);
    }
    match (errors.report(), shape) {
        (None, Some(shape)) => match direction {
            Direction::ToOCaml => shape.impls_of_to(),
            Direction::FromOCaml => shape.impls_of_from(),
        },
        (report, _) => report.unwrap_or_default(),
    }
}

impl Shape {
    fn impls_of_to(&self) -> TokenStream {
        let Shape { name, interop, .. } = self;
        let value = code!(#interop::__private);
        let to_ocaml = code!(#value::ToOCaml);
        let float = self.float(&to_ocaml);
        let body = self.description(&value);
        let (impl_generics, arguments, _) = self.generics.split_for_impl();
        let bounds = self.bounds(&to_ocaml, &code!(Going));
        let ocaml_type = self.ocaml_type(&code!(Going));
        code! {
            const _: () = {
                #ocaml_type

                // SAFETY: a description of the fields, which calls nothing but theirs
                #[automatically_derived]
                unsafe impl #impl_generics #to_ocaml for #name #arguments #bounds {
                    const FLOAT: #value::float::Float = #float;

                    #[inline]
                    fn describe<__V: #value::build::Visitor>(&self, visitor: &mut __V) {
                        #body
                    }
                }

                // SAFETY: the value is rooted, or an `int`
                #[automatically_derived]
                unsafe impl #impl_generics #value::ToValue for #name #arguments #bounds {
                    #[inline]
                    fn to_value(&self, runtime: &#value::Runtime) -> #value::Value {
                        #value::build::convert(self, runtime)
                    }
                }
            };
        }
    }

    fn impls_of_from(&self) -> TokenStream {
        let Shape { name, interop, .. } = self;
        let value = code!(#interop::__private);
        let from_ocaml = code!(#value::FromOCaml);
        let float = self.float(&from_ocaml);
        let body = self.reading(&value);
        let shape = self.shape(&value);
        let (impl_generics, arguments, _) = self.generics.split_for_impl();
        let bounds = self.bounds(&from_ocaml, &code!(Coming));
        let ocaml_type = self.ocaml_type(&code!(Coming));
        code! {
            const _: () = {
                #ocaml_type

                // SAFETY: reads the fields, and does nothing else; what they own is all that it has
                #[automatically_derived]
                unsafe impl #impl_generics #from_ocaml for #name #arguments #bounds {
                    const FLOAT: #value::float::Float = #float;

                    #[inline]
                    unsafe fn read(frame: &#value::read::Frame<'_>) -> Self {
                        frame.descend();
                        // SAFETY: the value is of this type, by the caller's word, so its parts are of theirs
                        unsafe { #body }
                    }

                    fn has_shape(value: #value::Live<'_>) -> bool {
                        #shape
                    }
                }

                // SAFETY: nothing of the value is kept
                #[automatically_derived]
                unsafe impl #impl_generics #value::FromValue for #name #arguments #bounds {
                    #[inline]
                    fn from_value(value: #value::Value) -> Self {
                        #value::read::convert(value)
                    }
                }
            };
        }
    }

    /// The type's own `where`, and that each part with a parameter of the type has the trait; but for a part of the type
    /// itself, which has it if the others have.
    fn bounds(&self, required: &TokenStream, direction: &TokenStream) -> Option<syn::WhereClause> {
        let mut clause = self.bounds_of_type(direction);
        let bounds = self
            .all_parts()
            .filter(|part| {
                self.has_parameter(part) && !mentions(part.ty.to_token_stream(), &self.name)
            })
            .map(|Part { ty, .. }| -> WherePredicate { syn::parse_quote!(#ty: #required) });
        for bound in bounds {
            clause
                .get_or_insert_with(|| syn::parse_quote!(where))
                .predicates
                .push(bound);
        }
        clause
    }

    fn all_parts(&self) -> Box<dyn Iterator<Item = &Part> + '_> {
        match &self.form {
            Form::Record(parts) | Form::Tuple(parts) => Box::new(parts.iter()),
            Form::Unboxed(_, part) => Box::new(std::iter::once(&**part)),
            Form::Variant(all) | Form::Polymorphic(all) => {
                Box::new(all.iter().flat_map(|constructor| &constructor.parts))
            }
        }
    }

    fn has_parameter(&self, part: &Part) -> bool {
        self.generics
            .type_params()
            .any(|parameter| mentions(part.ty.to_token_stream(), &parameter.ident))
    }

    /// Whether the type is a `float` by another name. OCaml looks through the parameter of an unboxed type.
    fn float(&self, of: &TokenStream) -> TokenStream {
        let interop = &self.interop;
        match &self.form {
            Form::Unboxed(_, part) => {
                let ty = &part.ty;
                let at = hygienic(ty.span());
                quote_spanned!(at=> <#ty as #of>::FLOAT)
            }
            Form::Record(_) | Form::Tuple(_) | Form::Variant(_) | Form::Polymorphic(_) => {
                code!(#interop::__private::float::Float::Never)
            }
        }
    }

    /// Of a record, whether it is flat: rule 1. A field whose type is a parameter of the record's makes it never flat.
    fn float_of_fields(&self, value: &TokenStream, of: &TokenStream) -> TokenStream {
        let parts = match &self.form {
            Form::Record(parts) if !parts.iter().any(|part| self.has_parameter(part)) => parts,
            _ => return code!(#value::float::Float::Never),
        };
        let floats = parts.iter().map(|Part { ty, .. }| {
            let at = hygienic(ty.span());
            quote_spanned!(at=> <#ty as #of>::FLOAT)
        });
        code!(const { #value::float::Float::of_record(&[#(#floats),*]) })
    }

    fn description(&self, value: &TokenStream) -> TokenStream {
        let name = &self.name;
        match &self.form {
            Form::Record(parts) | Form::Tuple(parts) => {
                let float = self.float_of_fields(value, &code!(#value::ToOCaml));
                let flat = code!(#value::float::Flat::of_record(#float));
                let members = parts.iter().map(|part| &part.member);
                let names = numbered(parts);
                let block = block(value, 0, parts, &flat);
                code! {
                    let #name { #(#members: #names),* } = self;
                    #block
                }
            }
            Form::Unboxed(constructor, part) => {
                let member = &part.member;
                let path = path(name, constructor.as_ref().map(|(name, _)| name));
                let at = hygienic(part.ty.span());
                let tell = quote_spanned!(at=> #value::ToOCaml::describe(part, visitor));
                code! {
                    let #path { #member: part } = self;
                    #tell
                }
            }
            Form::Variant(constructors) => {
                let arms = constructors.iter().map(|constructor| {
                    let Constructor {
                        name: own,
                        number,
                        parts,
                        ..
                    } = constructor;
                    if parts.is_empty() {
                        let number = Literal::isize_suffixed(isize::try_from(*number).unwrap_or(0));
                        return code! {
                            #name::#own { .. } => #value::build::Visitor::immediate(visitor, #number),
                        };
                    }
                    let members = parts.iter().map(|part| &part.member);
                    let names = numbered(parts);
                    let block = block(value, *number, parts, &code!(#value::float::Flat::No));
                    code!(#name::#own { #(#members: #names),* } => { #block })
                });
                code!(match self { #(#arms)* })
            }
            Form::Polymorphic(constructors) => polymorphic::description(name, constructors, value),
        }
    }

    fn reading(&self, value: &TokenStream) -> TokenStream {
        let name = &self.name;
        let read = code!(#value::read);
        match &self.form {
            Form::Record(parts) | Form::Tuple(parts) => {
                let float = self.float_of_fields(value, &code!(#value::FromOCaml));
                let fields = fields(&read, parts, &code!(flat));
                code! {{
                    let flat = frame.is_flat(#float);
                    #name { #fields }
                }}
            }
            Form::Unboxed(constructor, part) => {
                let Part { member, ty, .. } = &**part;
                let path = path(name, constructor.as_ref().map(|(name, _)| name));
                let at = hygienic(ty.span());
                let part = quote_spanned!(at=> <#ty as #value::FromOCaml>::read(frame));
                code!(#path { #member: #part })
            }
            Form::Variant(constructors) => {
                let (constant, blocks) = partition(constructors);
                let constant = constant.iter().map(
                    |Constructor {
                         name: own, number, ..
                     }| {
                        let number = Literal::isize_suffixed(isize::try_from(*number).unwrap_or(0));
                        code!(#number => #name::#own {},)
                    },
                );
                let blocks = blocks.iter().map(
                    |Constructor {
                         name: own,
                         number,
                         parts,
                         ..
                     }| {
                        let tag = tag(*number);
                        let fields = fields(&read, parts, &code!(false));
                        code!(#tag => #name::#own { #fields },)
                    },
                );
                let text = name.to_string();
                code! {
                    if frame.is_immediate() {
                        match frame.int() {
                            #(#constant)*
                            number => #read::unknown_constructor(#text, number),
                        }
                    } else {
                        match frame.tag() {
                            #(#blocks)*
                            tag => #read::unknown_tag(#text, tag),
                        }
                    }
                }
            }
            Form::Polymorphic(constructors) => polymorphic::reading(name, constructors, value),
        }
    }

    /// Whether a value can be one of this type.
    fn shape(&self, value: &TokenStream) -> TokenStream {
        let shape = code!(#value::shape);
        let shapes = |parts: &[Part]| -> TokenStream {
            let types = parts.iter().map(|part| &part.ty);
            code!(&[#(<#types as #value::FromOCaml>::has_shape),*])
        };
        match &self.form {
            Form::Record(parts) => {
                let float = self.float_of_fields(value, &code!(#value::FromOCaml));
                let shapes = shapes(parts);
                code!(#shape::is_record(value, #float, #shapes))
            }
            Form::Tuple(parts) => {
                let shapes = shapes(parts);
                code!(#shape::is_block(value, 0u8, #shapes))
            }
            Form::Unboxed(_, part) => {
                let ty = &part.ty;
                code!(<#ty as #value::FromOCaml>::has_shape(value))
            }
            Form::Variant(constructors) => {
                let (constant, blocks) = partition(constructors);
                let count = constant.len();
                let blocks = blocks.iter().map(|Constructor { number, parts, .. }| {
                    let tag = tag(*number);
                    let shapes = shapes(parts);
                    code!(|| #shape::is_block(value, #tag, #shapes))
                });
                code!(#shape::is_constant(value, #count) #(#blocks)*)
            }
            Form::Polymorphic(constructors) => polymorphic::shape(constructors, value),
        }
    }
}

/// Tells a visitor a block of the parts, which are bound to numbered names.
fn block(value: &TokenStream, number: usize, parts: &[Part], flat: &TokenStream) -> TokenStream {
    let visitor = code!(#value::build::Visitor);
    let tag = tag(number);
    let size = parts.len();
    let tell = parts.iter().zip(numbered(parts)).map(|(part, name)| {
        let at = hygienic(part.ty.span());
        quote_spanned!(at=> #visitor::part(visitor, &mut block, #name);)
    });
    code! {
        let mut block = #visitor::begin(visitor, #tag, #size, #flat);
        #(#tell)*
        #visitor::end(visitor, block);
    }
}

fn fields(read: &TokenStream, parts: &[Part], flat: &TokenStream) -> TokenStream {
    let fields = parts
        .iter()
        .enumerate()
        .map(|(i, Part { member, ty, .. })| {
            let at = hygienic(ty.span());
            let part = quote_spanned!(at=> #read::part::<#ty>(frame, #i, #flat));
            code!(#member: #part)
        });
    code!(#(#fields),*)
}

fn path(name: &Ident, constructor: Option<&Ident>) -> TokenStream {
    let constructor = constructor.map(|constructor| code!(::#constructor));
    code!(#name #constructor)
}

fn tag(number: usize) -> Literal {
    Literal::u8_suffixed(u8::try_from(number).unwrap_or(u8::MAX))
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests;
