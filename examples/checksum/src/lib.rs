//! The hashing of `checksum`: the module `Checksum` is made from it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocaml_lwt_interop::{ByteBuf, Error, Exception, FromOCaml, OCamlAsyncFunc, ToOCaml};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// `int -> unit Lwt.t`: so many bytes more were hashed.
type Progress = OCamlAsyncFunc<(usize,), ()>;

/// What a file is read by. Large enough that two ways to Tokio's threads and back are little beside hashing it.
const CHUNK: usize = 1 << 20;

/// Hashing less than this takes no longer than sending it to another thread.
const SMALL: usize = 16 << 10;

/// The SHA-256 of a file, in hexadecimal. `progress` is awaited after each chunk: a slow terminal slows it down.
///
/// # Errors
/// The file cannot be read: `Unreadable`. What `progress` is rejected with.
#[ocaml_lwt_interop::func]
pub async fn sha256(path: ByteBuf, progress: Progress) -> Result<String, Error> {
    let unfinished = Unfinished;
    let digest = digest(&path, &progress).await;
    std::mem::forget(unfinished);
    digest
}

async fn digest(path: &ByteBuf, progress: &Progress) -> Result<String, Error> {
    let unreadable = |error| unreadable(path, &error);
    let path = Path::new(OsStr::from_bytes(path));
    let mut file = File::open(path).await.map_err(unreadable)?;
    let mut hasher = Sha256::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    while file.read_buf(&mut chunk).await.map_err(unreadable)? > 0 {
        (hasher, chunk) = update(hasher, chunk).await?;
        progress.call((chunk.len(),)).await?;
        chunk.clear();
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Hashes a chunk, off the thread that runs Lwt: that one has a terminal to draw on, and there may be several cores.
async fn update(mut hasher: Sha256, chunk: Vec<u8>) -> Result<(Sha256, Vec<u8>), Error> {
    let small = chunk.len() <= SMALL;
    let update = move || {
        hasher.update(&chunk);
        (hasher, chunk)
    };
    if small {
        return Ok(update());
    }
    Ok(tokio::task::spawn_blocking(update).await?)
}

/// Why a file or a folder is left out.
#[derive(FromOCaml, ToOCaml)]
pub struct Failure {
    path: ByteBuf,
    reason: String,
}

/// The file cannot be read.
#[derive(Exception)]
pub struct Unreadable(Failure);

fn unreadable(path: &ByteBuf, error: &io::Error) -> Error {
    let reason = error.to_string();
    // Rust adds the number, which tells a user nothing: "Permission denied (os error 13)".
    let reason = reason.split(" (os error").next().unwrap_or_default();
    let failure = Failure {
        path: path.clone(),
        reason: reason.to_owned(),
    };
    Unreadable(failure).into()
}

/// How many futures were dropped before their end.
static CANCELLED: AtomicUsize = AtomicUsize::new(0);

/// Part of a future for as long as it has not ended: dropped only with it.
struct Unfinished;

impl Drop for Unfinished {
    fn drop(&mut self) {
        CANCELLED.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many files were being hashed when they were cancelled.
#[ocaml_lwt_interop::func(sync)]
pub fn cancelled() -> usize {
    CANCELLED.load(Ordering::Relaxed)
}

/// How many files are worth hashing at a time on this machine.
#[ocaml_lwt_interop::func(sync)]
pub fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
