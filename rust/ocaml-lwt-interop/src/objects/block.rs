//! OCaml's value of an object: a custom block, and how it is made and read.

use std::cell::RefCell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use ocaml::{FromValue, Runtime, ToValue, Value};

use super::cell::{AnyCell, Cell, OCamlObject, Object};
use crate::caml::Raw;
use crate::caml::lock::demand;
use crate::caml::owned_block::{self, Owned};
use crate::conversion::declare::{OCamlType, Type, Types};
use crate::conversion::float::Float;
use crate::conversion::read::{self, Frame};
use crate::conversion::{FromOCaml, ToOCaml};
use crate::status::{Status, status};

/// What a block has.
struct Block {
    /// The module of its type, in OCaml.
    module: &'static str,
    /// Without a user it is closed, and nothing is in it any more.
    cell: Weak<dyn AnyCell>,
}

impl Owned for Block {
    const NAME: &'static CStr = c"ocaml_lwt_interop.object";

    /// What this lets go of goes elsewhere, see `disposal.rs`.
    fn collected(self) {
        // The destructor of what was let go of may wait for threads that the child of a `fork` does not have.
        if status() == Status::Forked {
            return std::mem::forget(self);
        }
        if let Some(cell) = self.cell.upgrade() {
            cell.block_collected();
        }
    }
}

/// The block that a value is, if it is one of an object.
///
/// # Safety
/// `value` is live until the reference is used no more. No allocation.
#[inline]
unsafe fn block_of<'a>(value: Raw) -> Option<&'a Block> {
    // SAFETY: as the caller's; what a block of ours owns is not changed before its finaliser
    unsafe { owned_block::is::<Block>(value).then(|| &*owned_block::owned::<Block>(value.0)) }
}

/// Closes the object that a value is. False: it is none. Runs the destructor, if this was the last user and its place is here.
///
/// # Safety
/// `value` is live.
pub(crate) unsafe fn close(value: Raw) -> bool {
    // SAFETY: as the caller's; the reference is not used once the cell has been
    let Some(block) = (unsafe { block_of(value) }) else {
        return false;
    };
    if let Some(cell) = block.cell.upgrade() {
        cell.close();
    }
    true
}

thread_local! {
    /// What an object was refused with last that is not a value of the wrong type.
    static REFUSED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Whether a conversion that panicked with this text has refused an object which was closed, or belongs elsewhere.
pub(crate) fn was_refused(why: &str) -> bool {
    REFUSED.take() == why
}

#[cold]
#[inline(never)]
fn refuse(why: String) -> ! {
    REFUSED.set(why.clone());
    panic!("{why}")
}

fn refuse_closed(name: &str) -> ! {
    refuse(format!(
        "this {name} was closed, so nothing is in it any more: call its functions before `close`, or make another"
    ))
}

fn refuse_elsewhere(name: &str) -> ! {
    refuse(format!(
        "this {name} belongs to the thread that made it, and this is another one: its Rust type is not Send and Sync; call its \
         functions there"
    ))
}

#[cold]
#[inline(never)]
fn wrong_type<T: OCamlObject>(found: Option<&Block>) -> ! {
    let found = found.map(|block| block.module);
    let name_of = |module: &'static str| module.rsplit("::").next().unwrap_or(module);
    let (wanted, found) = match found {
        None => (T::NAME, "no object of Rust's"),
        // Two types of one name.
        Some(module) if name_of(module) == T::NAME => (T::MODULE, module),
        Some(module) => (T::NAME, name_of(module)),
    };
    panic!("not a {wanted} but {found}: the OCaml type of an external is wrong, or of an Obj.magic")
}

// SAFETY: a reference of its own, and nothing of OCaml's
unsafe impl<T: OCamlObject> FromOCaml for Object<T> {
    const FLOAT: Float = Float::Never;

    #[inline]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: the value is live, and nothing is allocated here
        let block = unsafe { block_of(frame.value()) };
        let Some(Block { module, cell }) = block else {
            wrong_type::<T>(None);
        };
        let Some(cell) = cell.upgrade() else {
            match *module == T::MODULE {
                true => refuse_closed(T::NAME),
                false => wrong_type::<T>(block),
            }
        };
        let Ok(cell) = cell.into_any().downcast::<Cell<T>>() else {
            wrong_type::<T>(block);
        };
        if cell.is_closed() {
            drop(cell);
            refuse_closed(T::NAME);
        }
        if !cell.is_usable_here() {
            drop(cell);
            refuse_elsewhere(T::NAME);
        }
        Object::of(cell)
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: the value is live, and nothing is allocated here
        unsafe { block_of(value) }
            .and_then(|block| block.cell.upgrade())
            .is_some_and(|cell| cell.into_any().is::<Cell<T>>())
    }
}

// SAFETY: as above
unsafe impl<T: OCamlObject> FromValue for Object<T> {
    fn from_value(value: Value) -> Self {
        read::convert(value)
    }
}

// SAFETY: the block is rooted
unsafe impl<T: OCamlObject> ToOCaml for Object<T> {
    const FLOAT: Float = Float::Never;
}

// SAFETY: the block is rooted
unsafe impl<T: OCamlObject> ToValue for Object<T> {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        demand("an object was given to OCaml", |access| {
            let bytes = self
                .bytes()
                .saturating_add(size_of::<Cell<T>>() - size_of::<T>());
            let cell: Arc<dyn AnyCell> = self.add_block().clone();
            let block = Block {
                module: T::MODULE,
                cell: Arc::downgrade(&cell),
            };
            owned_block::alloc(access, block, bytes)
        })
    }
}

// SAFETY: a block of it is of the type that `T` declares
unsafe impl<D, T: OCamlObject + OCamlType<D>> OCamlType<D> for Object<T> {
    fn ocaml_type(types: &mut Types) -> Type {
        <T as OCamlType<D>>::ocaml_type(types)
    }
}

/// What the compiler knows of a type; the inherent constants go before those of the traits.
#[doc(hidden)]
pub struct Probe<T>(PhantomData<T>);

impl<T: Send> Probe<T> {
    /// It is `Send`.
    pub const IS_SEND: bool = true;
}

impl<T: Send + Sync> Probe<T> {
    /// It is `Send` and `Sync`.
    pub const IS_SHARED: bool = true;
}

impl<T: OCamlObject> Probe<T> {
    /// The path of its module in OCaml.
    pub const MODULE: Option<&'static str> = Some(T::MODULE);
}

/// A type that is no object.
#[doc(hidden)]
pub trait NotObject {
    /// It is none.
    const MODULE: Option<&'static str> = None;
}
impl<T> NotObject for Probe<T> {}

/// A type that is not `Send`.
#[doc(hidden)]
pub trait NotSend {
    /// It is not.
    const IS_SEND: bool = false;
}
impl<T> NotSend for Probe<T> {}

/// A type that is not `Send` and `Sync`.
#[doc(hidden)]
pub trait NotShared {
    /// It is not.
    const IS_SHARED: bool = false;
}
impl<T> NotShared for Probe<T> {}

/// The macro asks this of each object that a function on a thread of Tokio's takes, at its place in the user's code, so that the
/// compiler says which one cannot be there. An object that is not both stays at home.
#[doc(hidden)]
#[inline]
pub const fn object_on_a_thread_of_tokios<T: Send + Sync>() {}
