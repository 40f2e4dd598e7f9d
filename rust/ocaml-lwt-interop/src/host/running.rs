//! [`Host`]: OCaml, running.

use std::time::Duration;

use super::life::{Ended, Life};
use crate::handles::Handle;
use crate::interface::{self, Interface, NotProvided, Provided};

/// OCaml inside of this program.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    pub(super) life: &'static Life,
}

impl Host {
    /// What OCaml's `provide` was given for this interface: `ocaml.get::<dyn Protocol>()`.
    ///
    /// # Errors
    /// There is nothing. The message says what there is.
    pub fn get<I: Interface + ?Sized>(&self) -> Result<Provided<I>, NotProvided> {
        interface::find("")
    }

    /// What OCaml's `provide ~name` was given.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub fn get_named<I: Interface + ?Sized>(&self, name: &str) -> Result<Provided<I>, NotProvided> {
        interface::find(name)
    }

    /// The executor of OCaml's thread.
    pub fn handle(&self) -> Handle {
        self.life.handle()
    }

    /// Whether OCaml has not ended.
    pub fn is_running(&self) -> bool {
        self.life.is_running()
    }

    /// Waits until OCaml has ended, and says how: by [`Host::shutdown`], or because its code has called `exit`, or an exception
    /// has left Lwt's loop. The process goes on; calls give errors. Where another thread of OCaml's has called `exit`, they do so when
    /// Lwt's thread comes to its next turn.
    pub async fn ended(&self) -> Ended {
        self.life.ended().await
    }

    /// Ends OCaml: its loop stops, its `at_exit` hooks run, its tasks are dropped, and its promises are rejected. Waits for that,
    /// for at most ten seconds. Calls give errors from now on.
    pub async fn shutdown(&self) -> Ended {
        self.shutdown_within(Duration::from_secs(10)).await
    }

    /// As [`Host::shutdown`], with another limit: for OCaml code that computes on, or waits in a hook.
    pub async fn shutdown_within(&self, limit: Duration) -> Ended {
        self.life.stop();
        self.life.ended_within(limit).await
    }
}
