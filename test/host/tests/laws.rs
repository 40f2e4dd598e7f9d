//! Each law in a process of its own, by the program `host`.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // Cargo's arguments are for its own harness; names of laws are for the program.
    let names = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let status = Command::new(env!("CARGO_BIN_EXE_host"))
        .args(names)
        .status();
    ExitCode::from(u8::from(!status.is_ok_and(|status| status.success())))
}
