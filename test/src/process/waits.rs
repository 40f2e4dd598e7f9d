//! Threads that would wait for home where it cannot come.

use std::future::IntoFuture;
use std::sync::Mutex;

use futures_lite::future;
use ocaml_lwt_interop::{Handle, OCamlFunc, Promise, func, handle, ocaml_runtime, spawn_local};

use super::shown;

static HANDLES: Mutex<Vec<Handle>> = Mutex::new(Vec::new());

/// Keeps the executor of the thread that calls, and gives its number.
#[func]
pub fn process_keep_handle() -> isize {
    let mut handles = HANDLES.lock().unwrap();
    handles.push(handle());
    handles.len() as isize - 1
}

fn kept(number: isize) -> Handle {
    HANDLES.lock().unwrap()[number as usize]
}

fn waits(number: isize) -> String {
    shown(kept(number).run_blocking(|_| 1))
}

/// Waits for that executor, on whichever of OCaml's threads.
#[ocaml::func]
pub fn process_waits(number: isize) -> String {
    waits(number)
}

/// The same in a function of the bridge's.
#[func]
pub fn process_waits_in_func(number: isize) -> String {
    waits(number)
}

/// With OCaml's runtime lock released.
#[ocaml::func]
pub fn process_waits_released(number: isize) -> String {
    ocaml::runtime::enter_blocking_section();
    let ended = waits(number);
    ocaml::runtime::leave_blocking_section();
    ended
}

static PROMISE: Mutex<Option<Promise<isize>>> = Mutex::new(None);

/// Keeps a promise for the next.
#[func]
pub fn process_keep_promise(promise: Promise<isize>) {
    *PROMISE.lock().unwrap() = Some(promise);
}

/// A thread of Rust's waits in every way, and this one for it.
#[ocaml::func]
pub fn process_thread_waits_in_every_way(number: isize) -> String {
    let promise = PROMISE.lock().unwrap().take().expect("one was kept");
    let all = move || {
        [
            waits(number),
            shown(future::block_on(kept(number).call(|_| 1))),
            shown(future::block_on(kept(number).spawn(async { 1 }))),
            shown(future::block_on(promise.into_future())),
        ]
        .join("\n")
    };
    std::thread::spawn(all).join().expect("it does not panic")
}

/// A task of this domain's whose destructor calls an OCaml function.
#[func]
pub fn process_calls_when_dropped(f: OCamlFunc<(), ()>) {
    struct Calls(OCamlFunc<(), ()>);
    impl Drop for Calls {
        fn drop(&mut self) {
            let ended = self.0.call(&ocaml_runtime(), ());
            println!("destructor: {}", shown(ended));
        }
    }
    let calls = Calls(f);
    spawn_local(async move {
        let _calls = calls;
        future::pending::<()>().await;
    })
    .detach();
}

/// Blocks on a promise where it is called, for three seconds at most.
#[func]
pub async fn process_blocks_on(promise: Promise<isize>) -> isize {
    let (gives_up, given_up) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(3));
        drop(gives_up);
    });
    let promise = async move { promise.await.unwrap_or(-2) };
    let gives_up = async {
        let _ = given_up.await;
        -1
    };
    future::block_on(future::or(promise, gives_up))
}
