//! The wake descriptor. The Lwt engine waits on it, and another thread writes to it. It is an eventfd on Linux, and a pipe
//! on other systems. We do not use Lwt's `lwt_unix_send_notification`: it raises an OCaml exception when its write fails,
//! which is undefined behaviour on a thread without the runtime lock.

use rustix::fd::{AsRawFd, OwnedFd, RawFd};
use rustix::io::{Errno, read, write};

use crate::lock::is_child;

/// Lives as long as the process: the engine holds its number.
#[derive(Debug)]
pub(crate) struct WakeDescriptor {
    read: OwnedFd,
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    write: OwnedFd,
}

impl WakeDescriptor {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn new() -> std::io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(WakeDescriptor {
            read: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn new() -> std::io::Result<Self> {
        use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
        let (read, write) = rustix::pipe::pipe()?;
        for descriptor in [&read, &write] {
            fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
            ioctl_fionbio(descriptor, true)?;
        }
        Ok(WakeDescriptor { read, write })
    }

    /// The number to register with `Lwt_engine.on_readable`.
    pub(crate) fn number(&self) -> RawFd {
        self.read.as_raw_fd()
    }

    /// Makes the descriptor readable; from any thread. A full counter or pipe is readable already. Another error
    /// means that the descriptor was closed by somebody else; there is nobody to tell here, and the next turn of the
    /// loop looks at the queue in any case.
    ///
    /// Not in the child of a `fork`, whose parent has the same one.
    pub(crate) fn write(&self) {
        if is_child() {
            return;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let target = &self.read;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let target = &self.write;
        while write(target, &1u64.to_ne_bytes()) == Err(Errno::INTR) {}
    }

    /// Blocks until it is readable, or a signal came.
    pub(crate) fn wait(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        // An error that is no signal would be the descriptor's, closed by somebody else: the caller looks and comes back.
        let _ = poll(&mut [PollFd::new(&self.read, PollFlags::IN)], None);
    }

    /// Makes it unreadable again; on the domain thread. Not in the child of a `fork`: the wake is its parent's.
    pub(crate) fn drain(&self) {
        if is_child() {
            return;
        }
        let mut buffer = [0u8; 64];
        loop {
            match read(&self.read, &mut buffer) {
                Ok(n) if n == buffer.len() => continue,
                Err(Errno::INTR) => continue,
                _ => return,
            }
        }
    }
}
