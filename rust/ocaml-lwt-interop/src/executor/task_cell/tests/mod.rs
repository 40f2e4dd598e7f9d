//! Tasks without OCaml: an executor of a few lines, threads that wake, cancel and drop. The model checker tries every order of
//! the laws about threads; elsewhere each runs many times, so that Miri and the sanitizers have something to see.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::*;
use crate::tasks::memory::Memory;

#[cfg(loom)]
use loom::sync::{Condvar, Mutex, atomic::AtomicUsize as Published};
#[cfg(loom)]
use loom::thread;
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, atomic::AtomicUsize as Published};
#[cfg(not(loom))]
use std::thread;

/// For what no other thread touches, or what the test only counts: the model checker need not know of it.
type Uncontended<T> = std::sync::Mutex<T>;

fn with<T, R>(cell: &Uncontended<T>, f: impl FnOnce(&mut T) -> R) -> R {
    f(&mut cell.lock().unwrap())
}

type Task = TaskRef<Domain>;

struct Shared {
    thread: thread::ThreadId,
    /// What only the domain thread sees.
    local: Uncontended<Local>,
    memory: Memory,
    incoming: Mutex<Incoming>,
    arrived: Condvar,
}

// SAFETY: `local` and `memory` are touched by the domain thread, as `here` says
unsafe impl Sync for Shared {}
// SAFETY: as above
unsafe impl Send for Shared {}

#[derive(Default)]
struct Local {
    queue: VecDeque<Task>,
    registry: HashMap<usize, Task>,
    last_key: usize,
    closed: bool,
}

#[derive(Default)]
struct Incoming {
    queue: Vec<Task>,
    closed: bool,
}

#[derive(Clone, Copy)]
struct Domain(&'static Shared);

#[derive(Clone, Copy)]
struct Here(std::marker::PhantomData<*const ()>);

struct Scope(Domain, Here);

std::thread_local! {
    static IS_CHILD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

// SAFETY: `here` compares threads, and a scope is made in `Domain::run` only
unsafe impl Executor for Domain {
    type At = Here;
    type Scope<'a> = Scope;
    type Key = usize;
    type Storage = ();

    const NO_KEY: usize = 0;

    fn here(self) -> Option<Here> {
        (thread::current().id() == self.0.thread).then_some(Here(std::marker::PhantomData))
    }

    fn at(scope: &Scope) -> Here {
        scope.1
    }

    fn is_child() -> bool {
        IS_CHILD.get()
    }

    fn memory(&self, _at: Here) -> &Memory {
        &self.0.memory
    }

    fn is_open(self, _at: Here) -> bool {
        with(&self.0.local, |local| !local.closed)
    }

    fn unregister(self, _at: Here, key: usize) {
        let task = with(&self.0.local, |local| local.registry.remove(&key));
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
        false
    }

    fn bind(_scope: &Scope, _storage: &(), _in_tick: bool, f: &mut dyn FnMut()) {
        f();
    }
}

// SAFETY: as in the executor of the bridge
unsafe impl Keeper for Domain {
    fn register(self, _at: Here, task: Task) -> usize {
        with(&self.0.local, |local| {
            local.last_key += 1;
            local.registry.insert(local.last_key, task);
            local.last_key
        })
    }

    fn push(self, _at: Here, task: Task) {
        with(&self.0.local, |local| local.queue.push_back(task));
    }

    fn wake(self, at: Here, task: Task) {
        if self.is_open(at) {
            self.push(at, task);
        }
    }

    fn send(self, task: Task) -> bool {
        let mut incoming = self.0.incoming.lock().unwrap();
        if incoming.closed {
            return false;
        }
        incoming.queue.push(task);
        self.0.arrived.notify_one();
        true
    }
}

impl Domain {
    /// Runs `f` on the domain thread of a new executor, which this is, and frees that.
    fn run(f: impl FnOnce(Domain, &Scope)) {
        let shared = Box::leak(Box::new(Shared {
            thread: thread::current().id(),
            local: Uncontended::default(),
            memory: Memory::default(),
            incoming: Mutex::new(Incoming::default()),
            arrived: Condvar::new(),
        }));
        let shared = std::ptr::from_mut(shared);
        // SAFETY: it is there until the end of this function
        let domain = Domain(unsafe { &*shared });
        f(domain, &Scope(domain, Here(std::marker::PhantomData)));
        assert!(with(&domain.0.local, |local| local.registry.is_empty()));
        // SAFETY: from the box above; `f` has joined its threads, and nothing that has a task is left but what it dropped
        drop(unsafe { Box::from_raw(shared) });
    }

    /// Runs what is in the domain's own queue.
    fn run_queue(self, scope: &Scope) {
        while let Some(task) = with(&self.0.local, |local| local.queue.pop_front()) {
            task.run(scope);
        }
    }

    /// Runs what came from other threads and what that queues; gives whether there was something.
    fn look(self, scope: &Scope) -> bool {
        let came = std::mem::take(&mut self.0.incoming.lock().unwrap().queue);
        let came_something = !came.is_empty();
        for task in came {
            task.run_remote(scope);
            self.run_queue(scope);
        }
        came_something
    }

    /// Runs until `ended`: a wake that is lost is a deadlock.
    fn run_until(self, scope: &Scope, ended: impl Fn() -> bool) {
        self.run_queue(scope);
        while !ended() {
            if !self.look(scope) {
                let incoming = self.0.incoming.lock().unwrap();
                if incoming.queue.is_empty() {
                    drop(self.0.arrived.wait(incoming).unwrap());
                }
            }
        }
    }

    /// As `end_tasks` of the bridge.
    fn shut_down(self, scope: &Scope) {
        with(&self.0.local, |local| local.closed = true);
        let mut incoming = self.0.incoming.lock().unwrap();
        incoming.closed = true;
        let came = std::mem::take(&mut incoming.queue);
        drop(incoming);
        for task in came {
            task.cancel(scope);
        }
        while let Some(task) = with(&self.0.local, |local| local.queue.pop_front()) {
            task.cancel(scope);
        }
        let registered: Vec<_> = with(&self.0.local, |local| {
            local.registry.values().cloned().collect()
        });
        for task in registered {
            task.cancel(scope);
        }
    }
}

/// What a test's future waits for, and what is noted of it.
struct Gate {
    /// How many have opened it, of those that it needs.
    opened: Published,
    needs: usize,
    wakers: Mutex<Vec<Waker>>,
    polls: AtomicUsize,
    drops: AtomicUsize,
    ending: Uncontended<Option<Ending<usize>>>,
    /// The completion was dropped without an ending.
    refused: AtomicUsize,
}

impl Gate {
    fn new(needs: usize) -> Arc<Gate> {
        Arc::new(Gate {
            opened: Published::new(0),
            needs,
            wakers: Mutex::new(Vec::new()),
            polls: AtomicUsize::new(0),
            drops: AtomicUsize::new(0),
            ending: Uncontended::default(),
            refused: AtomicUsize::new(0),
        })
    }

    /// One of those that it needs; then the waker.
    fn open(&self, by_reference: bool) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let waker = self.wakers.lock().unwrap().pop();
        match waker {
            Some(waker) if by_reference => waker.wake_by_ref(),
            Some(waker) => waker.wake(),
            None => {}
        }
    }

    fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    fn ended(&self) -> bool {
        with(&self.ending, |ending| ending.is_some())
    }

    /// After the end: the ending as text, and that all of the user's went, once.
    fn ending(&self) -> String {
        assert_eq!(self.drops.load(Ordering::Relaxed), 1, "not dropped once");
        with(&self.ending, |ending| match ending {
            Some(Ending::Panic(panic)) => format!("panic: {}", panic.message),
            Some(ending) => format!("{ending:?}"),
            None => "none".to_owned(),
        })
    }
}

/// Ready when the gate is open, with how many polls that took. It belongs to the thread that polls it.
struct Waits {
    gate: Arc<Gate>,
    /// Seen by the model checker: every touch is after the one before.
    polls: Cell<usize>,
    home: Option<thread::ThreadId>,
}

impl Waits {
    fn here(gate: &Arc<Gate>) -> Waits {
        Waits::new(gate, Some(thread::current().id()))
    }

    /// From another thread than the domain's.
    fn sent(gate: &Arc<Gate>) -> Waits {
        Waits::new(gate, None)
    }

    fn new(gate: &Arc<Gate>, home: Option<thread::ThreadId>) -> Waits {
        Waits {
            gate: gate.clone(),
            polls: Cell::new(0),
            home,
        }
    }
}

impl Future for Waits {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        self.gate.polls.fetch_add(1, Ordering::Relaxed);
        self.polls.set(self.polls.get() + 1);
        if self.polls.get() == 1 {
            let wakers = (0..self.gate.needs).map(|_| context.waker().clone());
            self.gate.wakers.lock().unwrap().extend(wakers);
        }
        if self.gate.opened.load(Ordering::Relaxed) >= self.gate.needs {
            Poll::Ready(self.polls.get())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.polls.set(self.polls.get() + 1);
        self.gate.drops.fetch_add(1, Ordering::Relaxed);
        let here = thread::current().id();
        assert!(
            self.home.is_none_or(|home| home == here),
            "dropped elsewhere"
        );
    }
}

/// Notes the ending.
struct Note(Option<Arc<Gate>>);

impl Completion<Domain, usize> for Note {
    fn complete(mut self, scope: &Scope, ending: Ending<usize>) {
        assert!(scope.0.here().is_some());
        let gate = self.0.take().expect("it is completed once");
        let before = with(&gate.ending, |noted| noted.replace(ending));
        assert!(before.is_none(), "it ended before");
    }

    fn disown(mut self, scope: &Scope) {
        let gate = self.0.take().expect("it is completed once");
        Note(Some(gate)).complete(scope, Ending::Dropped);
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn note(gate: &Arc<Gate>) -> Note {
    Note(Some(gate.clone()))
}

mod laws_of_one_thread;
mod laws_of_threads;
