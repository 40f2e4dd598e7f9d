//! Runs laws in processes of their own, two at a time.

use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::laws::Law;

/// A law that has not ended by then hangs. No law looks at the clock otherwise.
const LIMIT: Duration = Duration::from_secs(120);

pub fn run(laws: &[&Law]) -> ExitCode {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(law) = laws.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = check(law) {
                        eprintln!("FAILED {}: {why}", law.name);
                        failed.lock().expect("nobody panics").push(law.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics");
    println!("{} laws, {} failed", laws.len(), failed.len());
    ExitCode::from(u8::from(!failed.is_empty()))
}

fn check(law: &Law) -> Result<(), String> {
    let child = Command::new(std::env::current_exe().expect("Linux tells"))
        .args(["--run", law.name])
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let output = output(child)?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let told = || {
        format!(
            "{}\n--- stdout\n{stdout}--- stderr\n{stderr}",
            output.status
        )
    };
    if output.status.code() != Some(law.code) {
        return Err(format!("its exit code is not {}: {}", law.code, told()));
    }
    if let Some(wanted) = law.stdout {
        if stdout != wanted {
            return Err(format!("it should have printed {wanted:?}: {}", told()));
        }
    }
    match law.stderr.iter().find(|part| !stderr.contains(**part)) {
        Some(part) => Err(format!("it should have said {part:?}: {}", told())),
        None => Ok(()),
    }
}

fn output(child: Child) -> Result<Output, String> {
    let id = child.id();
    let waits = thread::spawn(move || child.wait_with_output());
    let begun = Instant::now();
    while !waits.is_finished() {
        if begun.elapsed() > LIMIT {
            let _ = Command::new("sh")
                .args(["-c", &format!("kill -9 {id}")])
                .status();
            let _ = waits.join();
            return Err("it hangs".to_owned());
        }
        thread::sleep(Duration::from_millis(2));
    }
    let output = waits.join().expect("it does not panic");
    output.map_err(|error| error.to_string())
}
