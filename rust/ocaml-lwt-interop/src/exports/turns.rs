//! The executor's start, the turns of Lwt's loop, and ticks.

use super::frame::{Raise, Raised, in_scope, in_scope_or};
use crate::caml::{self, Root, Standard};
use crate::executor::{start, tick};
use crate::home::{AtHome, Scope};
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
    fn ocaml_lwt_interop_start(access: Access, callbacks: Raw) -> Result<isize, Raised> {
        caml::check_stacks(access)?;
        // SAFETY: OCaml calls, with its record
        match unsafe { start::start(access, callbacks, shutdown::watch_this_thread) } {
            Ok(descriptor) => Ok(descriptor as isize),
            Err(message) => Err(Raised::Message(Standard::Failure, message)),
        }
    }

    /// `enter_turn : unit -> int`, `noalloc`: called at the beginning of each turn of `Lwt_main.run`.
    fn ocaml_lwt_interop_enter_turn(_unit: Raw) -> isize {
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
    fn ocaml_lwt_interop_leave_turn(_unit: Raw) {
        if let Some(at) = AtHome::here() {
            at.home().leave_turn(at);
        }
    }

    /// `escaped : unit -> bool`, `noalloc`: whether exceptions wait to be raised.
    fn ocaml_lwt_interop_escaped(_unit: Raw) -> bool {
        AtHome::here().is_some_and(|at| at.home().escaped(at) > 0)
    }

    /// `is_lwt_thread : unit -> bool`, `noalloc`: whether this is the thread whose promises ours are.
    fn ocaml_lwt_interop_is_lwt_thread(_unit: Raw) -> bool {
        AtHome::here().is_some_and(|at| at.home().is_lwt())
    }

    /// `tick : bool -> unit`: from the hook (`false`) or from the armed pause (`true`).
    fn ocaml_lwt_interop_tick(access: Access, from_pause: bool) -> Result<(), Raised> {
        let disarm = |at: AtHome| {
            if from_pause {
                at.home().disarm(at);
            }
        };
        let refuse = |at: AtHome, ()| {
            // The next one comes from the descriptor.
            disarm(at);
            at.home().wake.signal_in_any_state();
            Err(Overflow)
        };
        in_scope_or(access, (), refuse, Raise::WhereNoHookComes, |scope, ()| {
            disarm(scope.at());
            if scope.home().has_runnable(scope.at()) {
                tick::tick(scope);
            }
        })
    }

    /// `raise_escaped : unit -> unit`: raises the first exception that waits for it, if there is one.
    fn ocaml_lwt_interop_raise_escaped(access: Access, _unit: Raw) -> Result<(), Raised> {
        in_scope(access, Raise::Now, |_| ())
    }

    /// `keep : exn -> unit`: an exception came where raising it would do harm. It is raised where a turn ends.
    fn ocaml_lwt_interop_keep(access: Access, exception: Value) {
        if let Some(at) = AtHome::here() {
            let scope = Scope::enter(access, at);
            at.home().escape_rooted(&scope, Root::of(access, &exception));
        }
    }

    /// `must_arm : bool -> bool`, `noalloc`: the wake descriptor is readable. True: the caller arms. The argument: whether the loop
    /// has no paused promise.
    fn ocaml_lwt_interop_must_arm(no_pause: bool) -> bool {
        status() != Status::Forked
            && AtHome::here().is_some_and(|at| at.home().must_arm(at, no_pause))
    }

    /// `armed : unit -> unit`, `noalloc`: after `must_arm`, and after the caller has armed, if it was to.
    fn ocaml_lwt_interop_armed(_unit: Raw) {
        // The descriptor of a child of `fork` is its parent's.
        if status() == Status::Forked {
            return;
        }
        if let Some(at) = AtHome::here() {
            at.home().armed_by_descriptor(at);
        }
    }

    /// `lost_pause : unit -> unit`, `noalloc`: an armed pause may have been abandoned: the next tick arms again.
    fn ocaml_lwt_interop_lost_pause(_unit: Raw) {
        if let Some(at) = AtHome::here() {
            at.home().disarm(at);
        }
    }
}
