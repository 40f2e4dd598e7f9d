//! Objects; see `../test_objects.ml`.

use std::collections::LinkedList;
use std::sync::Mutex;

use futures_core::Stream;
use futures_lite::future::yield_now;
use futures_lite::stream::iter;
use ocaml_lwt_interop::domain_executor::DomainExecutor;
use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlAsyncFunc, OCamlFunc, OCamlList, Object, RustStream, ToOCaml, func,
    object, ocaml_runtime,
};

/// What destructors said, in order.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(crate) fn log(text: String) {
    LOG.lock().unwrap().push(text);
}

/// And forgets it.
#[func(sync)]
pub fn objects_log() -> Vec<String> {
    std::mem::take(&mut *LOG.lock().unwrap())
}

pub(crate) fn here() -> &'static str {
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
