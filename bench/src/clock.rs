//! The clocks of both sides: OCaml's own library has none that is monotonic.

use std::sync::LazyLock;
use std::time::Instant;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// `unit -> int`, `noalloc`: nanoseconds since the first call.
#[unsafe(no_mangle)]
pub extern "C" fn bench_now(_unit: ocaml::Raw) -> ocaml::Raw {
    // SAFETY: arithmetic
    ocaml::Raw(unsafe { ocaml::sys::val_int(nanoseconds_since(*BEGINNING)) })
}

/// `unit -> int`, `noalloc`: nanoseconds that processors have worked for this process.
#[unsafe(no_mangle)]
pub extern "C" fn bench_cpu_now(_unit: ocaml::Raw) -> ocaml::Raw {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // Not rustix's, which finds the kernel's function in a way that valgrind does not survive.
    // SAFETY: a time to write to; Linux has that clock
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    let nanoseconds = time.tv_sec as isize * 1_000_000_000 + time.tv_nsec as isize;
    // SAFETY: arithmetic
    ocaml::Raw(unsafe { ocaml::sys::val_int(nanoseconds) })
}

pub fn nanoseconds_since(beginning: Instant) -> isize {
    isize::try_from(beginning.elapsed().as_nanos()).unwrap_or(isize::MAX)
}
