//! What is in an object, and who uses it; see the rules in [`objects`](super).

use std::any::Any;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};

use super::disposal::{Place, dispose};
use crate::checked::{AtomicBool, AtomicUsize, Ordering, shared_static};
use crate::conversion::declare::{Coming, Going, OCamlType};
use crate::home::{AtHome, Home, Runnable, Scope, holds_lwts_lock, lwt_home, visitor};
use crate::lock::{Mutex, MutexGuard};

/// A type whose values are objects for OCaml: [`#[object]`](macro@crate::object) makes it one. It is a bound for code that is for all
/// of them:
///
/// ```
/// # use ocaml_lwt_interop::{OCamlObject, Object};
/// fn is_among<T: OCamlObject>(wanted: &Object<T>, all: &[Object<T>]) -> bool {
///     all.iter().any(|object| Object::ptr_eq(wanted, object))
/// }
///
/// #[ocaml_lwt_interop::object]
/// pub struct Label { pub text: String }
///
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn label(text: String) -> Label {
///     Label { text }
/// }
///
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn is_labelled(with: Object<Label>, labels: Vec<Object<Label>>) -> bool {
///     is_among(&with, &labels)
/// }
/// ```
///
/// # Safety
/// `IS_SEND` only where it is `Send`, `IS_SHARED` only where it is `Send` and `Sync`. The declaration of the type is that of an
/// object.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object of Rust's that OCaml has",
    label = "no `#[ocaml_lwt_interop::object]`",
    note = "a struct or enum of your own is one with `#[ocaml_lwt_interop::object]`; an argument that is borrowed, and the `self` \
            of a method, are objects",
    note = "of everything else a function takes an owned value: `T` for `&T`, `Vec<T>` for `&[T]`"
)]
pub unsafe trait OCamlObject:
    OCamlType<Coming> + OCamlType<Going> + Sized + 'static
{
    /// Its name in OCaml.
    #[doc(hidden)]
    const NAME: &'static str;
    /// The path of its module in OCaml, as Rust writes paths.
    #[doc(hidden)]
    const MODULE: &'static str;
    #[doc(hidden)]
    const IS_SEND: bool;
    #[doc(hidden)]
    const IS_SHARED: bool;
    /// Its destructor is to run at home.
    #[doc(hidden)]
    const DROPS_AT_HOME: bool;

    /// How many bytes it takes in all, as far as OCaml's GC should know: it collects more often the more that is. Asked each time
    /// that the object is given to OCaml.
    #[doc(hidden)]
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

shared_static! {
    /// How many objects there ever were.
    static MADE: AtomicUsize = AtomicUsize::new(0);
}
shared_static! {
    /// How many of them are gone.
    static GONE: AtomicUsize = AtomicUsize::new(0);
}

/// See [`crate::Stats`]. From any thread.
pub(crate) fn live_objects() -> usize {
    let gone = GONE.load(Ordering::Acquire);
    MADE.load(Ordering::Relaxed).saturating_sub(gone)
}

/// What OCaml has of an object.
struct Blocks<T: OCamlObject> {
    /// Those that are not collected.
    count: usize,
    /// Their use.
    user: Option<Arc<Cell<T>>>,
    /// Whether the thread that runs Lwt gave OCaml the first of them: then only who has the lock of its domain takes `user`.
    is_lwts: Option<bool>,
}

/// An object.
pub(super) struct Cell<T: OCamlObject> {
    value: ManuallyDrop<T>,
    /// From now on no block is good for a call.
    closed: AtomicBool,
    blocks: Mutex<Blocks<T>>,
    /// How many calls on the thread that runs Lwt borrow it. Only that thread changes it; who has the lock of its domain may look.
    borrows: AtomicUsize,
    /// The last of them is to look whether OCaml still uses the object. With that lock, too.
    must_look: AtomicBool,
    /// Of one that is not shared: the thread that made it.
    thread: Option<ThreadId>,
    /// Where OCaml was first given it.
    home: OnceLock<&'static Home>,
}

// SAFETY: of a value that is not `Send` and `Sync` no other thread than its own gets a reference: a handle does not leave that,
// since it is neither, and a block asks `is_usable_here`; and its destructor runs there as well (`Drop`)
unsafe impl<T: OCamlObject> Send for Cell<T> {}
// SAFETY: as above
unsafe impl<T: OCamlObject> Sync for Cell<T> {}

impl<T: OCamlObject> Cell<T> {
    /// Whether this thread may use what is in it.
    #[inline]
    pub(super) fn is_usable_here(&self) -> bool {
        T::IS_SHARED || self.thread == Some(thread::current().id())
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn value(&self) -> &T {
        &self.value
    }

    /// OCaml is given another block. Whether calls on the thread that runs Lwt may borrow it.
    fn add_block(self: &Arc<Self>) -> bool {
        let at = AtHome::here();
        // What is bound to a thread that only calls waits for its next call.
        let visiting = || self.thread.and_then(|_| visitor::here());
        if let Some(at) = at.or_else(visiting) {
            self.home.get_or_init(|| at.home());
        }
        // The child of a `fork` keeps it for ever.
        let Some(mut blocks) = self.blocks.lock() else {
            std::mem::forget(self.clone());
            return false;
        };
        blocks.count += 1;
        if blocks.user.is_none() && !self.is_closed() {
            blocks.user = Some(self.clone());
        }
        *blocks
            .is_lwts
            .get_or_insert_with(|| at.is_some_and(|at| at.home().is_lwt()))
    }

    /// OCaml is a user no more, if it was closed or no block is left. From any thread, inside the collector too.
    fn let_go(&self, mut blocks: MutexGuard<'_, Blocks<T>>) {
        if blocks.count > 0 && !self.is_closed() {
            return;
        }
        if blocks.is_lwts == Some(true) {
            if !holds_lwts_lock() {
                let user = blocks.user.clone();
                drop(blocks);
                return let_go_where_lwt_runs(user);
            }
            if self.borrows.load(Ordering::Relaxed) > 0 {
                return self.must_look.store(true, Ordering::Relaxed);
            }
        }
        let user = blocks.user.take();
        drop(blocks);
        drop(user);
    }

    /// On the thread that runs Lwt, as are these: with its lock, so the order of the numbers needs no more.
    #[inline]
    pub(super) fn begin_borrow(&self) {
        let borrows = self.borrows.load(Ordering::Relaxed);
        self.borrows.store(borrows + 1, Ordering::Relaxed);
    }

    /// After [`Cell::begin_borrow`]. What comes back may be the last user, and goes when nobody looks at the object any more.
    #[inline]
    #[must_use]
    pub(super) fn end_borrow(&self) -> Option<Arc<Self>> {
        let borrows = self.borrows.load(Ordering::Relaxed) - 1;
        self.borrows.store(borrows, Ordering::Relaxed);
        match borrows == 0 && self.must_look.load(Ordering::Relaxed) {
            true => self.look(),
            false => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn look(&self) -> Option<Arc<Self>> {
        self.must_look.store(false, Ordering::Relaxed);
        let blocks = self.blocks.lock()?;
        let user = blocks.user.clone();
        self.let_go(blocks);
        user
    }
}

/// Whoever borrows the object does so there.
#[cold]
fn let_go_where_lwt_runs<T: OCamlObject>(user: Option<Arc<Cell<T>>>) {
    if let (Some(user), Some(home)) = (user, lwt_home()) {
        home.queue_anywhere(Runnable::Settle(Box::new(move |_: &Scope| {
            if let Some(blocks) = user.blocks.lock() {
                user.let_go(blocks);
            }
        })));
    }
}

impl<T: OCamlObject> Drop for Cell<T> {
    fn drop(&mut self) {
        // SAFETY: nobody looks at it any more
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        let home = self.home.get().copied();
        let place = match self.thread {
            Some(thread) if !T::IS_SEND => Place::Thread(thread, home),
            _ if T::DROPS_AT_HOME => Place::Home(home),
            _ => Place::Anywhere,
        };
        // SAFETY: `T` is `Send`, or this is its thread
        unsafe {
            dispose(value, place, || {
                GONE.fetch_add(1, Ordering::Release);
            });
        }
    }
}

/// A cell of whatever type, as a block has it.
pub(super) trait AnyCell: Send + Sync {
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    /// OCaml has closed a block: none is good for a call any more.
    fn close(&self);
    /// The GC has collected a block. Called from a finaliser, on any thread.
    fn block_collected(&self);
}

impl<T: OCamlObject> AnyCell for Cell<T> {
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(blocks) = self.blocks.lock() {
            self.let_go(blocks);
        }
    }

    fn block_collected(&self) {
        let Some(mut blocks) = self.blocks.lock() else {
            return;
        };
        blocks.count -= 1;
        if blocks.count == 0 {
            self.let_go(blocks);
        }
    }
}

/// An object, as Rust has it: a counted reference, which gives a `&T`.
///
/// ```
/// # use ocaml_lwt_interop::Object;
/// #[ocaml_lwt_interop::object]
/// pub struct Counter { count: std::sync::atomic::AtomicIsize }
///
/// #[ocaml_lwt_interop::func]
/// pub async fn counters(of: isize) -> Vec<Object<Counter>> {
///     (0..of).map(|n| Counter { count: n.into() }.into()).collect()
/// }
/// ```
///
/// In OCaml it is a value of the abstract type that the declarations have for `T`, as it is when a `#[func]` returns a `T` by value.
/// An argument `&T` is taken as one, and so is `&self`; one that is to be given on is an `Object<T>`. It crosses wherever other
/// types do: in records, lists, options, as an argument and a result of OCaml's functions, in streams.
///
/// All that OCaml is given of one `Object` and its clones is one object: closing it closes all.
///
/// It is `Send` where `T` is `Send` and `Sync`. Where that is not so the object stays on its thread, which is home.
pub struct Object<T: OCamlObject> {
    cell: Arc<Cell<T>>,
    /// `Send` and `Sync` no more than that.
    like: PhantomData<Arc<T>>,
}

impl<T: OCamlObject> Object<T> {
    /// Makes an object of a value.
    pub fn new(value: T) -> Self {
        MADE.fetch_add(1, Ordering::Relaxed);
        Object::of(Arc::new(Cell {
            value: ManuallyDrop::new(value),
            closed: AtomicBool::new(false),
            blocks: Mutex::new(Blocks {
                count: 0,
                user: None,
                is_lwts: None,
            }),
            borrows: AtomicUsize::new(0),
            must_look: AtomicBool::new(false),
            thread: (!T::IS_SHARED).then(|| thread::current().id()),
            home: OnceLock::new(),
        }))
    }

    #[inline]
    pub(super) fn of(cell: Arc<Cell<T>>) -> Self {
        Object {
            cell,
            like: PhantomData,
        }
    }

    /// OCaml is given a block of it.
    pub(super) fn add_block(&self) -> (&Arc<Cell<T>>, bool) {
        let is_lwts = self.cell.add_block();
        (&self.cell, is_lwts)
    }

    /// Whether this thread may use it.
    pub(super) fn is_usable_here(&self) -> bool {
        self.cell.is_usable_here()
    }

    /// Closes it for OCaml, as the `close` of its module does: calls that begin later raise an exception. The object lives on for as
    /// long as Rust uses it. On a thread without OCaml's lock, OCaml's use of it ends in the next turn of Lwt's loop.
    pub fn close(this: &Self) {
        this.cell.close();
    }

    /// Whether it was closed for OCaml.
    pub fn is_closed(this: &Self) -> bool {
        this.cell.is_closed()
    }

    /// Whether both are the same object.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        Arc::ptr_eq(&this.cell, &other.cell)
    }
}

impl<T: OCamlObject> Deref for Object<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.cell.value
    }
}

impl<T: OCamlObject> AsRef<T> for Object<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: OCamlObject> Clone for Object<T> {
    fn clone(&self) -> Self {
        Object::of(self.cell.clone())
    }
}

impl<T: OCamlObject> From<T> for Object<T> {
    fn from(value: T) -> Self {
        Object::new(value)
    }
}

impl<T: OCamlObject + std::fmt::Debug> std::fmt::Debug for Object<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        T::fmt(self, f)
    }
}
