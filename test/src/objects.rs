//! Objects; see `../test_objects.ml`.

use std::cell::RefCell;
use std::collections::LinkedList;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_lite::future::yield_now;
use futures_lite::stream::iter;
use ocaml_lwt_interop::domain_executor::DomainExecutor;
use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlAsyncFunc, OCamlFunc, OCamlList, Object, RustStream, ToOCaml, func,
    object, ocaml_runtime, run_in_ocaml_domain,
};

/// What destructors said, in order.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn log(text: String) {
    LOG.lock().unwrap().push(text);
}

/// And forgets it.
#[func(sync)]
pub fn objects_log() -> Vec<String> {
    std::mem::take(&mut *LOG.lock().unwrap())
}

fn here() -> &'static str {
    match DomainExecutor::current() {
        Some(_) => "at home",
        None => "elsewhere",
    }
}

// Kinds of functions and how they end.

/// Says where its destructor ran.
#[object]
pub struct Thing {
    name: String,
}

impl Drop for Thing {
    fn drop(&mut self) {
        // The laws of the collector have long names.
        if self.name.len() < 100 {
            log(format!("{} {}", self.name, here()));
        }
    }
}

/// How a function ends.
#[derive(Clone, Copy, FromOCaml)]
pub enum End {
    Value,
    Error,
    Panic,
    /// Never by itself.
    Never,
}

impl Thing {
    fn end(&self, end: End) -> Result<String, Error> {
        match end {
            End::Value => Ok(self.name.clone()),
            End::Error => Err(Error::msg(self.name.clone())),
            End::Panic => panic!("{}", self.name),
            End::Never => unreachable!("it does not end"),
        }
    }

    async fn ends(&self, end: End) -> Result<String, Error> {
        if let End::Never = end {
            std::future::pending::<()>().await;
        }
        yield_now().await;
        self.end(end)
    }
}

/// It has no function of OCaml's called `thing_secret`.
#[func]
impl Thing {
    #[func(sync)]
    pub fn make(name: String) -> Thing {
        Thing { name }
    }

    pub async fn make_later(name: String) -> Result<Self, Error> {
        yield_now().await;
        Ok(Thing { name })
    }

    pub async fn at_home(&self, end: End) -> Result<String, Error> {
        self.ends(end).await
    }

    #[func(cancel = "detach")]
    pub async fn detached(&self, wait: OCamlAsyncFunc<(), ()>) -> Result<(), Error> {
        wait.call(()).await?;
        log(format!("{} went on", self.name));
        Ok(())
    }

    #[func(tokio)]
    pub async fn tokio(&self, end: End) -> Result<String, Error> {
        self.ends(end).await
    }

    #[func(blocking)]
    pub fn blocking(&self, end: End) -> Result<String, Error> {
        self.end(end)
    }

    #[func(sync)]
    pub fn sync(&self, end: End) -> Result<String, Error> {
        self.end(end)
    }

    /// What the stream needs it has itself.
    pub fn stream(
        this: Object<Self>,
        end: End,
    ) -> impl Stream<Item = Result<String, Error>> + use<> {
        futures_lite::stream::once_future(async move { this.ends(end).await })
    }

    /// The call is over before the stream is read.
    pub fn borrowed_stream(&self, end: End) -> impl Stream<Item = Result<String, Error>> + use<> {
        let name = self.name.clone();
        if let End::Panic = end {
            panic!("{name}");
        }
        iter([Ok(name)])
    }

    pub fn promised_stream(
        &self,
        end: End,
    ) -> Result<impl Stream<Item = Result<String, Error>> + use<>, Error> {
        self.end(end).map(|name| iter([Ok(name)]))
    }

    pub async fn later_stream(&self, end: End) -> Result<RustStream<String>, Error> {
        let name = self.ends(end).await?;
        Ok(RustStream::new(iter([name])))
    }

    /// Two at a time.
    pub async fn with(&self, other: &Thing, end: End) -> Result<String, Error> {
        other.ends(end).await?;
        Ok(format!("{} with {}", self.name, other.name))
    }

    #[func(blocking)]
    pub fn with_blocking(&self, other: &Thing, end: End) -> Result<String, Error> {
        other.end(end)?;
        Ok(format!("{} with {}", self.name, other.name))
    }

    /// Runs until OCaml says so.
    pub async fn until(&self, wait: OCamlAsyncFunc<(), ()>) -> Result<String, Error> {
        wait.call(()).await?;
        Ok(self.name.clone())
    }

    #[func(sync)]
    pub fn same(this: Object<Self>) -> Object<Self> {
        this
    }

    #[func(sync)]
    pub fn is_closed(this: Object<Self>) -> bool {
        Object::is_closed(&this)
    }

    /// While it is used.
    #[func(sync)]
    pub fn calls(&self, f: OCamlFunc<(), ()>) -> Result<String, Error> {
        f.call(&ocaml_runtime(), ())?;
        Ok(self.name.clone())
    }

    /// Closes it on a thread that has no lock of OCaml's, and waits for that.
    #[func(sync)]
    pub fn close_elsewhere(this: Object<Self>) {
        std::thread::spawn(move || Object::close(&this))
            .join()
            .unwrap();
    }

    #[func(tokio)]
    pub async fn close_on_a_worker(this: Object<Self>) {
        Object::close(&this);
    }

    #[allow(dead_code)]
    fn secret(&self) {}
}

// Where it crosses.

#[derive(FromOCaml, ToOCaml)]
#[ocaml(name = "things")]
pub struct Pair {
    left: Object<Thing>,
    right: Option<Object<Thing>>,
}

#[func(sync)]
pub fn objects_name(thing: &Thing) -> String {
    thing.name.clone()
}

#[func(sync)]
pub fn objects_maybe(name: Option<String>) -> Option<Thing> {
    name.map(|name| Thing { name })
}

#[func]
pub async fn objects_result(name: String) -> Result<Thing, String> {
    match name.as_str() {
        "" => Err("no name".to_owned()),
        _ => Ok(Thing { name }),
    }
}

#[func(sync)]
pub fn objects_array(names: Vec<String>) -> Vec<Thing> {
    names.into_iter().map(|name| Thing { name }).collect()
}

#[func(tokio)]
pub async fn objects_list(names: Vec<String>) -> Result<OCamlList<Thing>, Error> {
    Ok(OCamlList(
        names.into_iter().map(|name| Thing { name }).collect(),
    ))
}

#[func(sync)]
pub fn objects_names(things: LinkedList<Object<Thing>>) -> Vec<String> {
    things.iter().map(|thing| thing.name.clone()).collect()
}

#[func(sync)]
pub fn objects_swap(pair: Pair) -> Pair {
    match pair.right {
        Some(right) => Pair {
            left: right,
            right: Some(pair.left),
        },
        None => pair,
    }
}

#[func]
pub async fn objects_through(
    f: OCamlAsyncFunc<(Object<Thing>, isize), Object<Thing>>,
) -> Result<String, Error> {
    let given = Object::new(Thing {
        name: "given".to_owned(),
    });
    let taken = f.call((given.clone(), 1)).await?;
    Ok(format!("{} {}", taken.name, Object::ptr_eq(&given, &taken)))
}

#[func]
pub fn objects_stream(names: Vec<String>) -> impl Stream<Item = Object<Thing>> {
    iter(names.into_iter().map(|name| Thing { name }.into()))
}

// Destructors.

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
pub fn objects_open_gate(is_open: bool) {
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
                    run_in_ocaml_domain(&home, call).unwrap_or_else(Err)
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

/// Takes other objects, and functions of OCaml's.
#[object]
pub struct Club {
    members: Mutex<Vec<Object<Thing>>>,
    on_join: OCamlFunc<(Object<Thing>,), bool>,
}

#[func]
impl Club {
    #[func(sync)]
    pub fn make(on_join: OCamlFunc<(Object<Thing>,), bool>) -> Club {
        Club {
            members: Mutex::default(),
            on_join,
        }
    }

    pub async fn join(&self, member: Object<Thing>) -> Result<isize, Error> {
        if self.on_join.call(&ocaml_runtime(), (member.clone(),))? {
            self.members.lock().unwrap().push(member);
        }
        Ok(self.members.lock().unwrap().len() as isize)
    }

    #[func(sync)]
    pub fn member(&self, index: usize) -> Option<Object<Thing>> {
        self.members.lock().unwrap().get(index).cloned()
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
pub fn objects_small_gone() -> isize {
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
pub fn objects_large() -> Large {
    Large
}

/// A future that is dropped at home with the last reference in it.
struct Holds(Object<Thing>);

impl Future for Holds {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        std::hint::black_box(&self.0.name);
        Poll::Pending
    }
}

#[func]
pub async fn objects_hold(thing: Object<Thing>) {
    Holds(thing).await;
}

#[func(blocking)]
pub fn objects_sleep(milliseconds: usize) {
    std::thread::sleep(Duration::from_millis(milliseconds as u64));
}
