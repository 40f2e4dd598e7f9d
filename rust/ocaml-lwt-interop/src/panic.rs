//! The one place where panics stop. Nothing of Rust's unwinds into OCaml.
//!
//! Only the panic hook knows where a panic happened. So a hook of ours stands in front of the hook that was there. That one
//! still runs, and prints the panic as in any Rust program. ocaml-rs's own hook raises an OCaml exception from inside the
//! hook: its feature `no-panic-hook` switches that off.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{PanicHookInfo, UnwindSafe};
use std::sync::Once;

/// A caught panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic {
    /// What `panic!` was given, when it was text.
    pub(crate) message: String,
    /// `file:line:column`; empty when another hook replaced ours.
    pub(crate) location: String,
}

thread_local! {
    /// How many `catch` are on the stack.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    /// Panics are expected and become error messages: nothing is printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
    /// Called when a panic begins, before anything is unwound.
    static TELL: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Puts our hook in front of the one that is installed now. Where `no_walk` says so the stack must not be walked, and a panic
/// for which Rust would print a backtrace is printed here, without one.
pub(crate) fn install_hook(no_walk: fn() -> bool) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if let Some(tell) = TELL.get() {
                tell();
            }
            if CATCHING.get() > 0 {
                let location = info.location().map(ToString::to_string).unwrap_or_default();
                // Gone where a thread's own variables are being dropped.
                let _ = LOCATION.try_with(|slot| *slot.borrow_mut() = location);
                if QUIET.get() {
                    return;
                }
            }
            if no_walk() && std::env::var_os("RUST_BACKTRACE").is_some_and(|is| is != "0") {
                eprintln!(
                    "\n{info}\nnote: no backtrace: OCaml code runs on a fiber here, where a walk of the stack would crash"
                );
                return;
            }
            previous(info);
        }));
    });
}

/// Runs `f` and catches its panic.
#[inline]
pub(crate) fn catch<R>(f: impl FnOnce() -> R + UnwindSafe) -> Result<R, Panic> {
    let _catching = Catching::begin();
    match std::panic::catch_unwind(f) {
        Ok(value) => Ok(value),
        Err(payload) => Err(Panic::caught(payload)),
    }
}

/// A `catch` is on the stack, until this is dropped.
struct Catching;

impl Catching {
    #[inline]
    fn begin() -> Self {
        CATCHING.set(CATCHING.get() + 1);
        Catching
    }
}

impl Drop for Catching {
    #[inline]
    fn drop(&mut self) {
        CATCHING.set(CATCHING.get() - 1);
    }
}

impl Panic {
    #[cold]
    fn caught(payload: Box<dyn Any + Send>) -> Panic {
        Panic {
            message: message(payload),
            location: LOCATION
                .try_with(|slot| std::mem::take(&mut *slot.borrow_mut()))
                .unwrap_or_default(),
        }
    }
}

/// As [`catch`], and nothing is printed: for conversions, whose panics (ocaml-rs's way to refuse a value) are errors of
/// the caller's, not of this program's.
pub(crate) fn catch_quietly<R>(f: impl FnOnce() -> R + UnwindSafe) -> Result<R, Panic> {
    let before = QUIET.replace(true);
    let result = catch(f);
    QUIET.set(before);
    result
}

/// As [`catch_quietly`], and `tell` is called when a panic begins: what it unwinds may wait for what `tell` does.
pub(crate) fn catch_quietly_and_tell<R>(
    f: impl FnOnce() -> R + UnwindSafe,
    tell: fn(),
) -> Result<R, Panic> {
    let before = TELL.replace(Some(tell));
    let result = catch_quietly(f);
    TELL.set(before);
    result
}

/// Runs `f`, which catches its panics itself, and of which nothing is told.
pub(crate) fn untold<R>(f: impl FnOnce() -> R) -> R {
    let before = TELL.replace(None);
    let result = f();
    TELL.set(before);
    result
}

fn message(payload: Box<dyn Any + Send>) -> String {
    let text = match payload.downcast::<String>() {
        Ok(text) => return *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => return (*text).to_owned(),
            Err(payload) => payload,
        },
    };
    // A payload of the user's own type: its destructor may panic as well.
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(text))).is_err() {
        return "a panic whose payload panicked in its destructor".to_owned();
    }
    "a panic with a payload that is not text".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_has_its_message_and_place() {
        install_hook(|| false);
        let panic = catch_quietly(|| panic!("seven {}", 7)).unwrap_err();
        assert_eq!(panic.message, "seven 7");
        assert!(panic.location.contains("panic.rs:"), "{panic:?}");
        assert_eq!(catch(|| 3), Ok(3));
    }

    #[test]
    fn a_panic_is_told_before_it_unwinds() {
        static TOLD: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        struct Looks;
        impl Drop for Looks {
            fn drop(&mut self) {
                assert!(TOLD.load(std::sync::atomic::Ordering::Relaxed));
            }
        }
        install_hook(|| false);
        let tell = || TOLD.store(true, std::sync::atomic::Ordering::Relaxed);
        let panics = || {
            let _looks = Looks;
            panic!("seven");
        };
        let panic = catch_quietly_and_tell(panics, tell).unwrap_err();
        assert_eq!(panic.message, "seven");

        TOLD.store(false, std::sync::atomic::Ordering::Relaxed);
        let caught = || untold(|| std::panic::catch_unwind(|| panic!("eight")).is_err());
        assert_eq!(catch_quietly_and_tell(caught, tell), Ok(true));
        assert!(!TOLD.load(std::sync::atomic::Ordering::Relaxed));
    }

    #[test]
    fn a_payload_that_is_not_text_is_said_to_be_so() {
        let panic = catch_quietly(|| std::panic::panic_any(7)).unwrap_err();
        assert_eq!(panic.message, "a panic with a payload that is not text");
    }

    #[test]
    fn a_payload_whose_destructor_panics_does_not_escape() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("boom");
            }
        }
        let panic = catch_quietly(|| std::panic::panic_any(Bomb)).unwrap_err();
        assert_eq!(
            panic.message,
            "a panic whose payload panicked in its destructor"
        );
    }
}
