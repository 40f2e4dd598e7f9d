//! `figures page FOLDER PAGE` prints a document, with the figures of the runs that FOLDER has; `figures curves FOLDER TOOLCHAIN`
//! prints the curves of one of them. See `test/readme.sh`.

use std::path::Path;
use std::process::ExitCode;

use bench_figures::run::Recorded;
use bench_figures::{page, plot};

fn made(arguments: &[&str]) -> Result<String, String> {
    match arguments {
        ["page", folder, path] => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            let recorded = Recorded::read(Path::new(folder))?;
            page::page(&text, &recorded).map_err(|error| format!("{path}:{error}"))
        }
        ["curves", folder, toolchain] => {
            let recorded = Recorded::read(Path::new(folder))?;
            plot::svg(&recorded.of(Some(toolchain))?[0].run)
        }
        _ => Err("usage: figures page FOLDER PAGE | figures curves FOLDER TOOLCHAIN".into()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match made(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
