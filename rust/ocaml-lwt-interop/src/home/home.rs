//! A domain executor, as all that stands on it sees it.

use super::{AtHome, Key, Local, Runnable, Scope, Task, to_lwt};
use crate::caml::{Callbacks, LwtsStorage, Typed, TypedRoot, types};
use crate::status::{Status, status};
use crate::wake::WakePath;
use crate::wake::state::Sleep;

/// What drives a domain executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Lwt's loop, on the thread that runs it.
    Lwt,
    /// A worker domain's own loop, see [`domain_pool`](crate::domain_pool): no Lwt promise is pending there.
    Worker,
}

/// An exception that waits to be raised.
type Escaped = TypedRoot<types::Exception>;

/// A domain executor. Never freed: handles, wakers and OCaml's hooks refer to it from everywhere, and there is one per
/// domain. That of a worker domain which has ended is the next one's.
pub(crate) struct Home {
    driver: Driver,
    /// What other threads see.
    pub(crate) wake: WakePath<Runnable>,
    /// The OCaml functions we call.
    pub(crate) callbacks: Callbacks,
    /// What only the domain thread sees.
    local: Local,
}

// SAFETY: `wake` is shared, `callbacks` is read with the runtime lock held, and `local` is touched by the domain thread
// only, see `Home::local`
unsafe impl Sync for Home {}
// SAFETY: as above
unsafe impl Send for Home {}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Home")
    }
}

impl Home {
    pub(crate) fn new(
        driver: Driver,
        wake: WakePath<Runnable>,
        callbacks: Callbacks,
    ) -> &'static Home {
        Box::leak(Box::new(Home {
            driver,
            wake,
            callbacks,
            local: Local::default(),
        }))
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

    /// Where Lwt's storage is. Not rooted.
    #[inline]
    pub(crate) fn lwts_storage<'a>(&self, scope: &'a Scope) -> LwtsStorage<'a> {
        self.callbacks.lwts_storage(scope.access())
    }

    pub(crate) fn register(&'static self, at: AtHome, task: Task) -> Key {
        self.local(at).registry.borrow_mut().insert(task)
    }

    pub(crate) fn unregister(&'static self, at: AtHome, key: Key) {
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

    /// The same, by the next tick. Runs no OCaml code, and nothing of the user's.
    pub(crate) fn cancel_later(&'static self, at: AtHome, key: Key) {
        let task = self.local(at).registry.borrow().get(key).cloned();
        if let Some(task) = task {
            self.queue_anywhere(Runnable::Cancel(task));
        }
    }

    /// At the beginning of a turn of the loop, which may block: whether a tick is needed first. A tick that is on the
    /// stack will not look at the queue again, since this loop runs inside of it and `exit` never returns, so the wake
    /// path must not count on it.
    pub(crate) fn begin_turn(&'static self, at: AtHome) -> bool {
        self.has_runnable(at)
            || (self.local(at).ticks.get() > 0 && self.wake.try_sleep() == Sleep::Refused)
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

    pub(crate) fn arm(&'static self, scope: &Scope) {
        self.local(scope.at()).armed.set(true);
        if self.ask(scope, &Callbacks::ARM, &(&(),)).is_err() {
            // What escaped has made the descriptor readable, which arms.
            self.local(scope.at()).armed.set(false);
        }
    }

    /// Without calling OCaml: for what was queued after a stub could still arm.
    #[inline]
    pub(super) fn signal_unless_armed(&'static self, at: AtHome) {
        let local = self.local(at);
        // The descriptor of a child of `fork` is its parent's as well.
        if self.is_lwt()
            && !local.armed.get()
            && !local.queue.borrow().is_empty()
            && status() != Status::Forked
        {
            self.wake.signal();
        }
    }

    /// The wake descriptor is readable: whether the caller must arm before it calls [`Home::armed_by_descriptor`]. An armed
    /// pause is lost when an exception of somebody else's leaves Lwt's paused promises (`Lwt.wakeup_paused`), which shows
    /// where none is left.
    pub(crate) fn must_arm(&'static self, at: AtHome, no_pause: bool) -> bool {
        no_pause || !self.local(at).armed.get()
    }

    /// A tick will follow: empties the wake descriptor, which until now would have come up again.
    pub(crate) fn armed_by_descriptor(&'static self, at: AtHome) {
        let local = self.local(at);
        local.armed.set(true);
        self.wake.drain_descriptor();
        let escaped = !local.escaped.borrow().is_empty();
        local.readable.set(local.readable.get().saturating_add(1));
        if escaped {
            // Once more, where no hook comes meanwhile.
            self.wake.signal_in_any_state();
        }
    }

    /// Whether a tick is on the stack.
    pub(crate) fn is_ticking(&'static self, at: AtHome) -> bool {
        self.local(at).ticks.get() > 0
    }

    /// Keeps an exception that escaped from OCaml code called by us, until it can be raised where it leaves the loop, as it
    /// would have without us: `loop.ml` says where. Should no tick be running, one comes. The same one a second time is
    /// dropped, as a second signal is that comes before the first was handled. A worker domain sends its own to Lwt's.
    pub(crate) fn escape(&'static self, scope: &Scope, exception: &Typed<types::Exception>) {
        let access = scope.access();
        let root = exception.root(access);
        if !self.is_lwt() {
            return to_lwt(move |scope| scope.home().escape(scope, &root.typed(scope.access())));
        }
        let mut escaped = self.local(scope.at()).escaped.borrow_mut();
        let is_another = |other: &Escaped| other.get(access) != root.get(access);
        if escaped.iter().all(is_another) {
            escaped.push_back(root);
        }
        drop(escaped);
        if status() != Status::Forked {
            self.wake.signal_in_any_state();
        }
    }

    /// The one that escaped first.
    pub(crate) fn take_escaped(&'static self, scope: &Scope) -> Option<Escaped> {
        self.local(scope.at()).escaped.borrow_mut().pop_front()
    }

    /// The one that escaped last, if there are more than `before`.
    pub(crate) fn take_escaped_since(
        &'static self,
        scope: &Scope,
        before: usize,
    ) -> Option<Escaped> {
        let mut escaped = self.local(scope.at()).escaped.borrow_mut();
        if escaped.len() > before {
            escaped.pop_back()
        } else {
            None
        }
    }

    /// How many exceptions wait to be raised.
    pub(crate) fn escaped(&'static self, at: AtHome) -> usize {
        self.local(at).escaped.borrow().len()
    }

    /// A turn of `Lwt_main.run` begins. True: the turn before had no end, since an exception left it, or since `exit` runs this
    /// loop inside of it.
    pub(crate) fn enter_turn(&'static self, at: AtHome) -> bool {
        let local = self.local(at);
        local.readable.set(0);
        local.in_turn.replace(true)
    }

    /// A turn ends, by its hook or by an exception of ours.
    pub(crate) fn leave_turn(&'static self, at: AtHome) {
        let local = self.local(at);
        local.readable.set(0);
        local.in_turn.set(false);
    }

    /// Whether one of `Lwt_main`'s hooks will raise what has escaped.
    pub(crate) fn is_in_turn(&'static self, at: AtHome) -> bool {
        self.local(at).in_turn.get()
    }

    /// Whether no promise is to be settled before what has escaped was raised: `Lwt_main.run` begins with Lwt's paused promises,
    /// and returns, without a hook, when one of them settles its own.
    #[inline]
    pub(crate) fn must_raise_first(&'static self, at: AtHome) -> bool {
        self.is_lwt()
            && self.escaped(at) > 0
            && self.is_ticking(at)
            && !self.is_in_turn(at)
            && self.is_open(at)
    }

    /// Whether the loop that runs has shown that it runs none of `Lwt_main`'s hooks.
    pub(crate) fn runs_no_hooks(&'static self, at: AtHome) -> bool {
        self.local(at).readable.get() >= 2
    }
}
