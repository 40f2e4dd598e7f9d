//! OCaml's value of an object: a custom block, and how it is made and read.

use std::any::TypeId;
use std::cell::RefCell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use ocaml::{FromValue, Runtime, ToValue, Value};

use super::cell::{AnyCell, Cell, OCamlObject, Object};
use crate::caml::Live;
use crate::caml::lock::{Access, demand};
use crate::caml::owned_block::{self, Owned, owned_by};
use crate::conversion::declare::{OCamlType, Type, Types};
use crate::conversion::float::Float;
use crate::conversion::read::{self, Frame};
use crate::conversion::{FromOCaml, Reading, ToOCaml};
use crate::status::{Status, status};

/// What a block has.
pub(super) struct Block {
    ty: TypeId,
    /// The module of its type, in OCaml.
    module: &'static str,
    /// Without a user it is closed, and nothing is in it any more.
    cell: Weak<dyn AnyCell>,
    /// Where the memory of the cell is. `cell` says so as well, but of a type that is not known, which takes longer to compute.
    address: *const (),
    /// Whether calls on the thread that runs Lwt may borrow it, see rule 5.
    pub(super) is_lwts: bool,
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

/// Closes the object that a value is. False: it is none. Runs the destructor, if this was the last user and its place is here.
pub(crate) fn close(access: Access<'_>, value: &Value) -> bool {
    let Some(block) = owned_by::<Block>(Live::of(access, value)) else {
        return false;
    };
    if let Some(cell) = block.cell.upgrade() {
        cell.close();
    }
    true
}

/// The block of a value, which is one of a `T`, and what it refers to: its memory is there as long as the block is.
#[inline(always)]
pub(super) fn find<T: OCamlObject>(live: Live<'_>) -> Result<(&Block, *const Cell<T>), Refused> {
    match owned_by::<Block>(live) {
        // Of this type, so the address is that of such a cell.
        Some(block) if block.ty == TypeId::of::<T>() => Ok((block, block.address.cast())),
        other => Err(Refused::other_type::<T>(other)),
    }
}

/// Why a value is not taken as an object of some type.
pub(crate) struct Refused {
    pub(crate) why: String,
    /// It is one of that type, but was closed or belongs elsewhere.
    pub(crate) is_misuse: bool,
}

impl Refused {
    #[cold]
    #[inline(never)]
    pub(super) fn closed<T: OCamlObject>() -> Refused {
        Refused {
            why: format!(
                "this {} was closed, so nothing is in it any more: call its functions before `close`, or make another",
                T::NAME
            ),
            is_misuse: true,
        }
    }

    #[cold]
    #[inline(never)]
    fn elsewhere<T: OCamlObject>() -> Refused {
        Refused {
            why: format!(
                "this {} belongs to the thread that made it, and this is another one: its Rust type is not Send and Sync; call \
                 its functions there",
                T::NAME
            ),
            is_misuse: true,
        }
    }

    #[cold]
    #[inline(never)]
    fn other_type<T: OCamlObject>(found: Option<&Block>) -> Refused {
        let found = found.map(|block| block.module);
        let name_of = |module: &'static str| module.rsplit("::").next().unwrap_or(module);
        let (wanted, found) = match found {
            None => (T::NAME, "no object of Rust's"),
            // Two types of one name.
            Some(module) if name_of(module) == T::NAME => (T::MODULE, module),
            Some(module) => (T::NAME, name_of(module)),
        };
        Refused {
            why: format!(
                "not a {wanted} but {found}: the OCaml type of an external is wrong, or of an Obj.magic"
            ),
            is_misuse: false,
        }
    }

    /// For a conversion, which can only panic.
    #[cold]
    #[inline(never)]
    fn refuse(self) -> ! {
        if self.is_misuse {
            REFUSED.set(self.why.clone());
        }
        panic!("{}", self.why)
    }
}

thread_local! {
    /// What an object was refused with last that is not a value of the wrong type.
    static REFUSED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Whether a conversion that panicked with this text has refused an object which was closed, or belongs elsewhere.
pub(crate) fn was_refused(why: &str) -> bool {
    REFUSED.take() == why
}

impl<T: OCamlObject> Object<T> {
    /// Allocates nothing on the OCaml heap.
    #[inline]
    pub(super) fn of_block(live: Live<'_>) -> Result<Self, Refused> {
        let (block, _) = find::<T>(live)?;
        let cell = block.cell.upgrade().map(|cell| cell.into_any().downcast());
        // Of this type, by `find`.
        let Some(Ok(cell)) = cell else {
            return Err(Refused::closed::<T>());
        };
        let object: Object<T> = Object::of(cell);
        if Object::is_closed(&object) {
            return Err(Refused::closed::<T>());
        }
        if !object.is_usable_here() {
            return Err(Refused::elsewhere::<T>());
        }
        Ok(object)
    }
}

// SAFETY: a reference of its own, and nothing of OCaml's
unsafe impl<T: OCamlObject> FromOCaml for Object<T> {
    const FLOAT: Float = Float::Never;
    const READING: Reading = Reading::Panics;

    #[inline]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        Object::of_block(frame.live()).unwrap_or_else(|refused| refused.refuse())
    }

    fn has_shape(live: Live<'_>) -> bool {
        owned_by::<Block>(live)
            .is_some_and(|block| block.ty == TypeId::of::<T>() && block.cell.strong_count() > 0)
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
            let (cell, is_lwts) = self.add_block();
            let address = Arc::as_ptr(cell).cast();
            let cell: Arc<dyn AnyCell> = cell.clone();
            let block = Block {
                ty: TypeId::of::<T>(),
                module: T::MODULE,
                cell: Arc::downgrade(&cell),
                address,
                is_lwts,
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
