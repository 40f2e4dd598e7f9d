//! Chapter 5: callbacks.

// -- at most so many --
use std::sync::Arc;

use ocaml_lwt_interop::{Error, OCamlAsyncFunc, OCamlFunc, func, ocaml_runtime};
use tokio::sync::Semaphore;

/// The status of each link, by OCaml's function, of which at most so many calls run at a time.
#[func]
pub async fn check_all(
    #[ocaml(label)] at_most: usize,
    links: Vec<String>,
    check: OCamlAsyncFunc<(String,), u16>,
) -> Result<Vec<(String, u16)>, Error> {
    let places = Arc::new(Semaphore::new(at_most));
    let mut tasks = Vec::new();
    for link in links {
        let (check, places) = (check.clone(), places.clone());
        tasks.push(tokio::spawn(async move {
            let _place = places.acquire().await?;
            let status = check.call((link.clone(),)).await?;
            Ok::<_, Error>((link, status))
        }));
    }
    let mut checked = Vec::new();
    for task in tasks {
        checked.push(task.await??);
    }
    Ok(checked)
}

// -- a plain function --
/// The links that OCaml's function wants.
#[func(sync)]
pub fn wanted(
    links: Vec<String>,
    is_wanted: OCamlFunc<(String,), bool>,
) -> Result<Vec<String>, Error> {
    let runtime = ocaml_runtime();
    let mut kept = Vec::new();
    for link in links {
        if is_wanted.call(&runtime, (link.clone(),))? {
            kept.push(link);
        }
    }
    Ok(kept)
}

/// Counts up to `last` on a Tokio thread, and tells OCaml.
#[func(tokio)]
pub async fn count(last: isize, tell: OCamlFunc<(isize,), ()>) -> Result<(), Error> {
    for number in 1..=last {
        tell.call_async((number,)).await?;
    }
    Ok(())
}

// -- again and again --
/// The value of OCaml's function, which is called until it fails no more, at most so many times.
#[func]
pub async fn retry(
    #[ocaml(label)] times: usize,
    f: OCamlAsyncFunc<(usize,), String>,
) -> Result<String, Error> {
    let mut attempt = 1;
    loop {
        match f.call((attempt,)).await {
            Err(error) if attempt < times && !error.is_canceled() => attempt += 1,
            ended => return ended,
        }
    }
}
