//! Reads the item under a derive.

use super::unsound::Direction;
use crate::messages::{self, Errors};
use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Member, Path, Token, Type, Variant};

/// The most constructors with arguments that a type may have (OCaml 5.3, `Obj.last_non_constant_constructor_tag`: 243; two
/// more before OCaml 5).
const MOST_TAGS: usize = 244;

/// The type, as OCaml sees it.
pub(super) struct Shape {
    pub(super) name: Ident,
    pub(super) generics: Generics,
    pub(super) interop: Path,
    pub(super) form: Form,
    /// The name that is given for OCaml, or the own one.
    pub(super) given: String,
    /// The attributes, with the doc comment among them.
    pub(super) attributes: Vec<Attribute>,
}

pub(super) enum Form {
    Record(Vec<Part>),
    Tuple(Vec<Part>),
    /// What its only part is; the constructor and its name in OCaml, for an enum.
    Unboxed(Option<(Ident, String)>, Box<Part>),
    Variant(Vec<Constructor>),
    /// `#[ocaml(polymorphic)]`
    Polymorphic(Vec<Constructor>),
}

pub(super) struct Constructor {
    pub(super) name: Ident,
    /// The name that is given for OCaml, or the own one.
    pub(super) given: String,
    /// An `int` without parts, a tag with.
    pub(super) number: usize,
    pub(super) parts: Vec<Part>,
    pub(super) attributes: Vec<Attribute>,
}

pub(super) struct Part {
    pub(super) member: Member,
    /// The name that is given for OCaml.
    pub(super) given: Option<String>,
    pub(super) ty: Type,
    pub(super) attributes: Vec<Attribute>,
}

/// An exception, as OCaml sees it.
pub(super) struct Exception {
    pub(super) name: Ident,
    pub(super) interop: Path,
    /// The name that is given for OCaml, or the own one.
    pub(super) given: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) parts: Vec<Part>,
}

/// Reads the item under `#[derive(Exception)]`.
pub(super) fn read_exception(input: DeriveInput, errors: &mut Errors) -> Option<Exception> {
    let options = options(&input, errors);
    let fields = match input.data {
        Data::Struct(data)
            if input.generics.params.is_empty()
                && !options.unboxed
                && options.polymorphic.is_none() =>
        {
            data.fields
        }
        _ => {
            errors.push(messages::DERIVE_EXCEPTION.at(&input.ident));
            return None;
        }
    };
    Some(Exception {
        given: options
            .name
            .unwrap_or_else(|| input.ident.unraw().to_string()),
        name: input.ident,
        interop: options.interop,
        attributes: input.attrs,
        parts: parts(fields, errors),
    })
}

/// Reads the item; without form, the errors say why. Variants that OCaml does not have are left out.
pub(super) fn read(
    mut input: DeriveInput,
    direction: Direction,
    errors: &mut Errors,
) -> Option<Shape> {
    let Options {
        unboxed,
        polymorphic,
        interop,
        name,
    } = options(&input, errors);
    let given = name.unwrap_or_else(|| input.ident.unraw().to_string());
    if let Data::Enum(data) = &mut input.data {
        leave_out(&mut data.variants, direction, errors);
    }
    let mut form = match input.data {
        Data::Struct(data) if data.fields.is_empty() => {
            errors.push(messages::DERIVE_EMPTY.at(&input.ident));
            return None;
        }
        Data::Struct(data) => {
            let form = match data.fields {
                Fields::Named(_) => Form::Record,
                Fields::Unnamed(_) | Fields::Unit => Form::Tuple,
            };
            form(parts(data.fields, errors))
        }
        Data::Enum(data) if data.variants.is_empty() => {
            errors.push(messages::DERIVE_EMPTY.at(&input.ident));
            return None;
        }
        Data::Enum(data) => {
            let mut numbers = [0, 0];
            let constructors: Vec<_> = data
                .variants
                .into_iter()
                .map(|variant| {
                    let said = given_name(&variant.attrs, errors);
                    let number = &mut numbers[usize::from(!variant.fields.is_empty())];
                    *number += 1;
                    Constructor {
                        given: said.unwrap_or_else(|| variant.ident.unraw().to_string()),
                        name: variant.ident,
                        number: *number - 1,
                        parts: parts(variant.fields, errors),
                        attributes: variant.attrs,
                    }
                })
                .collect();
            if numbers[1] > MOST_TAGS {
                errors.push(messages::DERIVE_TAGS.at(&input.ident));
            }
            Form::Variant(constructors)
        }
        Data::Union(_) => {
            errors.push(messages::DERIVE_UNION.at(&input.ident));
            return None;
        }
    };
    if let Some(option) = polymorphic {
        form = match form {
            Form::Variant(all) if !unboxed && !all.iter().any(Constructor::is_inline_record) => {
                Form::Polymorphic(all)
            }
            other => {
                errors.push(messages::DERIVE_POLYMORPHIC.at(&option));
                other
            }
        };
    }
    if unboxed {
        form = match form {
            Form::Record(mut parts) | Form::Tuple(mut parts) if parts.len() == 1 => {
                Form::Unboxed(None, Box::new(parts.remove(0)))
            }
            Form::Variant(mut all) if all.len() == 1 && all[0].parts.len() == 1 => {
                let mut constructor = all.remove(0);
                Form::Unboxed(
                    Some((constructor.name, constructor.given)),
                    Box::new(constructor.parts.remove(0)),
                )
            }
            other => {
                errors.push(messages::DERIVE_UNBOXED.at(&input.ident));
                other
            }
        };
    }
    Some(Shape {
        name: input.ident,
        generics: input.generics,
        interop,
        form,
        given,
        attributes: input.attrs,
    })
}

/// Takes away what has `#[ocaml(rust_only)]`.
fn leave_out(
    variants: &mut Punctuated<Variant, Token![,]>,
    direction: Direction,
    errors: &mut Errors,
) {
    let is_rust_only = |variant: &Variant| {
        let mut attributes = variant.attrs.iter();
        attributes.any(|attribute| {
            attribute.path().is_ident("ocaml")
                && attribute
                    .parse_args::<Ident>()
                    .is_ok_and(|word| word == "rust_only")
        })
    };
    let (left_out, kept): (Vec<_>, Vec<_>) =
        std::mem::take(variants).into_iter().partition(is_rust_only);
    if let (Direction::ToOCaml, Some(variant)) = (direction, left_out.first()) {
        errors.push(messages::DERIVE_RUST_ONLY.at(variant));
    }
    variants.extend(kept);
}

impl Constructor {
    pub(super) fn is_inline_record(&self) -> bool {
        matches!(self.parts.first(), Some(part) if matches!(part.member, Member::Named(_)))
    }
}

/// What stands in `#[ocaml(…)]`.
struct Options {
    unboxed: bool,
    /// Where it is asked for.
    polymorphic: Option<Path>,
    interop: Path,
    /// The type's name in OCaml.
    name: Option<String>,
}

/// `#[ocaml(unboxed, polymorphic, name = "…", crate = "…")]`.
fn options(input: &DeriveInput, errors: &mut Errors) -> Options {
    let mut options = Options {
        unboxed: false,
        polymorphic: None,
        interop: syn::parse_quote!(::ocaml_lwt_interop),
        name: None,
    };
    for attribute in &input.attrs {
        if !attribute.path().is_ident("ocaml") {
            continue;
        }
        let parsed = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("unboxed") && !meta.input.peek(syn::Token![=]) {
                options.unboxed = true;
                return Ok(());
            }
            if meta.path.is_ident("polymorphic") && !meta.input.peek(syn::Token![=]) {
                options.polymorphic = Some(meta.path);
                return Ok(());
            }
            if meta.path.is_ident("name") {
                let name: syn::LitStr = meta.value()?.parse()?;
                options.name = Some(name.value());
                return Ok(());
            }
            if meta.path.is_ident("crate") {
                let path: syn::LitStr = meta.value()?.parse()?;
                options.interop = path.parse()?;
                return Ok(());
            }
            Err(meta.error(""))
        });
        if parsed.is_err() {
            errors.push(messages::DERIVE_ATTRIBUTE.at(attribute));
        }
    }
    options
}

fn parts(fields: Fields, errors: &mut Errors) -> Vec<Part> {
    let members: Vec<Member> = fields.members().collect();
    let mut part = |(member, field): (Member, syn::Field)| Part {
        given: match member {
            Member::Named(_) => given_name(&field.attrs, errors),
            Member::Unnamed(_) => nothing_given(&field.attrs, errors),
        },
        member,
        ty: field.ty,
        attributes: field.attrs,
    };
    members.into_iter().zip(fields).map(&mut part).collect()
}

/// The name of `#[ocaml(name = "…")]` on a field or a constructor.
fn given_name(attributes: &[Attribute], errors: &mut Errors) -> Option<String> {
    let mut given = None;
    for attribute in attributes {
        if !attribute.path().is_ident("ocaml") {
            continue;
        }
        let parsed = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error(""));
            }
            let name: syn::LitStr = meta.value()?.parse()?;
            given = Some(name.value());
            Ok(())
        });
        if parsed.is_err() {
            errors.push(messages::DERIVE_ATTRIBUTE.at(attribute));
        }
    }
    given
}

/// A part without a name has none in OCaml, either.
fn nothing_given(attributes: &[Attribute], errors: &mut Errors) -> Option<String> {
    for attribute in attributes {
        if attribute.path().is_ident("ocaml") {
            errors.push(messages::DERIVE_ATTRIBUTE.at(attribute));
        }
    }
    None
}

/// Those without parts, and those with.
pub(super) fn partition(constructors: &[Constructor]) -> (Vec<&Constructor>, Vec<&Constructor>) {
    constructors
        .iter()
        .partition(|constructor| constructor.parts.is_empty())
}

/// Names for the parts, which are none of the user's.
pub(super) fn numbered(parts: &[Part]) -> impl Iterator<Item = Ident> {
    (0..parts.len()).map(|i| format_ident!("part{i}", span = Span::mixed_site()))
}
