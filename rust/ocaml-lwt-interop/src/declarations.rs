//! What functions and exceptions say about themselves. The OCaml declarations are written from it.
//!
//! 1. Each `#[func]` and each `#[derive(Exception)]` puts the address of a [`Declaration`] into one section of the library
//!    that it is linked into.
//! 2. The program that writes the declarations loads that library, and calls `ocaml_lwt_interop_declarations`. This function
//!    writes all declarations, and the types that they mention, as text. `ocaml/tool` reads the text.
//! 3. Linkers of ELF systems put symbols around a section whose name is one of C. (Apple's linker has names of its own for
//!    them, and a segment before the name of the section. Nobody has tried it there.)

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

use crate::conversion::declare::{Going, OCamlType, Parts, Type, Types};
use crate::conversion::description_text::{write_docs, write_string};
use crate::error::Error;

/// Gives a type, and puts those that it mentions into `Types`.
#[doc(hidden)]
pub type Describe = fn(&mut Types) -> Type;

/// A `#[func]`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Function {
    /// What OCaml's `external` links.
    pub symbol: &'static str,
    /// Its name in Rust.
    pub name: &'static str,
    /// The path of its module.
    pub module: &'static str,
    /// Where it stands.
    pub place: (&'static str, u32),
    /// The lines of its doc comment.
    pub docs: &'static [&'static str],
    /// In order.
    pub arguments: &'static [FunctionArgument],
    /// What OCaml gets, but for the promise.
    pub result: Describe,
    /// Whether OCaml gets it in a promise.
    pub promise: bool,
    /// Whether there is a symbol for bytecode.
    pub twin: bool,
}

/// An argument of a `#[func]`.
#[doc(hidden)]
#[derive(Debug)]
pub struct FunctionArgument {
    /// Its name in Rust.
    pub name: &'static str,
    /// Its label in OCaml.
    pub label: Label,
    /// Its type.
    pub ty: Describe,
}

pub use crate::conversion::declare::Label;

/// An exception that Rust declares.
#[doc(hidden)]
#[derive(Debug)]
pub struct DeclaredException {
    /// What OCaml registers it under: its module and name.
    pub key: &'static str,
    /// Its name in OCaml.
    pub name: &'static str,
    /// The path of its module.
    pub module: &'static str,
    /// Where it stands.
    pub place: (&'static str, u32),
    /// The lines of its doc comment.
    pub docs: &'static [&'static str],
    /// What it holds.
    pub parts: fn(&mut Types) -> Parts,
}

/// An interface that Rust declares, for OCaml to implement.
#[doc(hidden)]
#[derive(Debug)]
pub struct DeclaredInterface {
    /// The path of its module.
    pub module: &'static str,
    /// Its name in Rust.
    pub name: &'static str,
    /// Where it stands.
    pub place: (&'static str, u32),
    /// Its record of functions, which has its docs and its name.
    pub ty: Describe,
}

/// What the section holds.
#[doc(hidden)]
#[derive(Debug)]
pub enum Declaration {
    /// Nothing.
    None,
    /// A `#[func]`.
    Function(Function),
    /// A type with `#[derive(Exception)]`.
    Exception(DeclaredException),
    /// A trait with `#[interface]`.
    Interface(DeclaredInterface),
}

/// A type in one direction. The macro calls `(&&Described::<T, D>::NEW).ocaml_type(types)`, which finds [`Known`] for a type that
/// crosses, and [`Unknown`] for one that does not: that is said once, where it is converted.
#[doc(hidden)]
#[derive(Debug)]
pub struct Described<T, D>(PhantomData<fn() -> (T, D)>);

impl<T, D> Described<T, D> {
    /// The only value.
    pub const NEW: Self = Described(PhantomData);

    /// A stream of it.
    pub fn stream(self) -> Described<crate::RustStream<T>, D> {
        Described::NEW
    }
}

/// A type that says its OCaml type, as every type does that crosses.
#[doc(hidden)]
pub trait Known {
    /// Its OCaml type.
    fn ocaml_type(&self, types: &mut Types) -> Type;
}

impl<T: OCamlType<D>, D> Known for &Described<T, D> {
    fn ocaml_type(&self, types: &mut Types) -> Type {
        T::ocaml_type(types)
    }
}

/// Every other type: of one that does not cross the library does not compile; and a part of a generic type may need more of a
/// parameter than OCaml's parameters have.
#[doc(hidden)]
pub trait Unknown {
    /// None.
    fn ocaml_type(&self, types: &mut Types) -> Type;
}

impl<T, D> Unknown for Described<T, D> {
    fn ocaml_type(&self, _: &mut Types) -> Type {
        Type::refused(format!("no OCaml type for {}", std::any::type_name::<T>()))
    }
}

/// What the compiler says that a `#[func]` returns, of which OCaml gets a part. The macro calls `(&&&Returned::<R>::NEW).plain()`,
/// which finds [`ReturnedError`] for `Result<T, Error>`, [`ReturnedOCamlError`] for `Result<T, ocaml::Error>`, and
/// [`ReturnedValue`] for everything else. These are the rules of [`Output`](crate::rust_to_lwt::output::Output).
#[doc(hidden)]
#[derive(Debug)]
pub struct Returned<R>(PhantomData<fn() -> R>);

impl<R> Returned<R> {
    /// The only value.
    pub const NEW: Self = Returned(PhantomData);
}

/// `Result<T, ocaml_lwt_interop::Error>`
#[doc(hidden)]
pub trait ReturnedError<T> {
    /// What OCaml gets.
    fn plain(&self) -> Described<T, Going>;
}

impl<T> ReturnedError<T> for &&Returned<Result<T, Error>> {
    fn plain(&self) -> Described<T, Going> {
        Described::NEW
    }
}

/// `Result<T, ocaml::Error>`
#[doc(hidden)]
pub trait ReturnedOCamlError<T> {
    /// What OCaml gets.
    fn plain(&self) -> Described<T, Going>;
}

impl<T> ReturnedOCamlError<T> for &Returned<Result<T, ocaml::Error>> {
    fn plain(&self) -> Described<T, Going> {
        Described::NEW
    }
}

/// Every other type.
#[doc(hidden)]
pub trait ReturnedValue<T> {
    /// What OCaml gets.
    fn plain(&self) -> Described<T, Going>;
}

impl<T> ReturnedValue<T> for Returned<T> {
    fn plain(&self) -> Described<T, Going> {
        Described::NEW
    }
}

/// The version of the text.
const VERSION: usize = 1;

/// In the section even where nothing else is, so that the linker has it.
#[used]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = "rust_async_decl"))]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,rust_async_decl")
)]
static NONE: &Declaration = &Declaration::None;

unsafe extern "C" {
    #[cfg_attr(not(target_vendor = "apple"), link_name = "__start_rust_async_decl")]
    #[cfg_attr(
        target_vendor = "apple",
        link_name = "\u{1}section$start$__DATA$rust_async_decl"
    )]
    static START: [usize; 0];
    #[cfg_attr(not(target_vendor = "apple"), link_name = "__stop_rust_async_decl")]
    #[cfg_attr(
        target_vendor = "apple",
        link_name = "\u{1}section$end$__DATA$rust_async_decl"
    )]
    static STOP: [usize; 0];
}

/// All of this library.
fn section() -> &'static [&'static Declaration] {
    // It has to be linked where this is.
    std::hint::black_box(&NONE);
    let start = (&raw const START).cast::<&'static Declaration>();
    let stop = (&raw const STOP).cast::<&'static Declaration>();
    let count = (stop.addr() - start.addr()) / size_of::<&Declaration>();
    // SAFETY: the linker has put the two symbols around the section, which holds nothing but addresses of declarations: the macros
    // and `NONE` write it, and the name is this crate's. So all of it is aligned, and nothing in it is written. They live as
    // long as the library, which is not unloaded.
    unsafe { std::slice::from_raw_parts(start, count) }
}

/// The crate of a declaration.
fn crate_of(declaration: &Declaration) -> Option<&'static str> {
    let module = match declaration {
        Declaration::None => return None,
        Declaration::Function(function) => function.module,
        Declaration::Exception(exception) => exception.module,
        Declaration::Interface(interface) => interface.module,
    };
    module.split("::").next()
}

/// Whether there are interfaces that OCaml could implement.
pub(crate) fn has_interfaces() -> bool {
    let is = |declaration: &&&Declaration| matches!(declaration, Declaration::Interface(_));
    section().iter().any(|declaration| is(&declaration))
}

/// The crates that have declarations.
pub(crate) fn crates() -> BTreeSet<&'static str> {
    section().iter().filter_map(|it| crate_of(it)).collect()
}

/// The text of a crate's declarations as a number, by which two of them can be told apart: declarations that were made of
/// another text do not fit the crate. `None` for a crate that has none.
pub(crate) fn fingerprint(crate_name: &str) -> Option<String> {
    let of_crate: Vec<_> = section()
        .iter()
        .copied()
        .filter(|declaration| crate_of(declaration) == Some(crate_name))
        .collect();
    if of_crate.is_empty() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    write(&of_crate).hash(&mut hasher);
    Some(format!("{:016x}", hasher.finish()))
}

/// The text of a library: a fingerprint for each crate, and its declarations.
fn write_library() -> String {
    let mut text = write(section());
    for name in crates() {
        text.push_str("(crate ");
        write_string(&mut text, name);
        write_string(&mut text, &fingerprint(name).unwrap_or_default());
        text.push_str(")\n");
    }
    text
}

/// The text: first the types, then exceptions and functions, each in the order of their places.
fn write(section: &[&Declaration]) -> String {
    let mut types = Types::default();
    let mut text = String::new();
    let mut exceptions: Vec<_> = section
        .iter()
        .filter_map(|declaration| match declaration {
            Declaration::Exception(exception) => Some(exception),
            _ => None,
        })
        .collect();
    exceptions.sort_by_key(|e| (e.module, e.place, e.name));
    for exception in exceptions {
        exception.write(&mut types, &mut text);
    }
    let mut functions: Vec<_> = section
        .iter()
        .filter_map(|declaration| match declaration {
            Declaration::Function(function) => Some(function),
            _ => None,
        })
        .collect();
    functions.sort_by_key(|f| (f.module, f.place, f.name, f.symbol));
    for function in functions {
        function.write(&mut types, &mut text);
    }
    let mut interfaces: Vec<_> = section
        .iter()
        .filter_map(|declaration| match declaration {
            Declaration::Interface(interface) => Some(interface),
            _ => None,
        })
        .collect();
    interfaces.sort_by_key(|i| (i.module, i.place, i.name));
    for interface in interfaces {
        interface.write(&mut types, &mut text);
    }
    let mut all = format!("(rust-async-declarations {VERSION})\n");
    types.write(&mut all);
    all.push_str(&text);
    all
}

impl Function {
    fn write(&self, types: &mut Types, text: &mut String) {
        text.push_str("(function ");
        write_string(text, self.symbol);
        write_string(text, self.name);
        write_string(text, self.module);
        write_docs(text, self.docs);
        text.push_str(if self.promise { "promise " } else { "value " });
        text.push_str(if self.twin { "twin (" } else { "alone (" });
        for argument in self.arguments {
            text.push('(');
            write_string(text, argument.name);
            argument.label.write(text);
            (argument.ty)(types).write(text);
            text.push(')');
        }
        text.push(')');
        (self.result)(types).write(text);
        text.push_str(")\n");
    }
}

impl DeclaredInterface {
    fn write(&self, types: &mut Types, text: &mut String) {
        text.push_str("(interface ");
        write_string(text, self.module);
        (self.ty)(types).write(text);
        text.push_str(")\n");
    }
}

impl DeclaredException {
    fn write(&self, types: &mut Types, text: &mut String) {
        text.push_str("(exception ");
        write_string(text, self.key);
        write_string(text, self.name);
        write_string(text, self.module);
        write_docs(text, self.docs);
        (self.parts)(types).write(text);
        text.push_str(")\n");
    }
}

/// Gives the text and its length. It is never freed. Needs no OCaml runtime; from any thread.
///
/// # Safety
/// `length` is where a length can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_declarations(length: *mut usize) -> *const u8 {
    let text = write_library().leak();
    // SAFETY: as the caller's
    unsafe { *length = text.len() };
    text.as_ptr()
}
