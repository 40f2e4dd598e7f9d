//! Chapter 3: errors and panics.

// -- an error --
use ocaml_lwt_interop::{Error, Exception, OCamlAsyncFunc, func};

/// The lines of a file that are links.
#[func]
pub async fn read_list(path: String) -> Result<Vec<String>, Error> {
    let text = tokio::fs::read_to_string(&path)
        .await
        .map_err(|cause| Unreadable { path, cause })?;
    Ok(text
        .lines()
        .filter(|line| line.contains("://"))
        .map(str::to_owned)
        .collect())
}

/// A list cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    path: String,
    cause: std::io::Error,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the list {} cannot be read", self.path)
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

// -- an exception of Rust's --
/// The server asks for some rest.
#[derive(Exception)]
pub struct TooBusy {
    host: String,
    seconds: u16,
}

/// What a server says of itself.
#[func]
pub async fn status(host: String) -> Result<String, Error> {
    if host.starts_with("busy") {
        return Err(TooBusy { host, seconds: 30 }.into());
    }
    Ok(format!("{host} is fine"))
}

// -- an exception of OCaml's --
/// Fetches a page with OCaml's function, once more if it was not found.
#[func]
pub async fn fetch_twice(
    fetch: OCamlAsyncFunc<(String,), String>,
    link: String,
) -> Result<String, Error> {
    match fetch.call((link.clone(),)).await {
        Err(error) if error.is_exception("Not_found") => fetch.call((link,)).await,
        other => other,
    }
}

// -- an exception by its name --
/// Refuses what is too long, with an exception that OCaml has registered.
#[func]
pub async fn check_length(link: String) -> Result<(), Error> {
    if link.len() > 20 {
        return Err(Error::registered("too_long", (link.len() as isize, link)));
    }
    Ok(())
}

// -- a panic --
/// The host of a link.
#[func]
pub async fn host_of(link: String) -> String {
    let parts: Vec<&str> = link.split('/').collect();
    parts[2].to_owned()
}
