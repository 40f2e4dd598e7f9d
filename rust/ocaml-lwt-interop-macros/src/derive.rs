//! `#[derive(ToOCaml)]` and `#[derive(FromOCaml)]`: what a record or variant looks like in OCaml, as the bodies of
//! `Build::describe` and `Read::read`. The first tests in `derive/tests.rs` show whole expansions.
//!
//! 1. A record is a block of tag 0 with its fields in order, or a flat block if all of them are floats. A tuple is never
//!    flat.
//! 2. A constructor without arguments is an `int`, counted from 0; one with arguments is a block, whose tag is counted
//!    from 0 among those (OCaml manual, "Interfacing C with OCaml", on the representation of data types).
//! 3. `[@@unboxed]` types are what they hold.
//! 4. A part of a type with parameters is converted by what its bounds say, so the impls for ocaml-rs's traits, whose
//!    bounds are those traits, have bodies of their own.

mod shape;

use crate::check;
use crate::messages::{self, Errors};
use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use shape::{Constructor, Form, Part, Shape};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{DeriveInput, WherePredicate};

/// Code with the macro's own names, so that none of them is one of the user's.
macro_rules! code {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

/// Which of the two, and how it is called.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    ToOCaml,
    FromOCaml,
}

pub(crate) fn derive(input: DeriveInput, direction: Direction) -> TokenStream {
    let mut errors = Errors::default();
    let shape = shape::read(input, &mut errors);
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
        let build = code!(#interop::__private::build);
        let value = code!(#interop::__private);
        let flat = self.flat(&build, &code!(#build::Build));
        let body = self.description(&build);
        let (impl_generics, arguments, _) = self.generics.split_for_impl();
        let describes = self.bounds(&code!(#build::Build));
        let converts = self.bounds(&code!(#value::ToValue));
        let conversion = match self.generics.type_params().next() {
            None => code!(#build::convert(self, runtime)),
            // Rule 4.
            Some(_) => code! {
                // SAFETY: the description below, which is that of `Build`
                unsafe { #build::store(runtime, |visitor| { #body }) }
            },
        };
        code! {
            const _: () = {
                // SAFETY: a description of the fields, which calls nothing but theirs
                #[automatically_derived]
                unsafe impl #impl_generics #build::Build for #name #arguments #describes {
                    const FLAT: bool = #flat;

                    #[inline]
                    fn describe<__V: #build::Visitor>(&self, visitor: &mut __V) {
                        use #build::{NotFlat as _, TellBuild as _, TellForeign as _, Visitor as _};
                        #body
                    }
                }

                // SAFETY: the value is rooted, or an `int`
                #[automatically_derived]
                unsafe impl #impl_generics #value::ToValue for #name #arguments #converts {
                    #[inline]
                    fn to_value(&self, runtime: &#value::Runtime) -> #value::Value {
                        use #build::{NotFlat as _, TellBuild as _, TellForeign as _, Visitor as _};
                        #conversion
                    }
                }
            };
        }
    }

    fn impls_of_from(&self) -> TokenStream {
        let Shape { name, interop, .. } = self;
        let read = code!(#interop::__private::read);
        let value = code!(#interop::__private);
        let flat = self.flat(&read, &code!(#read::Read));
        let body = self.reading(&read);
        let (impl_generics, arguments, _) = self.generics.split_for_impl();
        let reads = self.bounds(&code!(#read::Read));
        let converts = self.bounds(&code!(#value::FromValue));
        let conversion = match self.generics.type_params().next() {
            None => code!(#read::convert(value)),
            // Rule 4.
            Some(_) => code! {
                // SAFETY: ocaml-rs converts with the lock held, from a live value of this type
                #read::with_frame(value, |frame| unsafe { #body })
            },
        };
        code! {
            const _: () = {
                // SAFETY: reads the fields, and does nothing else
                #[automatically_derived]
                unsafe impl #impl_generics #read::Read for #name #arguments #reads {
                    const FLAT: bool = #flat;

                    #[inline]
                    unsafe fn read(frame: &#read::Frame<'_>) -> Self {
                        use #read::{NotFlat as _, ReadForeign as _, ReadRead as _};
                        // SAFETY: the value is of this type, by the caller's word, so its parts are of theirs
                        unsafe { #body }
                    }
                }

                // SAFETY: nothing of the value is kept
                #[automatically_derived]
                unsafe impl #impl_generics #value::FromValue for #name #arguments #converts {
                    #[inline]
                    fn from_value(value: #value::Value) -> Self {
                        use #read::{NotFlat as _, ReadForeign as _, ReadRead as _};
                        #conversion
                    }
                }
            };
        }
    }

    /// The type's own `where`, and that each part with a parameter of the type has the trait; but for a part of the type
    /// itself, which has it if the others have.
    fn bounds(&self, required: &TokenStream) -> Option<syn::WhereClause> {
        let mut clause = self.generics.where_clause.clone();
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
            Form::Variant(all) => Box::new(all.iter().flat_map(|constructor| &constructor.parts)),
        }
    }

    fn has_parameter(&self, part: &Part) -> bool {
        self.generics
            .type_params()
            .any(|parameter| mentions(part.ty.to_token_stream(), &parameter.ident))
    }

    /// Whether the type is a `float` by another name. OCaml looks through the parameter of an unboxed type.
    fn flat(&self, module: &TokenStream, of: &TokenStream) -> TokenStream {
        match &self.form {
            Form::Unboxed(_, part) if self.has_parameter(part) => {
                let ty = &part.ty;
                code!(<#ty as #of>::FLAT)
            }
            Form::Unboxed(_, part) => {
                let ty = &part.ty;
                code!({ use #module::NotFlat as _; #module::Flat::<#ty>::FLAT })
            }
            Form::Record(_) | Form::Tuple(_) | Form::Variant(_) => code!(false),
        }
    }

    /// Rule 1. A field whose type is a parameter of the record's makes it never flat.
    fn flat_record(&self, module: &TokenStream, parts: &[Part]) -> TokenStream {
        if parts.iter().any(|part| self.has_parameter(part)) {
            return code!(false);
        }
        let types = parts.iter().map(|part| &part.ty);
        code!(true #(&& #module::Flat::<#types>::FLAT)*)
    }

    fn description(&self, build: &TokenStream) -> TokenStream {
        let name = &self.name;
        match &self.form {
            Form::Record(parts) | Form::Tuple(parts) => {
                let flat = match &self.form {
                    Form::Record(_) => self.flat_record(build, parts),
                    _ => code!(false),
                };
                let members = parts.iter().map(|part| &part.member);
                let names = numbered(parts);
                let block = block(build, 0, parts, &code!(#flat));
                code! {
                    let #name { #(#members: #names),* } = self;
                    #block
                }
            }
            Form::Unboxed(constructor, part) => {
                let member = &part.member;
                let path = path(name, constructor.as_ref());
                let at = hygienic(part.ty.span());
                let tell = quote_spanned!(at=> (&#build::Part(part)).tell_whole(visitor));
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
                    } = constructor;
                    if parts.is_empty() {
                        let number = Literal::isize_suffixed(isize::try_from(*number).unwrap_or(0));
                        return code!(#name::#own { .. } => visitor.immediate(#number),);
                    }
                    let members = parts.iter().map(|part| &part.member);
                    let names = numbered(parts);
                    let block = block(build, *number, parts, &code!(false));
                    code!(#name::#own { #(#members: #names),* } => { #block })
                });
                code!(match self { #(#arms)* })
            }
        }
    }

    fn reading(&self, read: &TokenStream) -> TokenStream {
        let name = &self.name;
        match &self.form {
            Form::Record(parts) | Form::Tuple(parts) => {
                let flat = match &self.form {
                    Form::Record(_) => self.flat_record(read, parts),
                    _ => code!(false),
                };
                let fields = fields(read, parts, &code!(flat));
                code! {{
                    let flat = #flat;
                    #name { #fields }
                }}
            }
            Form::Unboxed(constructor, part) => {
                let Part { member, ty } = &**part;
                let path = path(name, constructor.as_ref());
                let at = hygienic(ty.span());
                let part = quote_spanned!(at=> (&#read::Place::<#ty>::NEW).read_whole(frame));
                code!(#path { #member: #part })
            }
            Form::Variant(constructors) => {
                let (constant, blocks): (Vec<_>, Vec<_>) = constructors
                    .iter()
                    .partition(|constructor| constructor.parts.is_empty());
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
                     }| {
                        let tag = tag(*number);
                        let fields = fields(read, parts, &code!(false));
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
        }
    }
}

/// Finds what points into the OCaml heap, and what raises in the middle of a conversion.
struct Unsound<'a> {
    direction: Direction,
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Unsound<'_> {
    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        match self.direction {
            Direction::FromOCaml => self.errors.push(messages::DERIVE_REFERENCE.at(reference)),
            Direction::ToOCaml => visit::visit_type_reference(self, reference),
        }
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        if check::is_raw(&path.path) {
            self.errors.push(messages::DERIVE_RAW.at(path));
        } else if check::is_result_of_ocaml_error(&path.path) {
            self.errors.push(messages::DERIVE_OCAML_ERROR.at(path));
        } else {
            visit::visit_type_path(self, path);
        }
    }
}

/// Tells a visitor a block of the parts, which are bound to numbered names.
fn block(build: &TokenStream, number: usize, parts: &[Part], flat: &TokenStream) -> TokenStream {
    let tag = tag(number);
    let size = parts.len();
    let tell = parts.iter().zip(numbered(parts)).map(|(part, name)| {
        let at = hygienic(part.ty.span());
        quote_spanned!(at=> (&#build::Part(#name)).tell(visitor, &mut block);)
    });
    code! {
        let mut block = visitor.begin(#tag, #size, #flat);
        #(#tell)*
        visitor.end(block);
    }
}

fn fields(read: &TokenStream, parts: &[Part], flat: &TokenStream) -> TokenStream {
    let fields = parts.iter().enumerate().map(|(i, Part { member, ty })| {
        let at = hygienic(ty.span());
        let part = quote_spanned!(at=> (&#read::Place::<#ty>::NEW).read(frame, #i, #flat));
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

fn numbered(parts: &[Part]) -> impl Iterator<Item = Ident> {
    (0..parts.len()).map(|i| format_ident!("part{i}", span = Span::mixed_site()))
}

fn hygienic(place: Span) -> Span {
    Span::mixed_site().located_at(place)
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
