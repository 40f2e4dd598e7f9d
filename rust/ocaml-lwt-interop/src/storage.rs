//! What Lwt's keys are bound to (`Lwt.with_value`): Lwt's *storage*. It follows a call into each OCaml function that the
//! call's Rust code calls.
//!
//! 1. On the thread that runs Lwt, the storage is Lwt's own, a global of `lwt.ml`. While a task is polled or dropped, it is
//!    set to what was bound when the task's call was made. In the rest of a tick nothing is bound. Each time the storage is
//!    put back afterwards, so that OCaml code finds what it has bound.
//! 2. On all other threads, worker domains too, nobody touches Lwt's storage: it belongs to that one thread. There a
//!    thread-local variable passes storages along, [`Storage::running`]: from the call to its body, and from there home.
//! 3. A handle of a function remembers the storage that it was received with. It is for code that is in no call, as far as
//!    we can know: tasks that `tokio::spawn` made, plain threads, and what those send home.
//! 4. Lwt 6 lets us read and write its storage. Lwt 5 does not. There OCaml's half keeps the storage and binds it with
//!    Lwt callbacks (`storage_public.ml`), which costs a hundred nanoseconds. So we first ask whether the program has
//!    keys at all.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::caml::{Callbacks, Typed, TypedRoot, types};
use crate::home::{AtHome, BARE, Scope};

/// What is bound at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Storage(Option<Arc<TypedRoot<types::Storage>>>);

/// Where [`Storage::bind`] is called from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// A tick, with none of OCaml's code in between: nothing is bound, unless an exception has left it so.
    Tick,
    /// OCaml code, which may have bound anything.
    Anywhere,
}

thread_local! {
    /// What is bound in the call whose code runs on this thread, if one's does, and this is not the thread that runs Lwt.
    static RUNNING: RefCell<Option<Storage>> = const { RefCell::new(None) };
    /// On a domain thread: a task is polled that is in no call.
    static OUTSIDE: Cell<bool> = const { Cell::new(false) };
}

impl Storage {
    pub(crate) const NOTHING: Storage = Storage(None);

    /// No allocation on the OCaml heap.
    fn new(storage: Typed<types::Storage>) -> Storage {
        match storage.value() {
            ocaml::Value::Raw(_) => Storage::NOTHING,
            ocaml::Value::Root(_) => Storage(Some(Arc::new(storage.into_root()))),
        }
    }

    /// What is bound here and now. May run OCaml code, none of the user's, and collect.
    pub(crate) fn bound(scope: &Scope) -> Storage {
        let home = scope.home();
        if !home.is_lwt() {
            return Self::running().unwrap_or_default();
        }
        if let Some(now) = home.lwts_storage(scope).now() {
            return Storage::new(now);
        }
        // What a signal handler raises has nothing to do with it. Where an exception comes each time, nobody is bound rather than
        // another.
        home.call_until_returned(scope, &Callbacks::BOUND, &(&(),))
            .map_or_else(|_| Storage::default(), Storage::new)
    }

    /// Whether nothing can be bound, where OCaml's half has looked, or where it need not.
    #[inline]
    pub(crate) fn is_nothing_bound(scope: &Scope) -> bool {
        scope.home().lwts_storage(scope).is_zero()
    }

    /// What is bound in the call whose code runs on this thread; `None` when nobody's does, as far as this thread can
    /// know. Where Lwt runs, as [`Storage::bound`]; outside of scopes there is nothing.
    pub(crate) fn running() -> Option<Storage> {
        if OUTSIDE.get() {
            return None;
        }
        match AtHome::here().filter(|at| at.home().is_lwt()) {
            Some(at) => Scope::with_current(at.home(), Storage::bound),
            None => RUNNING
                .try_with(|running| running.borrow().clone())
                .ok()
                .flatten(),
        }
    }

    /// Runs `f`, code of the call that this is the storage of, on a thread that does not run Lwt.
    pub(crate) fn with_running<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore(Option<Storage>);
        impl Drop for Restore {
            fn drop(&mut self) {
                let inner = RUNNING.replace(self.0.take());
                drop(inner);
            }
        }
        let _restore = Restore(RUNNING.replace(Some(self.clone())));
        f()
    }

    /// From now on this thread, which does not run Lwt, runs code of the call that this is the storage of, or of none.
    pub(crate) fn run_until_next(storage: Option<Storage>) {
        drop(RUNNING.replace(storage));
    }

    /// Runs `f` with this bound, and nothing else; what was bound before is bound again when it returns. May run OCaml
    /// code, none of the user's but what `f` runs, and collect.
    #[inline]
    pub(crate) fn bind<R>(&self, scope: &Scope, from: From, f: impl FnOnce() -> R) -> R {
        if !scope.home().is_lwt() {
            return self.with_running(f);
        }
        if self.is_bound(scope, from) {
            return f();
        }
        self.bind_slow(scope, f)
    }

    /// Whether this is bound where Lwt runs, and nothing else.
    #[inline]
    pub(crate) fn is_bound(&self, scope: &Scope, from: From) -> bool {
        let is_bare = || from == From::Tick && BARE.get();
        scope.home().is_lwt() && self.0.is_none() && (Storage::is_nothing_bound(scope) || is_bare())
    }

    /// Runs `f`, which calls a function by a handle that remembers this: rule 3.
    #[inline]
    pub(crate) fn of_handle<R>(&self, scope: &Scope, f: impl FnOnce() -> R) -> R {
        if OUTSIDE.get() {
            outside(false, || self.bind(scope, From::Anywhere, f))
        } else {
            f()
        }
    }

    #[cold]
    fn bind_slow<R>(&self, scope: &Scope, f: impl FnOnce() -> R) -> R {
        if let Some(_written) = Written::new(scope, self) {
            return f();
        }
        let mut f = Some(f);
        let mut result = None;
        self.bind_by_callback(scope, &mut || {
            if let Some(f) = f.take() {
                result = Some(catch_unwind(AssertUnwindSafe(f)));
            }
        });
        match result.expect("it was called") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Calls `f`, which catches its panics, with the help of OCaml's half.
    fn bind_by_callback(&self, scope: &Scope, f: &mut dyn FnMut()) {
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                BARE.set(self.0);
            }
        }
        let _restore = Restore(BARE.get());
        let has_run = Cell::new(false);
        let mut run = || {
            has_run.set(true);
            BARE.set(self.0.is_none());
            f();
        };
        let mut closure: Closure<'_> = &mut run;
        // An address fits in an OCaml `int`.
        let number = (&raw mut closure).expose_provenance() as isize;
        while !has_run.get() {
            // The closure lives in this frame, and nobody else uses it meanwhile. An exception is a signal handler's, before or after
            // the closure has run.
            let (home, under) = (scope.home(), &Callbacks::UNDER);
            let bound = match &self.0 {
                Some(storage) => home.call(scope, under, &(&**storage, &number)),
                None => {
                    let nothing = home.lwts_storage(scope).nothing();
                    home.call(scope, under, &(&nothing, &number))
                }
            };
            if let Err(asynchronous) = bound {
                scope.home().escape(scope, &asynchronous);
            }
        }
    }
}

/// Runs `f`, the poll of a task or OCaml code, which is in no call, or in one.
#[inline]
pub(crate) fn outside<R>(is_outside: bool, f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            OUTSIDE.set(self.0);
        }
    }
    let _restore = Restore(OUTSIDE.replace(is_outside));
    f()
}

/// What OCaml knows by the address of its place.
type Closure<'a> = &'a mut dyn FnMut();

/// Calls the closure of that number. A panic of it aborts.
///
/// # Safety
/// OCaml calls, in [`Storage::bind_by_callback`].
pub(crate) unsafe fn run_closure(number: isize) {
    let closure = std::ptr::with_exposed_provenance_mut::<Closure<'_>>(number as usize);
    // SAFETY: the frame that made it waits for this to return, and does not touch it
    unsafe { (*closure)() }
}

/// Another storage in Lwt's place for it, until this is dropped.
struct Written<'a> {
    scope: &'a Scope<'a>,
    before: Typed<types::Storage>,
}

impl<'a> Written<'a> {
    /// `None`: Lwt does not show it.
    fn new(scope: &'a Scope<'a>, storage: &Storage) -> Option<Self> {
        let lwts = scope.home().lwts_storage(scope);
        let before = lwts.now()?;
        match &storage.0 {
            Some(storage) => lwts.set(&**storage),
            None => lwts.set(&lwts.nothing()),
        }
        Some(Written { scope, before })
    }
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        let lwts = self.scope.home().lwts_storage(self.scope);
        lwts.set(&self.before);
    }
}
