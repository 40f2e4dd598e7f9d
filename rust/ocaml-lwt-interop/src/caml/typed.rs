//! OCaml values with their types, as OCaml's half gives them to Rust and takes them.

use std::marker::PhantomData;

use super::live::Live;
use super::lock::Access;
use super::root::Root;
use super::value::{self, Raw, UNIT, field, string, string_list};

/// OCaml types of which a value is known to be.
pub(crate) mod types {
    /// `'a Lwt.t`
    pub(crate) enum Promise {}
    /// `'a Lwt.t * 'a Lwt.u`: a promise, and what settles it
    pub(crate) enum Resolver {}
    /// `token`, see `lwt_to_rust/token.rs`
    pub(crate) enum Token {}
    /// `token` of `reader.ml`, see `rust_to_lwt/stream_token.rs`
    pub(crate) enum StreamToken {}
    /// `Storage.t`
    pub(crate) enum Storage {}
    /// `exn`
    pub(crate) enum Exception {}
    /// `Printexc.raw_backtrace option`
    pub(crate) enum Backtrace {}
    /// `string`
    pub(crate) enum String {}
    /// `string list`
    pub(crate) enum Strings {}
    /// `int`
    pub(crate) enum Int {}
    /// `bool`
    pub(crate) enum Bool {}
    /// `unit`
    pub(crate) enum Unit {}
    /// `'a`
    pub(crate) enum Any {}
}

/// A rooted value of the OCaml type `T`.
pub(crate) struct Typed<T>(ocaml::Value, PhantomData<fn() -> T>);

impl<T> Typed<T> {
    /// # Safety
    /// It is of that type, and rooted, or immediate.
    pub(crate) unsafe fn new(value: ocaml::Value) -> Self {
        Typed(value, PhantomData)
    }

    pub(crate) fn value(&self) -> &ocaml::Value {
        &self.0
    }

    pub(crate) fn into_value(self) -> ocaml::Value {
        self.0
    }

    /// For any thread. No allocation on the OCaml heap.
    pub(crate) fn into_root(self) -> TypedRoot<T> {
        TypedRoot(Root::of_rooted(self.0), PhantomData)
    }

    /// The same with a root of its own.
    pub(crate) fn root(&self, access: Access<'_>) -> TypedRoot<T> {
        TypedRoot(Root::of(access, &self.0), PhantomData)
    }
}

impl<T> Clone for Typed<T> {
    fn clone(&self) -> Self {
        Typed(self.0.clone(), PhantomData)
    }
}

impl Typed<types::String> {
    /// Allocates on the OCaml heap; runs no OCaml code.
    pub(crate) fn string(access: Access<'_>, text: &str) -> Self {
        Typed(string(access, text.as_bytes()), PhantomData)
    }

    /// A value as a string, if it is one. No allocation on the OCaml heap.
    pub(crate) fn as_string(access: Access<'_>, value: &ocaml::Value) -> Option<Self> {
        let live = Live::of(access, value);
        live.is_string().then(|| Typed(live.rooted(), PhantomData))
    }
}

impl Typed<types::Strings> {
    /// Allocates on the OCaml heap; runs no OCaml code.
    pub(crate) fn strings(access: Access<'_>, texts: &[String]) -> Self {
        Typed(string_list(access, texts), PhantomData)
    }
}

impl Typed<types::Backtrace> {
    /// `None`
    pub(crate) const NONE: Self = Typed(ocaml::Value::Raw(ocaml::sys::NONE), PhantomData);
}

/// The same, which any thread may hold.
pub(crate) struct TypedRoot<T>(Root, PhantomData<fn() -> T>);

impl<T> std::fmt::Debug for TypedRoot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> TypedRoot<T> {
    /// # Safety
    /// It is of that type.
    pub(crate) unsafe fn new(root: Root) -> Self {
        TypedRoot(root, PhantomData)
    }

    /// With a root of its own. No allocation on the OCaml heap.
    pub(crate) fn typed(&self, access: Access<'_>) -> Typed<T> {
        Typed(self.0.value(access), PhantomData)
    }

    /// Not rooted by itself. No allocation.
    #[inline]
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.0.get(access)
    }
}

/// What OCaml's half takes.
///
/// # Safety
/// It is of the OCaml type `T`, and rooted, or immediate. Giving it allocates nothing.
pub(crate) unsafe trait Argument<T> {
    fn raw(&self, access: Access<'_>) -> Raw;
}

macro_rules! arguments {
    ($([$($generics:tt)*] $rust:ty => $ocaml:ty, |$value:ident, $access:ident| $raw:expr;)*) => {$(
        // SAFETY: an immediate; or rooted, and of that type, or of any
        unsafe impl<$($generics)*> Argument<$ocaml> for $rust {
            #[inline]
            fn raw(&self, $access: Access<'_>) -> Raw {
                let $value = self;
                $raw
            }
        }
    )*};
}

arguments! {
    [] () => types::Unit, |_value, _access| UNIT;
    [] isize => types::Int, |value, _access| value::int(*value);
    [] bool => types::Bool, |value, _access| value::bool(*value);
    [] ocaml::Value => types::Any, |value, _access| value.raw();
    [T] Typed<T> => T, |value, _access| value.0.raw();
    [T] TypedRoot<T> => T, |value, access| value.get(access);
}

/// What OCaml's half gives: the value of a function that Rust calls, or an argument of one that it calls.
pub(crate) trait Given: Sized {
    /// # Safety
    /// The value is of the type that this stands for. No allocation on the OCaml heap.
    unsafe fn of(live: Live<'_>) -> Self;
}

/// What a value of another type would be, which OCaml's compiler has seen to.
const OF_ITS_TYPE: &str = "OCaml's half was built with this one";

macro_rules! given {
    ($([$($generics:tt)*] $rust:ty: |$live:ident| $how:expr;)*) => {$(
        impl<$($generics)*> Given for $rust {
            #[inline]
            unsafe fn of($live: Live<'_>) -> Self {
                $how
            }
        }
    )*};
}

given! {
    [] (): |_live| ();
    [] bool: |live| value::int_val(live.raw()) != 0;
    [] isize: |live| value::int_val(live.raw());
    [] usize: |live| value::int_val(live.raw()) as usize;
    [] f64: |live| live.double().expect(OF_ITS_TYPE);
    [] Vec<u8>: |live| live.bytes().expect(OF_ITS_TYPE).to_vec();
    // Of any type.
    [] ocaml::Value: |live| live.rooted();
    // As it is: not rooted.
    [] Raw: |live| live.raw();
}

impl<T: Given> Given for Option<T> {
    unsafe fn of(live: Live<'_>) -> Self {
        // SAFETY: by the caller's word; what is not `None` is a block of one field
        live.field(0).map(|value| unsafe { T::of(value) })
    }
}

impl<T> Given for Typed<T> {
    #[inline]
    unsafe fn of(live: Live<'_>) -> Self {
        Typed(live.rooted(), PhantomData)
    }
}

/// `'a Lwt.state`
pub(crate) enum PromiseState {
    Pending,
    Fulfilled(ocaml::Value),
    Rejected(Typed<types::Exception>),
}

impl Given for PromiseState {
    unsafe fn of(live: Live<'_>) -> Self {
        // The constructors with an argument, in order: `Return`, `Fail`.
        let Some(argument) = live.field(0).map(Live::rooted) else {
            return PromiseState::Pending;
        };
        match live.is_tagged(0) {
            true => PromiseState::Fulfilled(argument),
            false => PromiseState::Rejected(Typed(argument, PhantomData)),
        }
    }
}

/// A promise that is pending.
pub(crate) struct PendingPromise {
    /// Not rooted, but a part of what the resolver keeps: see [`promise_of`].
    pub(crate) promise: Raw,
    pub(crate) resolver: TypedRoot<types::Resolver>,
}

impl Given for PendingPromise {
    #[inline]
    unsafe fn of(live: Live<'_>) -> Self {
        PendingPromise {
            // SAFETY: a live pair
            promise: unsafe { field(live.raw(), 0) },
            resolver: TypedRoot(Root::of_live(live), PhantomData),
        }
    }
}

/// The promise that a resolver settles, with a root of its own. No allocation on the OCaml heap.
pub(crate) fn promise_of(
    access: Access<'_>,
    resolver: &TypedRoot<types::Resolver>,
) -> Typed<types::Promise> {
    let promise = resolver.0.live(access).field(0).expect(OF_ITS_TYPE);
    Typed(promise.rooted(), PhantomData)
}

/// What OCaml says of an exception, `string * Printexc.raw_backtrace option`.
pub(crate) struct Described {
    pub(crate) message: Vec<u8>,
    pub(crate) backtrace: TypedRoot<types::Backtrace>,
}

impl Described {
    /// Nothing but this.
    pub(crate) fn with_message(message: &str) -> Self {
        Described {
            message: message.as_bytes().to_vec(),
            backtrace: TypedRoot(Root::Immediate(Raw(ocaml::sys::NONE)), PhantomData),
        }
    }
}

impl Given for Described {
    unsafe fn of(live: Live<'_>) -> Self {
        let part = |i| live.field(i).expect(OF_ITS_TYPE);
        Described {
            message: part(0).bytes().expect(OF_ITS_TYPE).to_vec(),
            backtrace: TypedRoot(Root::of_live(part(1)), PhantomData),
        }
    }
}

/// The arguments of a function, for each time that it is called.
pub(crate) trait Arguments<A> {
    fn raw(&self, access: Access<'_>) -> ([Raw; 3], usize);
}

impl<T, A: Argument<T>> Arguments<(T,)> for (&A,) {
    #[inline]
    fn raw(&self, access: Access<'_>) -> ([Raw; 3], usize) {
        ([self.0.raw(access), UNIT, UNIT], 1)
    }
}

impl<T, U, A: Argument<T>, B: Argument<U>> Arguments<(T, U)> for (&A, &B) {
    #[inline]
    fn raw(&self, access: Access<'_>) -> ([Raw; 3], usize) {
        ([self.0.raw(access), self.1.raw(access), UNIT], 2)
    }
}

impl<T, U, V, A, B, C> Arguments<(T, U, V)> for (&A, &B, &C)
where
    A: Argument<T>,
    B: Argument<U>,
    C: Argument<V>,
{
    #[inline]
    fn raw(&self, access: Access<'_>) -> ([Raw; 3], usize) {
        let raw = [self.0.raw(access), self.1.raw(access), self.2.raw(access)];
        (raw, 3)
    }
}
