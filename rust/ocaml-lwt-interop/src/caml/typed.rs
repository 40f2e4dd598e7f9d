//! OCaml values with their types, as the functions take and give them that Rust calls.

use std::marker::PhantomData;

use super::lock::Access;
use super::root::Root;
use super::value::{self, Raw, UNIT, field, int_val, is_immediate, protect, tag};

/// OCaml types of which a value is known to be.
pub(crate) mod types {
    /// `'a Lwt.t`
    pub(crate) enum Promise {}
    /// `token`, see `lwt_to_rust/token.rs`
    pub(crate) enum Token {}
    /// `token` of `reader.ml`, see `rust_to_lwt/stream_token.rs`
    pub(crate) enum StreamToken {}
    /// `int`
    pub(crate) enum Int {}
    /// `bool`
    pub(crate) enum Bool {}
    /// `unit`
    pub(crate) enum Unit {}
}

/// A rooted value of the OCaml type `T`.
pub(crate) struct Typed<T>(ocaml::Value, PhantomData<fn() -> T>);

impl<T> Typed<T> {
    /// # Safety
    /// It is of that type.
    pub(crate) unsafe fn new(value: ocaml::Value) -> Self {
        Typed(value, PhantomData)
    }

    pub(crate) fn into_value(self) -> ocaml::Value {
        self.0
    }
}

/// The same, which any thread may hold.
pub(crate) struct TypedRoot<T>(Root, PhantomData<fn() -> T>);

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
}

/// What a function takes.
///
/// # Safety
/// It is of the OCaml type `T`, and rooted, or immediate. Giving it allocates nothing.
pub(crate) unsafe trait Argument<T> {
    fn raw(&self, access: Access<'_>) -> Raw;
}

// SAFETY: an immediate
unsafe impl Argument<types::Unit> for () {
    #[inline]
    fn raw(&self, _access: Access<'_>) -> Raw {
        UNIT
    }
}

// SAFETY: an immediate
unsafe impl Argument<types::Int> for isize {
    #[inline]
    fn raw(&self, _access: Access<'_>) -> Raw {
        value::int(*self)
    }
}

// SAFETY: an immediate
unsafe impl Argument<types::Bool> for bool {
    #[inline]
    fn raw(&self, _access: Access<'_>) -> Raw {
        value::bool(*self)
    }
}

// SAFETY: it is of that type, and rooted
unsafe impl<T> Argument<T> for Typed<T> {
    #[inline]
    fn raw(&self, _access: Access<'_>) -> Raw {
        self.0.raw()
    }
}

/// What a function gives.
pub(crate) trait Returned: Sized {
    /// # Safety
    /// The value is live, and of the type that this stands for. No allocation on the OCaml heap.
    unsafe fn of(access: Access<'_>, value: Raw) -> Self;
}

impl Returned for () {
    unsafe fn of(_access: Access<'_>, _unit: Raw) {}
}

impl Returned for bool {
    unsafe fn of(_access: Access<'_>, value: Raw) -> bool {
        int_val(value) != 0
    }
}

/// Of any type.
impl Returned for ocaml::Value {
    unsafe fn of(access: Access<'_>, value: Raw) -> ocaml::Value {
        // SAFETY: the caller's word
        unsafe { protect(access, value) }
    }
}

impl<T> Returned for Typed<T> {
    unsafe fn of(access: Access<'_>, value: Raw) -> Self {
        // SAFETY: the caller's word
        unsafe { Typed::new(protect(access, value)) }
    }
}

/// `'a Lwt.state`
pub(crate) enum PromiseState {
    Pending,
    Fulfilled(ocaml::Value),
    Rejected(ocaml::Value),
}

impl Returned for PromiseState {
    unsafe fn of(access: Access<'_>, state: Raw) -> Self {
        if is_immediate(state) {
            return PromiseState::Pending;
        }
        // SAFETY: the constructors with an argument, in order: `Return`, `Fail`
        unsafe {
            let value = protect(access, field(state, 0));
            match tag(state) {
                0 => PromiseState::Fulfilled(value),
                _ => PromiseState::Rejected(value),
            }
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
