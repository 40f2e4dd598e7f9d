//! Destructors: what they do, and where; and many objects. See `../test_destructors.ml`.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_lite::future::yield_now;
use ocaml_lwt_interop::domain_executor::DomainExecutor;
use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlAsyncFunc, OCamlFunc, Object, func, object, ocaml_runtime,
};

use crate::objects::{Thing, here, log};

/// What a destructor does.
#[derive(FromOCaml)]
pub enum Last {
    Nothing,
    Panics,
    /// Until it may go on.
    Blocks,
    CallsOCaml(OCamlFunc<(String,), ()>),
    Spawns,
    #[allow(dead_code)]
    LetsGo(Object<Thing>),
    Closes(Object<Thing>),
}

macro_rules! with_last {
    ($($(#[$attribute:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$attribute])*
        pub struct $name {
            name: String,
            last: Last,
        }

        impl Drop for $name {
            fn drop(&mut self) {
                log(format!("{} {}", self.name, here()));
                last(&self.last);
            }
        }

        #[func]
        impl $name {
            #[func(sync)]
            pub fn make(name: String, last: Last) -> Self {
                $name { name, last }
            }

            pub async fn until(&self, wait: OCamlAsyncFunc<(), ()>) -> Result<(), Error> {
                wait.call(()).await
            }

            #[func(tokio)]
            pub async fn until_there(&self, wait: OCamlAsyncFunc<(), ()>) -> Result<(), Error> {
                wait.call(()).await
            }
        }
    )*};
}

with_last! {
    #[object] Anywhere, "anywhere";
    #[object(drop = "home")] AtHome, "at_home";
}

static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

#[func(sync)]
pub fn destructors_open_gate(is_open: bool) {
    *GATE.0.lock().unwrap() = is_open;
    GATE.1.notify_all();
}

fn last(last: &Last) {
    match last {
        Last::Nothing | Last::LetsGo(_) => {}
        Last::Panics => panic!("in a destructor"),
        Last::Blocks => {
            let gate = GATE.0.lock().unwrap();
            drop(GATE.1.wait_while(gate, |is_open| !*is_open).unwrap());
            log("the gate was open".to_owned());
        }
        Last::CallsOCaml(f) => {
            let called = match DomainExecutor::current() {
                Some(_) => f.call(&ocaml_runtime(), ("at home".to_owned(),)),
                None => {
                    let home = ocaml_lwt_interop::handle();
                    let call = |runtime: &_| f.call(runtime, ("elsewhere".to_owned(),));
                    home.run_blocking(call).unwrap_or_else(Err)
                }
            };
            if let Err(error) = called {
                log(error.to_string());
            }
        }
        Last::Spawns => {
            drop(ocaml_lwt_interop::spawn(async {
                yield_now().await;
                log(format!("spawned {}", here()));
            }));
        }
        Last::Closes(thing) => Object::close(thing),
    }
}

/// Not `Send`: it stays at home.
#[object]
pub struct Local {
    name: Rc<RefCell<String>>,
}

impl Drop for Local {
    fn drop(&mut self) {
        log(format!("{} {}", self.name.borrow(), here()));
    }
}

#[func]
impl Local {
    #[func(sync)]
    pub fn make(name: String) -> Local {
        Local {
            name: Rc::new(RefCell::new(name)),
        }
    }

    pub async fn append(&self, text: String) -> String {
        let name = self.name.clone();
        yield_now().await;
        name.borrow_mut().push_str(&text);
        yield_now().await;
        self.name.borrow().clone()
    }
}

// Many.

/// Nothing is in it.
#[object]
pub struct Small {
    count: Arc<AtomicIsize>,
}

impl Drop for Small {
    fn drop(&mut self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

static GONE: Mutex<Option<Arc<AtomicIsize>>> = Mutex::new(None);

#[func]
impl Small {
    #[func(sync)]
    pub fn make() -> Small {
        let mut gone = GONE.lock().unwrap();
        Small {
            count: gone.get_or_insert_default().clone(),
        }
    }

    #[func(sync)]
    pub fn use_it(&self) -> isize {
        self.count.load(Ordering::Relaxed)
    }

    /// A reference to it goes on a worker, now or soon.
    #[func(sync)]
    pub fn race(this: Object<Self>) {
        drop(ocaml_lwt_interop::tokio_rt().spawn(async move {
            tokio::task::yield_now().await;
            drop(this);
        }));
    }
}

#[func(sync)]
pub fn destructors_small_gone() -> isize {
    let gone = GONE.lock().unwrap();
    gone.as_ref()
        .map_or(0, |count| count.load(Ordering::Relaxed))
}

/// As it says to OCaml.
#[object(size = 10_000_000)]
pub struct Large;

impl Drop for Large {
    fn drop(&mut self) {
        std::hint::black_box(self);
    }
}

#[object(size = Measured::bytes)]
pub struct Measured {
    bytes: usize,
    _buffer: Vec<u8>,
}

impl Measured {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

#[func]
impl Measured {
    #[func(sync)]
    pub fn make(bytes: usize) -> Measured {
        Measured {
            bytes,
            _buffer: Vec::with_capacity(10),
        }
    }
}

#[func(sync)]
pub fn destructors_large() -> Large {
    Large
}

/// A future that is dropped at home with the last reference in it.
struct Holds(Object<Thing>);

impl Future for Holds {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        std::hint::black_box(&*self.0);
        Poll::Pending
    }
}

#[func]
pub async fn destructors_hold(thing: Object<Thing>) {
    Holds(thing).await;
}

#[func(blocking)]
pub fn destructors_sleep(milliseconds: usize) {
    std::thread::sleep(Duration::from_millis(milliseconds as u64));
}
