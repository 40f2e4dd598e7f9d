//! Descriptions of OCaml types: what a type is, where it stands, and the records and variants that it mentions.

use std::collections::{BTreeMap, BTreeSet};

/// An OCaml type.
///
/// ```
/// use std::collections::BTreeSet;
///
/// use ocaml::{FromValue, Value};
/// use ocaml_lwt_interop::{FromOCaml, OCamlList, OCamlType, Type, Types};
///
/// /// A set, which OCaml has as a list.
/// pub struct Set<T>(BTreeSet<T>);
///
/// // SAFETY: what a list is converted to, is converted further
/// unsafe impl<T: FromValue + Ord> FromValue for Set<T> {
///     fn from_value(value: Value) -> Self {
///         Set(OCamlList::from_value(value).into_iter().collect())
///     }
/// }
///
/// // SAFETY: it is converted from a list
/// unsafe impl<D, T: OCamlType<D>> OCamlType<D> for Set<T> {
///     fn ocaml_type(types: &mut Types) -> Type {
///         Type::applied("list", [T::ocaml_type(types)])
///     }
/// }
///
/// // SAFETY: nothing in it points into OCaml's heap
/// unsafe impl<T: FromOCaml + Ord> FromOCaml for Set<T> {}
///
/// /// How many of them are different.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn different(numbers: Set<isize>) -> usize {
///     numbers.0.len()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type(pub(super) Form);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// An `int` from 0 to 255.
    Byte,
    /// A parameter of the record or variant that is described.
    Var(usize),
    /// A type that OCaml has.
    Named(String, Vec<Type>),
    /// A type that is declared, by its key.
    Declared(String, Vec<Type>),
    Tuple(Vec<Type>),
    Arrow(Vec<Type>, Box<Type>),
    /// It has none, for this reason.
    Refused(String),
}

impl Type {
    /// A type that OCaml has already, without parameters: `Type::named("Uri.t")`.
    pub fn named(path: &str) -> Self {
        Self::applied(path, [])
    }

    /// A type that OCaml has already, with arguments: `Type::applied("Queue.t", [item])`.
    pub fn applied(path: &str, arguments: impl IntoIterator<Item = Type>) -> Self {
        Type(Form::Named(
            path.to_owned(),
            arguments.into_iter().collect(),
        ))
    }

    /// No type: the declarations of a function that mentions it are refused, for this reason.
    pub fn refused(why: impl Into<String>) -> Self {
        Type(Form::Refused(why.into()))
    }

    pub(super) fn var(number: usize) -> Self {
        Type(Form::Var(number))
    }

    pub(super) fn byte() -> Self {
        Type(Form::Byte)
    }

    pub(super) fn tuple(parts: Vec<Type>) -> Self {
        Type(match parts.len() {
            1 => Form::Refused(
                "OCaml has no tuple of one: take the value itself, or a struct with one field"
                    .to_owned(),
            ),
            _ => Form::Tuple(parts),
        })
    }

    pub(crate) fn arrow(arguments: Vec<Type>, result: Type) -> Self {
        Type(Form::Arrow(arguments, Box::new(result)))
    }
}

/// What a derive says of its type.
#[doc(hidden)]
#[derive(Debug)]
pub struct Declared {
    /// Its module and name: what tells it from others.
    pub key: &'static str,
    /// The name in Rust, or the one that is given for OCaml.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub docs: &'static [&'static str],
}

/// What a record or variant is.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// A record.
    Record {
        /// `[@@unboxed]`
        unboxed: bool,
        /// In order.
        fields: Vec<Field>,
    },
    /// A variant, or a struct without names, which has one constructor.
    Variant {
        /// `[@@unboxed]`
        unboxed: bool,
        /// In order.
        constructors: Vec<Constructor>,
    },
    /// An abstract type, in a module of its own.
    Object,
    /// A polymorphic variant.
    Polymorphic {
        /// In order.
        constructors: Vec<Constructor>,
    },
    /// A record of functions, in a module of its own: what Rust wants of OCaml.
    Interface {
        /// In order.
        methods: Vec<Method>,
    },
}

/// A function of an interface.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// In Rust.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub docs: &'static [&'static str],
    /// In order: how each is passed, and its type.
    pub arguments: Vec<(&'static str, Label, Type)>,
    /// What it gives, but for the promise.
    pub result: Type,
    /// Whether it gives it in a promise.
    pub promise: bool,
}

/// How OCaml passes an argument.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// By its place.
    None,
    /// `~label`
    Labelled(&'static str),
    /// `?label`
    Optional(&'static str),
}

/// A field of a record.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// In Rust.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub docs: &'static [&'static str],
    /// Its type.
    pub ty: Type,
}

/// A constructor of a variant.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constructor {
    /// In Rust.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub docs: &'static [&'static str],
    /// What it holds.
    pub parts: Parts,
}

/// What a constructor holds.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Parts without names, or nothing.
    Unnamed(Vec<Type>),
    /// An inline record.
    Named(Vec<Field>),
}

/// The records and variants that were described so far.
#[derive(Debug, Default)]
pub struct Types {
    /// By their keys. None while the description is being made.
    pub(super) declared: BTreeMap<String, Described>,
    /// Which descriptions were asked for, by the address of the type's function: a key is not enough, since two types may have
    /// one path, and a type with parameters that are numbers is another type for each. (Functions that are the same may have one
    /// address: they describe the same. One function may have two: what it describes is compared to itself.)
    asked: BTreeSet<usize>,
}

#[derive(Debug)]
pub(super) struct Described {
    pub(super) name: &'static str,
    pub(super) docs: &'static [&'static str],
    pub(super) parameters: usize,
    /// None while it is being made.
    pub(super) definition: Option<Definition>,
    /// Two descriptions were not the same.
    pub(super) differs: bool,
}

impl Types {
    /// A record or variant with these arguments, whose function this is. It is described when it is first asked for, and has to be
    /// the same as what its path stood for until then.
    #[doc(hidden)]
    pub fn declared(
        &mut self,
        declared: &Declared,
        asked: fn(&mut Types) -> Type,
        arguments: Vec<Type>,
        describe: impl FnOnce(&mut Types) -> Definition,
    ) -> Type {
        let Declared { key, name, docs } = *declared;
        if self.asked.insert(asked as usize) {
            self.declared.entry(key.to_owned()).or_insert(Described {
                name,
                docs,
                parameters: arguments.len(),
                definition: None,
                differs: false,
            });
            let definition = describe(self);
            let known = self.declared.get_mut(key).expect("it was just put there");
            match &known.definition {
                None => known.definition = Some(definition),
                Some(other) => known.differs |= *other != definition || known.name != name,
            }
        }
        Type(Form::Declared(key.to_owned(), arguments))
    }
}
