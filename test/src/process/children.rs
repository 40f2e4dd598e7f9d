//! Children of the process, and their signals.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use ocaml_lwt_interop::{Error, func};

/// How a child of [`Way`] is made.
fn command(program: &str, way: &str) -> Command {
    let mut command = Command::new(program);
    if way == "fork" {
        // SAFETY: does nothing. The library of Rust forks, instead of calling `posix_spawn`.
        unsafe { command.pre_exec(|| Ok(())) };
    }
    command
}

/// Whether a child dies of a SIGTERM: one that blocks it reads its input to the end. And which signals it blocks.
fn of_child(way: &str) -> io::Result<String> {
    let mut child = command("cat", way)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    terminate(&child);
    let ended = child.wait()?;
    let status = command("grep", way)
        .args(["SigBlk", "/proc/self/status"])
        .output()?;
    Ok(format!(
        "{ended}, {}",
        blocked(&String::from_utf8_lossy(&status.stdout))
    ))
}

fn terminate(child: &Child) {
    // SAFETY: a child that was not waited for
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
}

/// `SigBlk:\t0000000000000200` in words.
fn blocked(line: &str) -> String {
    let mask = line.trim_start_matches("SigBlk:").trim();
    format!("blocks {}", mask.trim_start_matches('0'))
}

/// What [`of_child`] says of a child that is made in a place, in a way.
#[func]
pub async fn process_child(place: String, way: String) -> Result<String, Error> {
    let child = move || of_child(&way);
    let joined = |thread: thread::JoinHandle<io::Result<String>>| thread.join().expect("no panic");
    Ok(match place.as_str() {
        "home" => child()?,
        "worker" => tokio::spawn(async move { child() }).await??,
        "blocking" => tokio::task::spawn_blocking(child).await??,
        "thread of a worker" => tokio::spawn(async move { joined(thread::spawn(child)) }).await??,
        "thread of blocking" => {
            tokio::task::spawn_blocking(move || joined(thread::spawn(child))).await??
        }
        place => return Err(Error::msg(format!("no place: {place}"))),
    })
}

#[func(tokio)]
pub async fn process_child_of_tokio(way: String) -> Result<String, Error> {
    Ok(of_child(&way)?)
}

#[func(blocking)]
pub fn process_child_of_blocking(way: String) -> Result<String, Error> {
    Ok(of_child(&way)?)
}

/// The same with Tokio's own commands, at home and on a worker.
#[func]
pub async fn process_child_by_tokio(on_a_worker: bool) -> Result<String, Error> {
    async fn child() -> io::Result<String> {
        let mut child = tokio::process::Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let process = child.id().expect("it was not waited for");
        // SAFETY: a child that was not waited for
        unsafe { libc::kill(process as i32, libc::SIGTERM) };
        let ended = child.wait().await?;
        let status = tokio::process::Command::new("grep")
            .args(["SigBlk", "/proc/self/status"])
            .output()
            .await?;
        Ok(format!(
            "{ended}, {}",
            blocked(&String::from_utf8_lossy(&status.stdout))
        ))
    }
    Ok(if on_a_worker {
        tokio::spawn(child()).await??
    } else {
        child().await?
    })
}

/// Runs a command of the shell's, by `system`, on the blocking pool.
#[func(blocking)]
pub fn process_system(command: String) -> Result<isize, Error> {
    let command = std::ffi::CString::new(command)?;
    // SAFETY: a string
    Ok(unsafe { libc::system(command.as_ptr()) } as isize)
}

/// Replaces the process by another program, on the blocking pool.
#[func(blocking)]
pub fn process_exec(program: String, argument: String, file: String) -> Result<(), Error> {
    Err(Command::new(program).args([argument, file]).exec().into())
}

/// So many children of Tokio's, one after the other, at home.
#[func]
pub async fn process_children(count: isize) -> Result<isize, Error> {
    let mut ended = 0;
    for _ in 0..count {
        let status = tokio::process::Command::new("true").status().await?;
        ended += isize::from(status.success());
    }
    Ok(ended)
}

/// From now on the kernel refuses `pidfd_open`, as old ones and some containers do.
#[ocaml::func]
pub fn process_deny_pidfd() -> isize {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let instruction = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        // The number of the call is the first field of `seccomp_data`.
        instruction(LOAD, 0, 0, 0),
        instruction(EQUAL, 0, 1, libc::SYS_pidfd_open as u32),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: a program of the length that it says, which the kernel copies
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) as isize
    }
}

/// The count of each eventfd of this process, a line each. (A function of ocaml-rs's, since the child of a `fork` calls it.)
#[ocaml::func]
pub fn process_eventfds() -> String {
    let mut counts = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fdinfo").expect("Linux") {
        let file = entry.expect("an entry");
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        let count = text.lines().find(|line| line.starts_with("eventfd-count"));
        counts
            .extend(count.map(|count| format!("{}: {count}", file.file_name().to_string_lossy())));
    }
    counts.join("\n")
}
