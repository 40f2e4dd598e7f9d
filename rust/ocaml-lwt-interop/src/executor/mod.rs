//! The domain executor: the tasks of one OCaml domain, polled by its domain thread only.
//!
//! In flow order: [`context`] says where we are; [`task`] is what runs, with the states of [`task_state`]; [`tick`]
//! polls; [`start`] makes an executor at first use, and [`lifetime`] ends it.

pub(crate) mod context;
pub(crate) mod join;
pub(crate) mod lifetime;
mod registry;
pub(crate) mod start;
pub(crate) mod task;
mod task_state;
pub(crate) mod tick;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use context::{AtHome, Scope};
use lifetime::Status;
pub(crate) use registry::{Key, Registry};
use task::Task;

use crate::caml::{Callback, Callbacks, Guest, Raw, Root};
use crate::wake::Wake;
use crate::wake::state::Sleep;

/// What a tick runs, in the order of the queue.
pub(crate) enum Runnable {
    /// Poll a task that was woken at home.
    Task(Arc<dyn Task>),
    /// Poll a task that was woken on another thread.
    RemoteTask(Arc<dyn Task>),
    /// Cancel a task: from a handle on another thread.
    Cancel(Arc<dyn Task>),
    /// Run a closure that another thread sent home.
    Job(Box<dyn FnOnce(&Scope) + Send>),
    /// Settle a promise whose resolver was used or dropped.
    Settle(Box<dyn FnOnce(&Scope) + Send>),
    /// Detach the callbacks of a dropped future from its promise.
    Release(crate::lwt_to_rust::Release),
}

impl Runnable {
    /// What ends something, and does not begin anything: run after shutdown as well, as long as there is a loop.
    pub(crate) fn is_an_end(&self) -> bool {
        matches!(self, Runnable::Settle(_) | Runnable::Release(_))
    }
}

impl std::fmt::Debug for Runnable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runnable")
    }
}

/// What drives a domain executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Lwt's loop, on the thread that runs it.
    Lwt,
    /// A worker domain's own loop, see [`domain_pool`](crate::domain_pool): no Lwt promise is pending there.
    Worker,
}

/// A domain executor. Never freed: handles, wakers and OCaml's hooks refer to it from everywhere, and there is one per
/// domain. That of a worker domain which has ended is the next one's.
pub(crate) struct Home {
    driver: Driver,
    /// What other threads see.
    pub(crate) wake: Wake,
    /// The OCaml functions we call.
    callbacks: Callbacks,
    /// What only the domain thread sees.
    local: Local,
}

/// Touched by the domain thread only: every access goes through an [`AtHome`] or a [`Scope`]. No borrow of these cells
/// is held while anything of the user's, or OCaml, runs.
pub(crate) struct Local {
    queue: RefCell<VecDeque<Runnable>>,
    /// The tasks that have a future, by key: what shutdown drops and what `Lwt.cancel` finds.
    registry: RefCell<Registry<Arc<dyn Task>>>,
    /// The promises that Rust's resolvers settle. Here, and not in the resolvers, so that they can be rejected when these
    /// never are: at shutdown, and in the child of a `fork`.
    pub(crate) resolvers: RefCell<Registry<Root>>,
    /// How many ticks are on the stack: more than one only when OCaml's `exit` runs a loop inside of one.
    ticks: Cell<u32>,
    /// A tick will follow from a pause of the loop.
    armed: Cell<bool>,
    /// The executor is ending: from now on what begins something is dropped.
    closed: Cell<bool>,
    /// An exception that left a promise's callbacks during the tick; it leaves the tick at its end.
    escaped: RefCell<Option<Root>>,
    budget: Cell<tick::Budget>,
    /// The indexes of subscriptions: the free ones, and how many there ever were.
    pub(crate) subscriptions: RefCell<crate::lwt_to_rust::Indexes>,
}

// SAFETY: `wake` is shared, `callbacks` is read with the runtime lock held, and `local` is touched by the domain thread
// only, see `Home::local`
unsafe impl Sync for Home {}
// SAFETY: as above
unsafe impl Send for Home {}

impl Home {
    fn new(driver: Driver, wake: Wake, callbacks: Callbacks) -> &'static Home {
        Box::leak(Box::new(Home {
            driver,
            wake,
            callbacks,
            local: Local {
                queue: RefCell::new(VecDeque::with_capacity(64)),
                registry: RefCell::default(),
                resolvers: RefCell::default(),
                ticks: Cell::new(0),
                armed: Cell::new(false),
                closed: Cell::new(false),
                escaped: RefCell::new(None),
                budget: Cell::default(),
                subscriptions: RefCell::default(),
            },
        }))
    }

    /// Whether what begins something is taken; on its own thread.
    #[inline]
    pub(crate) fn is_open(&'static self, at: AtHome) -> bool {
        lifetime::status() == Status::Running && !self.local(at).closed.get()
    }

    /// Serves a new domain thread, whose this is: as a new executor.
    fn reopen(&'static self, at: AtHome) {
        let local = self.local(at);
        local.closed.set(false);
        local.budget.set(tick::Budget::default());
        self.wake.reopen();
    }

    /// Whether Lwt runs on this executor's thread, so that a promise may be pending here.
    #[inline]
    pub(crate) fn is_lwt(&self) -> bool {
        self.driver == Driver::Lwt
    }

    /// The one way to the domain thread's own part: with the proof that this is that thread.
    #[inline]
    pub(crate) fn local(&'static self, at: AtHome) -> &'static Local {
        debug_assert!(std::ptr::eq(at.home(), self));
        &self.local
    }

    /// Calls one of the OCaml functions of the bridge.
    ///
    /// # Safety
    /// `arguments` are live and of the types that the callback takes. Runs OCaml code, may collect; does not raise. The
    /// result is not rooted.
    #[inline]
    pub(crate) unsafe fn call(
        &self,
        _scope: &Scope,
        callback: Callback,
        arguments: &mut [Raw],
    ) -> Result<Raw, Raw> {
        // SAFETY: a scope is the proof of the lock and of a thread that may run OCaml; the rest is the caller's word
        unsafe { self.callbacks.call(callback, arguments) }
    }

    /// The same on a guest.
    ///
    /// # Safety
    /// As for [`Home::call`].
    pub(crate) unsafe fn call_from_guest(
        &self,
        guest: &Guest,
        callback: Callback,
        arguments: &mut [Raw],
    ) -> Result<Raw, Raw> {
        // SAFETY: as the caller's
        unsafe { guest.call_back(&self.callbacks, callback, arguments) }
    }

    /// At the end of this domain's own queue.
    pub(crate) fn push(&'static self, at: AtHome, runnable: Runnable) {
        self.local(at).queue.borrow_mut().push_back(runnable);
    }

    /// Queues a task that was woken at home: no lock, and no system call where a stub or a tick is about to look.
    pub(crate) fn wake_task(&'static self, at: AtHome, task: Arc<dyn Task>) {
        if !self.is_open(at) {
            return;
        }
        self.push(at, Runnable::Task(task));
        if !at.in_scope() {
            self.wake.signal();
        }
    }

    /// Queues a task that was woken on another thread. False: the executor has shut down.
    pub(crate) fn send_task(&'static self, task: Arc<dyn Task>) -> bool {
        self.wake.send(Runnable::RemoteTask(task)).is_ok()
    }

    /// Queues from any thread. After shutdown what is not an end is dropped.
    pub(crate) fn queue_anywhere(&'static self, runnable: Runnable) {
        let refused = match lifetime::status() {
            Status::Running => false,
            Status::ShutDown => !runnable.is_an_end(),
            Status::Forked => return std::mem::forget(runnable),
        };
        match AtHome::of(self) {
            Some(at) if refused || (!self.is_open(at) && !runnable.is_an_end()) => drop(runnable),
            Some(at) => {
                self.push(at, runnable);
                if !at.in_scope() {
                    self.wake.signal();
                }
            }
            None => drop(self.wake.send(runnable)),
        }
    }

    pub(crate) fn register(&'static self, at: AtHome, task: Arc<dyn Task>) -> Key {
        self.local(at).registry.borrow_mut().insert(task)
    }

    fn unregister(&'static self, at: AtHome, key: Key) {
        // The reference is dropped after the borrow ends: it may be the last, and run destructors of the user's.
        let task = self.local(at).registry.borrow_mut().remove(key);
        drop(task);
    }

    /// `Lwt.cancel` on the promise of the task with this key.
    pub(crate) fn cancel(&'static self, scope: &Scope, key: Key) {
        let task = self.local(scope.at()).registry.borrow().get(key).cloned();
        if let Some(task) = task {
            task.cancel(scope);
        }
    }

    /// Whether a tick would find something.
    pub(crate) fn has_runnable(&'static self, at: AtHome) -> bool {
        !self.local(at).queue.borrow().is_empty() || self.wake.is_notified()
    }

    /// At the beginning of a turn of the loop, which may block: whether a tick is needed first. A tick that is on the
    /// stack will not look at the queue again, since this loop runs inside of it and `exit` never returns, so the wake
    /// path must not count on it.
    pub(crate) fn begin_turn(&'static self, at: AtHome) -> bool {
        self.has_runnable(at)
            || (self.local(at).ticks.get() > 0 && self.wake.try_sleep() == Sleep::LookAgain)
    }

    pub(crate) fn live_tasks(&'static self, at: AtHome) -> usize {
        self.local(at).registry.borrow().len()
    }

    /// Arranges for a tick after the loop's next pause, if tasks are runnable, or the caller is about to queue one, and
    /// nothing else will see to them.
    ///
    /// May run OCaml code and collect.
    #[inline]
    pub(crate) fn arm_if_needed(&'static self, scope: &Scope, about_to_queue: bool) {
        let local = self.local(scope.at());
        let idle = local.ticks.get() == 0 && !local.armed.get() && self.is_lwt();
        if idle && (about_to_queue || !local.queue.borrow().is_empty()) {
            self.arm(scope);
        }
    }

    fn arm(&'static self, scope: &Scope) {
        self.local(scope.at()).armed.set(true);
        // SAFETY: `unit -> unit`
        let armed = unsafe { self.call(scope, Callback::Arm, &mut [crate::caml::UNIT]) };
        if let Err(exception) = armed {
            // A signal handler raised, perhaps before there was a pause: let the descriptor arm again.
            self.local(scope.at()).armed.set(false);
            // SAFETY: the exception was just returned, nothing has allocated since
            unsafe { self.escape(scope, exception) };
        }
    }

    /// Without calling OCaml: for what was queued after a stub could still arm.
    fn signal_unless_armed(&'static self, at: AtHome) {
        let local = self.local(at);
        // The descriptor of a child of `fork` is its parent's as well.
        if self.is_lwt()
            && !local.armed.get()
            && !local.queue.borrow().is_empty()
            && lifetime::status() != Status::Forked
        {
            self.wake.signal();
        }
    }

    /// The wake descriptor is readable: empties it, and says whether the caller must arm.
    pub(crate) fn descriptor_readable(&'static self, at: AtHome) -> bool {
        self.wake.drain_descriptor();
        !self.local(at).armed.replace(true)
    }

    /// Whether a tick is on the stack.
    pub(crate) fn is_ticking(&'static self, at: AtHome) -> bool {
        self.local(at).ticks.get() > 0
    }

    /// Keeps an exception that escaped from OCaml code called by us, to be raised where the tick ends, as it would have
    /// left the loop without us; should none be running, one comes. A second exception is dropped, as Lwt would never
    /// have got to it. A worker domain sends its own to Lwt's.
    ///
    /// # Safety
    /// `exception` is live.
    pub(crate) unsafe fn escape(&'static self, scope: &Scope, exception: Raw) {
        if !self.is_lwt() {
            // SAFETY: a scope holds the lock; live by the caller's word
            let exception = unsafe { Root::new(exception) };
            return start::to_lwt(move |scope| {
                // SAFETY: a scope holds the lock, and the root keeps it alive
                unsafe { scope.home().escape(scope, exception.get()) }
            });
        }
        let mut escaped = self.local(scope.at()).escaped.borrow_mut();
        if escaped.is_none() {
            // SAFETY: a scope holds the lock; live by the caller's word
            *escaped = Some(unsafe { Root::new(exception) });
        }
        if lifetime::status() != Status::Forked {
            self.wake.signal_in_any_state();
        }
    }

    pub(crate) fn take_escaped(&'static self, scope: &Scope) -> Option<Root> {
        self.local(scope.at()).escaped.borrow_mut().take()
    }
}
