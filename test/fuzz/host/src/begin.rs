//! `host::start`, in every way.

use std::time::Duration;

use ocaml_lwt_interop::host::{self, Host, StartError};

use super::problem;

/// OCaml, if it has started. What has come of it is told, for the parent to compare.
pub async fn begin(how: &str) -> Option<Host> {
    let started = match how {
        "StartIsDropped" => {
            drop(tokio::time::timeout(Duration::ZERO, host::start()).await);
            host::shared().await
        }
        "TwoStart" => {
            let (one, other) = (tokio::spawn(host::start()), tokio::spawn(host::start()));
            match (one.await.expect("no panic"), other.await.expect("no panic")) {
                (Ok(ocaml), Err(error)) | (Err(error), Ok(ocaml)) => {
                    println!("began OCaml, {}", name(&error));
                    return Some(ocaml);
                }
                both => problem(format!("of two that start it: {both:?}")),
            }
        }
        _ => host::start().await,
    };
    match started {
        Ok(ocaml) => {
            println!("began OCaml");
            again(StartError::AlreadyStarted).await;
            Some(ocaml)
        }
        Err(error) => {
            println!("began {}", name(&error));
            again(StartError::Over).await;
            if host::shared().await.is_ok() {
                problem("what has failed is shared");
            }
            None
        }
    }
}

fn name(error: &StartError) -> String {
    match error {
        StartError::Raised { exception, .. } if exception.contains("Planned(0)") => "Raised".into(),
        StartError::Exited { code } => format!("Exited {{ code: {code} }}"),
        StartError::ProvidesNothing => "ProvidesNothing".into(),
        StartError::AlreadyStarted => "AlreadyStarted".into(),
        error => error.to_string(),
    }
}

/// A start that is refused.
pub async fn again(expected: StartError) {
    match host::start().await {
        Err(error) if error == expected => {}
        other => problem(format!(
            "another start: {other:?}, and it was to be {expected:?}"
        )),
    }
}
