//! The executor's start, the turns of Lwt's loop, and ticks.

use super::frame::{Place, Raise, in_scope, in_scope_at};
use crate::caml::{self, Passed, Raised, Record, Standard, Typed, types};
use crate::executor::{start, tick};
use crate::home::{AtHome, Scope, lwt_has_started, lwt_home};
use crate::shutdown;
use crate::stack::Overflow;
use crate::status::{Status, status};

/// What the hook at the beginning of a turn has to do: bits, those of `loop.ml`.
mod turn {
    pub(super) const TICK: isize = 1;
    /// A blocking thread may be waiting for the runtime lock, see `caml/foreign_thread.rs`.
    pub(super) const YIELD: isize = 2;
    /// Exceptions wait to be raised.
    pub(super) const RAISE: isize = 4;
    /// The turn before had no end.
    pub(super) const LEFT: isize = 8;
    /// The first turn in the child of a `fork`.
    pub(super) const FORKED: isize = 16;
    /// Lwt's loop runs on another thread than the one that called Rust first.
    pub(super) const WRONG_THREAD: isize = 32;
}

exports! {
    /// `start : callbacks -> int`: makes this thread the domain thread; gives the wake descriptor. Raises `Failure`, and
    /// `Stack_overflow` before it begins.
    fn ocaml_lwt_interop_start(called: Called, callbacks: Passed<'f>) -> Result<isize, Raised> {
        caml::check_stacks(called.quietly())?;
        // SAFETY: what OCaml passes
        let callbacks = unsafe { Record::new(called.look(callbacks)) };
        match start::start(called.quietly(), callbacks, shutdown::watch_this_thread) {
            Ok(descriptor) => Ok(descriptor as isize),
            Err(message) => Err(Raised::message(Standard::Failure, message)),
        }
    }

    /// `prepare : callbacks -> unit`: what is sent to the thread that runs Lwt waits for it from now on. Raises `Failure`.
    fn ocaml_lwt_interop_prepare(called: Called, callbacks: Passed<'f>) -> Result<(), Raised> {
        // SAFETY: what OCaml passes
        let callbacks = unsafe { Record::new(called.look(callbacks)) };
        match start::prepare(called.quietly(), callbacks) {
            Ok(_) => Ok(()),
            Err(message) => Err(Raised::message(Standard::Failure, message)),
        }
    }

    /// `is_prepared : unit -> bool`, `noalloc`: whether something may wait for the thread that runs Lwt, which has not started.
    fn ocaml_lwt_interop_is_prepared(_unit: ()) -> bool {
        status() == Status::Running && lwt_home().is_some() && !lwt_has_started()
    }

    /// `enter_turn : unit -> int`, `noalloc`: called at the beginning of each turn of `Lwt_main.run`.
    fn ocaml_lwt_interop_enter_turn(_unit: ()) -> isize {
        match (status(), AtHome::here()) {
            (Status::Forked, _) => turn::FORKED,
            (_, Some(at)) if at.home().is_lwt() => {
                let home = at.home();
                let bit = |bit, is_set| if is_set { bit } else { 0 };
                bit(turn::LEFT, home.enter_turn(at))
                    | bit(turn::RAISE, home.escaped(at) > 0)
                    | bit(turn::TICK, home.begin_turn(at))
                    | bit(turn::YIELD, caml::blocking_calls_at_work())
            }
            _ => turn::WRONG_THREAD,
        }
    }

    /// `leave_turn : unit -> unit`, `noalloc`: called at the end of each turn of `Lwt_main.run`.
    fn ocaml_lwt_interop_leave_turn(_unit: ()) {
        if let Some(at) = AtHome::here() {
            at.home().leave_turn(at);
        }
    }

    /// `escaped : unit -> bool`, `noalloc`: whether exceptions wait to be raised.
    fn ocaml_lwt_interop_escaped(_unit: ()) -> bool {
        AtHome::here().is_some_and(|at| at.home().escaped(at) > 0)
    }

    /// `is_lwt_thread : unit -> bool`, `noalloc`: whether this is the thread whose promises ours are.
    fn ocaml_lwt_interop_is_lwt_thread(_unit: ()) -> bool {
        AtHome::here().is_some_and(|at| at.home().is_lwt())
    }

    /// `tick : bool -> unit`: from the hook (`false`) or from the armed pause (`true`).
    fn ocaml_lwt_interop_tick(called: Called, from_pause: bool) -> Result<(), Raised> {
        let disarm = |at: AtHome| {
            if from_pause {
                at.home().disarm(at);
            }
        };
        match Place::of(&called) {
            Place::OtherThread => Ok(()),
            Place::Deep(at) => {
                disarm(at);
                // The next one comes from the descriptor.
                at.home().wake.signal_in_any_state();
                Err(Overflow.into())
            }
            Place::Ready(at) => {
                in_scope_at(called.begin(), at, Raise::WhereNoHookComes, |scope| {
                    disarm(at);
                    if scope.home().has_runnable(at) {
                        tick::tick(scope);
                    }
                })
            }
        }
    }

    /// `raise_escaped : unit -> unit`: raises the first exception that waits for it, if there is one.
    fn ocaml_lwt_interop_raise_escaped(called: Called, _unit: ()) -> Result<(), Raised> {
        in_scope(called, Raise::Now, |_| ())
    }

    /// `keep : exn -> unit`: an exception came where raising it would do harm. It is raised where a turn ends.
    fn ocaml_lwt_interop_keep(access: Access, exception: Typed<types::Exception>) {
        if let Some(at) = AtHome::here() {
            at.home().escape(&Scope::enter(access, at), &exception);
        }
    }

    /// `must_arm : bool -> bool`, `noalloc`: the wake descriptor is readable. True: the caller arms. The argument: whether the loop
    /// has no paused promise.
    fn ocaml_lwt_interop_must_arm(no_pause: bool) -> bool {
        status() != Status::Forked
            && AtHome::here().is_some_and(|at| at.home().must_arm(at, no_pause))
    }

    /// `armed : unit -> unit`, `noalloc`: after `must_arm`, and after the caller has armed, if it was to.
    fn ocaml_lwt_interop_armed(_unit: ()) {
        // The descriptor of a child of `fork` is its parent's.
        if status() == Status::Forked {
            return;
        }
        if let Some(at) = AtHome::here() {
            at.home().armed_by_descriptor(at);
        }
    }

    /// `lost_pause : unit -> unit`, `noalloc`: an armed pause may have been abandoned: the next tick arms again.
    fn ocaml_lwt_interop_lost_pause(_unit: ()) {
        if let Some(at) = AtHome::here() {
            at.home().disarm(at);
        }
    }
}
