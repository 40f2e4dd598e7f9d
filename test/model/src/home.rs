//! An executor without OCaml, for the model checker: of the crate's `home/` the files that know nothing of OCaml, and as much of
//! the rest as their neighbours name.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::Context;

#[cfg(real_threads)]
use loom::sync::atomic::{AtomicPtr, Ordering};

use crate::status::{Status, status};
use crate::tasks::memory::Memory;
use crate::tasks::{Executor, Keeper};
use crate::wake::WakePath;

#[path = "../../../rust/ocaml-lwt-interop/src/home/queue.rs"]
mod queue;
#[path = "../../../rust/ocaml-lwt-interop/src/home/registry.rs"]
mod registry;
#[path = "../../../rust/ocaml-lwt-interop/src/home/runnable.rs"]
mod runnable;
#[path = "../../../rust/ocaml-lwt-interop/src/home/sending.rs"]
mod sending;

pub(crate) use queue::Queue;
pub(crate) use registry::{Key, Registry};
pub(crate) use runnable::{Runnable, Task};

/// So much that no tick ends by it.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) polls: u32,
    pub(crate) slice: std::time::Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            polls: u32::MAX,
            slice: std::time::Duration::MAX,
        }
    }
}

pub(crate) struct Local {
    pub(crate) queue: RefCell<Queue<Runnable>>,
    pub(crate) registry: RefCell<Registry<Task>>,
    memory: Memory,
    pub(crate) ticks: Cell<u32>,
    pub(crate) armed: Cell<bool>,
    pub(crate) closed: Cell<bool>,
    pub(crate) escaped: RefCell<Vec<()>>,
    pub(crate) budget: Cell<Budget>,
    /// How many scopes are open.
    scopes: Cell<u32>,
}

pub(crate) struct Home {
    is_lwt: bool,
    pub(crate) wake: WakePath<Runnable>,
    local: Local,
}

// SAFETY: `local` is touched by the domain thread only, as in the crate
unsafe impl Sync for Home {}
// SAFETY: as above
unsafe impl Send for Home {}

impl Home {
    pub(crate) fn is_lwt(&self) -> bool {
        self.is_lwt
    }

    pub(crate) fn local(&'static self, at: AtHome) -> &'static Local {
        assert!(std::ptr::eq(at.home, self));
        &self.local
    }

    pub(crate) fn arm(&'static self, _scope: &Scope) {
        unreachable!("no tick is at the end of its budget");
    }
}

// SAFETY: both proofs are made on the domain thread only, as in the crate
unsafe impl Executor for &'static Home {
    type At = AtHome;
    type Scope<'a> = Scope;
    type Key = Key;
    type Storage = ();

    const NO_KEY: Key = Key::NONE;

    fn here(self) -> Option<AtHome> {
        AtHome::of(self)
    }

    fn at(scope: &Scope) -> AtHome {
        scope.at()
    }

    fn is_child() -> bool {
        false
    }

    fn memory(&self, at: AtHome) -> &Memory {
        &self.local(at).memory
    }

    fn is_open(self, at: AtHome) -> bool {
        Home::is_open(self, at)
    }

    fn unregister(self, at: AtHome, key: Key) {
        let task = self.local(at).registry.borrow_mut().remove(key);
        drop(task);
    }

    fn poll<R>(
        _scope: &Scope,
        _in_call: bool,
        context: &mut Context<'_>,
        f: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        f(context)
    }

    fn is_bound(_scope: &Scope, _storage: &(), _in_tick: bool) -> bool {
        true
    }

    fn bind(_scope: &Scope, _storage: &(), _in_tick: bool, f: &mut dyn FnMut()) {
        f();
    }
}

// SAFETY: as in the crate
unsafe impl Keeper for &'static Home {
    fn register(self, at: AtHome, task: Task) -> Key {
        self.local(at).registry.borrow_mut().insert(task)
    }

    fn push(self, at: AtHome, task: Task) {
        Home::push(self, at, Runnable::Task(task));
    }

    fn wake(self, at: AtHome, task: Task) {
        self.wake_task(at, task);
    }

    fn send(self, task: Task) -> bool {
        self.send_task(task)
    }
}

/// Executors, for one order of the threads.
pub(crate) struct Homes(Vec<NonNull<Home>>);

impl Homes {
    pub(crate) fn new() -> Homes {
        Homes(Vec::new())
    }

    /// # Safety
    /// Nobody uses it when `self` is dropped.
    pub(crate) unsafe fn add(&mut self, is_lwt: bool) -> &'static Home {
        let home = Box::leak(Box::new(Home {
            is_lwt,
            wake: WakePath::new().unwrap(),
            local: Local {
                queue: RefCell::new(Queue::with_capacity(0)),
                registry: RefCell::default(),
                memory: Memory::default(),
                ticks: Cell::new(0),
                armed: Cell::new(false),
                closed: Cell::new(false),
                escaped: RefCell::default(),
                budget: Cell::default(),
                scopes: Cell::new(0),
            },
        }));
        self.0.push(NonNull::from(&mut *home));
        home
    }
}

impl Drop for Homes {
    fn drop(&mut self) {
        for home in self.0.drain(..) {
            // SAFETY: from a box; nobody uses it any more
            drop(unsafe { Box::from_raw(home.as_ptr()) });
        }
    }
}

loom::thread_local! {
    static HOME: Cell<Option<&'static Home>> = Cell::new(None);
    static HOLDS_LWTS_LOCK: Cell<bool> = Cell::new(false);
}

#[cfg(not(real_threads))]
std::thread_local! {
    /// One for each model, all of whose threads are one of the system's.
    static LWT_HOME: Cell<Option<&'static Home>> = const { Cell::new(None) };
}

#[cfg(not(real_threads))]
pub(crate) fn lwt_home() -> Option<&'static Home> {
    LWT_HOME.get()
}

#[cfg(not(real_threads))]
pub(crate) fn set_lwt_home(home: &'static Home) {
    LWT_HOME.set(Some(home));
}

#[cfg(real_threads)]
loom::lazy_static! {
    static ref LWT_HOME: AtomicPtr<Home> = AtomicPtr::new(std::ptr::null_mut());
}

#[cfg(real_threads)]
pub(crate) fn lwt_home() -> Option<&'static Home> {
    // SAFETY: there is none, or one that is there as long as its model runs
    unsafe { LWT_HOME.load(Ordering::Relaxed).as_ref() }
}

/// Before there are other threads.
#[cfg(real_threads)]
pub(crate) fn set_lwt_home(home: &'static Home) {
    LWT_HOME.store(std::ptr::from_ref(home).cast_mut(), Ordering::Relaxed);
}

/// The runtime lock of the domain that runs Lwt.
#[derive(Default)]
pub(crate) struct LwtsLock(loom::sync::Mutex<()>);

impl LwtsLock {
    pub(crate) fn lock(&self) -> Held<'_> {
        let held = Held {
            _guard: self.0.lock().unwrap(),
        };
        HOLDS_LWTS_LOCK.with(|holds| holds.set(true));
        held
    }
}

pub(crate) struct Held<'a> {
    _guard: loom::sync::MutexGuard<'a, ()>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        HOLDS_LWTS_LOCK.with(|holds| holds.set(false));
    }
}

pub(crate) fn holds_lwts_lock() -> bool {
    HOLDS_LWTS_LOCK.with(Cell::get)
}

/// There are none.
pub(crate) mod visitor {
    pub(crate) fn here() -> Option<super::AtHome> {
        None
    }
}

#[derive(Clone, Copy)]
pub(crate) struct AtHome {
    home: &'static Home,
    not_send: PhantomData<*const ()>,
}

impl AtHome {
    pub(crate) fn here() -> Option<AtHome> {
        HOME.with(Cell::get).map(|home| AtHome {
            home,
            not_send: PhantomData,
        })
    }

    pub(crate) fn of(home: &'static Home) -> Option<AtHome> {
        Self::here().filter(|at| std::ptr::eq(at.home, home))
    }

    pub(crate) fn install(home: &'static Home) -> AtHome {
        HOME.with(|here| here.set(Some(home)));
        Self::here().unwrap()
    }

    pub(crate) fn leave(self) {
        HOME.with(|here| here.set(None));
    }

    pub(crate) fn home(self) -> &'static Home {
        self.home
    }

    pub(crate) fn in_scope(self) -> bool {
        self.home.local.scopes.get() > 0
    }
}

pub(crate) struct Scope(AtHome);

impl Scope {
    pub(crate) fn enter(at: AtHome) -> Scope {
        at.home.local.scopes.set(at.home.local.scopes.get() + 1);
        Scope(at)
    }

    pub(crate) fn at(&self) -> AtHome {
        self.0
    }

    pub(crate) fn home(&self) -> &'static Home {
        self.0.home
    }

    pub(crate) fn is_outermost(&self) -> bool {
        self.0.home.local.scopes.get() == 1
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let local = &self.0.home.local;
        local.scopes.set(local.scopes.get() - 1);
        // As `signal_unless_armed` of the crate.
        let is_lwts = self.0.home.is_lwt && local.scopes.get() == 0;
        if is_lwts && !local.queue.borrow().is_empty() && status() != Status::Forked {
            self.0.home.wake.signal();
        }
    }
}
