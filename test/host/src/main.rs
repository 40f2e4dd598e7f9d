//! Laws of a program of Rust's with OCaml inside, each in a process of its own, since OCaml starts once.
//!
//! Without arguments, all of them; with names, these; `--run NAME`: one, in this process.

mod laws;
mod runner;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let laws = laws::all();
    match arguments.split_first() {
        Some((first, rest)) if first == "--run" => {
            let law = laws.iter().find(|law| rest == [law.name]);
            (law.expect("a law of that name").run)();
            ExitCode::SUCCESS
        }
        Some((first, rest)) if first == "--repeat" => {
            let times = rest[0].parse().expect("a number");
            let wanted = laws
                .iter()
                .filter(|law| rest[1..].iter().any(|it| it == law.name));
            let wanted: Vec<_> = wanted.collect();
            runner::run(&wanted.repeat(times))
        }
        _ => {
            let is_wanted = |name| arguments.is_empty() || arguments.iter().any(|it| it == name);
            runner::run(
                &laws
                    .iter()
                    .filter(|law| is_wanted(law.name))
                    .collect::<Vec<_>>(),
            )
        }
    }
}
