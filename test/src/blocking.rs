//! OCaml functions that return their value at once, called from everywhere: at home, and on threads where they may block;
//! see `../test_blocking.ml`.

use futures_lite::future::{poll_once, yield_now};
use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlFunc, OCamlList, OCamlValue, Promise, handle, ocaml_runtime,
    run_blocking_in_ocaml, tokio_rt,
};

use crate::endings::Bomb;
use crate::probe::{Place, probe, saw};

/// How the function is called; `way` in `test_blocking.ml`.
#[derive(Clone, Copy, Debug, FromOCaml)]
#[ocaml(name = "way_to_block")]
pub enum Way {
    AtHome,
    Blocking,
}

impl Way {
    pub async fn call<Args, Ret>(
        self,
        f: &OCamlFunc<Args, Ret>,
        arguments: Args,
    ) -> Result<Ret, Error>
    where
        Args: ocaml_lwt_interop::func::IntoArguments + 'static,
        Ret: FromOCaml + 'static,
    {
        match self {
            Way::AtHome => f.call_async(arguments).await,
            Way::Blocking => run_blocking_in_ocaml(f, arguments).await,
        }
    }
}

/// With a number, called and awaited in a place.
#[ocaml_lwt_interop::func]
pub async fn blocking_call(
    way: Way,
    place: Place,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let call = async move { saw(way.call(&f, (41,)).await) };
    place.run(probe(place, call)).await
}

/// With what lives on OCaml's heap.
#[ocaml_lwt_interop::func]
pub async fn blocking_text(
    way: Way,
    place: Place,
    f: OCamlFunc<(String, OCamlList<String>), OCamlList<String>>,
    text: String,
) -> Result<OCamlList<String>, Error> {
    let list = OCamlList(vec![text.clone(); 5]);
    place
        .run(async move { way.call(&f, (text, list)).await })
        .await
}

/// With a value that passes through.
#[ocaml_lwt_interop::func]
pub async fn blocking_any(
    way: Way,
    place: Place,
    f: OCamlFunc<(OCamlValue,), OCamlValue>,
    value: OCamlValue,
) -> Result<OCamlValue, Error> {
    place.run(async move { way.call(&f, (value,)).await }).await
}

/// With a value that stays at home.
#[ocaml_lwt_interop::func]
pub async fn blocking_local(
    way: Way,
    f: OCamlFunc<(ocaml::Value,), ocaml::Value>,
    value: ocaml::Value,
) -> Result<ocaml::Value, Error> {
    way.call(&f, (value,)).await
}

type Twelve = (
    isize,
    String,
    isize,
    String,
    isize,
    String,
    isize,
    String,
    isize,
    String,
    isize,
    String,
);

#[ocaml_lwt_interop::func]
pub async fn blocking_twelve(
    way: Way,
    place: Place,
    f: OCamlFunc<Twelve, String>,
) -> Result<String, Error> {
    let s = |text: &str| text.to_owned();
    let twelve = (
        1,
        s("b"),
        3,
        s("d"),
        5,
        s("f"),
        7,
        s("h"),
        9,
        s("j"),
        11,
        s("l"),
    );
    place.run(async move { way.call(&f, twelve).await }).await
}

/// With nothing, for nothing.
#[ocaml_lwt_interop::func]
pub async fn blocking_unit(way: Way, place: Place, f: OCamlFunc<(), ()>) -> Result<(), Error> {
    place.run(async move { way.call(&f, ()).await }).await
}

/// With a value that is not what Rust takes it for.
#[ocaml_lwt_interop::func]
pub async fn blocking_refused_value(
    way: Way,
    place: Place,
    f: OCamlFunc<(), String>,
) -> Result<String, Error> {
    place.run(async move { way.call(&f, ()).await }).await
}

/// With an argument that panics in its conversion.
#[ocaml_lwt_interop::func]
pub async fn blocking_bomb(way: Way, place: Place, f: OCamlFunc<(Bomb,), ()>) -> Result<(), Error> {
    place
        .run(async move { way.call(&f, (Bomb::InItsConversion,)).await })
        .await
}

/// Whether it is ready at its first poll, at home.
#[ocaml_lwt_interop::func]
pub async fn blocking_first_poll(way: Way, f: OCamlFunc<(isize,), isize>) -> bool {
    let mut call = std::pin::pin!(way.call(&f, (41,)));
    let ready = poll_once(&mut call).await.is_some();
    if !ready {
        drop(call.await);
    }
    ready
}

/// Dropped before home, or a blocking thread, has got to it: home waits here for the place to have polled, or not, and dropped.
#[ocaml_lwt_interop::func]
pub fn blocking_give_up(way: Way, place: Place, polls: bool, f: OCamlFunc<(isize,), isize>) {
    let give_up = async move {
        let mut call = Box::pin(way.call(&f, (41,)));
        if polls {
            assert!(poll_once(&mut call).await.is_none());
        }
        drop(call);
    };
    match place {
        Place::Domain => futures_lite::future::block_on(give_up),
        elsewhere => {
            let (sender, receiver) = std::sync::mpsc::channel();
            elsewhere.start(async move {
                give_up.await;
                sender.send(()).expect("home waits");
            });
            receiver.recv().expect("nothing panics");
        }
    }
}

/// So many calls at once, from Tokio's workers; the sum.
#[ocaml_lwt_interop::func]
pub async fn blocking_many(
    way: Way,
    n: isize,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let calls: Vec<_> = (0..n)
        .map(|i| {
            let f = f.clone();
            tokio::spawn(async move { way.call(&f, (i,)).await })
        })
        .collect();
    let mut sum = 0;
    for call in calls {
        sum += call.await??;
    }
    Ok(sum)
}

/// Begun on a worker, and dropped there when it has waited for so many turns; or not.
#[ocaml_lwt_interop::func]
pub async fn blocking_race(
    way: Way,
    turns: isize,
    f: OCamlFunc<(OCamlValue,), OCamlValue>,
    value: OCamlValue,
) -> Result<Option<OCamlValue>, Error> {
    let race = async move {
        let mut call = Box::pin(way.call(&f, (value,)));
        for _ in 0..turns {
            if let Some(ended) = poll_once(&mut call).await {
                return ended.map(Some);
            }
            yield_now().await;
        }
        Ok(None)
    };
    tokio::spawn(race).await?
}

/// Blocks a place until home has run a closure.
#[ocaml_lwt_interop::func]
pub async fn blocking_run(place: Place, f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    let home = handle();
    place
        .run(async move {
            let argument = 41;
            home.run_blocking(|gc| f.call(gc, (argument,)))?
        })
        .await
}

/// The same on the thread of a pool that is not Tokio's.
#[ocaml_lwt_interop::func]
pub async fn blocking_run_in_a_pool(n: isize) -> Result<isize, Error> {
    let home = handle();
    let (jobs, todo) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let todo = std::sync::Arc::new(std::sync::Mutex::new(todo));
    for _ in 0..4 {
        let todo = todo.clone();
        std::thread::spawn(move || {
            loop {
                let job = todo.lock().expect("nothing panics").recv();
                match job {
                    Ok(job) => job(),
                    Err(_) => return,
                }
            }
        });
    }
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    for i in 0..n {
        let sender = sender.clone();
        let job = Box::new(move || drop(sender.send(home.run_blocking(|_| i))));
        jobs.send(job).expect("the threads live");
    }
    drop(sender);
    let mut sum = 0;
    while let Some(came) = receiver.recv().await {
        sum += came?;
    }
    Ok(sum)
}

/// A promise that a blocking thread settles, by its own future.
#[ocaml_lwt_interop::func]
pub fn blocking_lwt(f: OCamlFunc<(isize,), isize>) -> Promise<isize> {
    ocaml_lwt_interop::domain_executor::spawn_lwt(
        &ocaml_runtime(),
        run_blocking_in_ocaml(&f, (41,)),
    )
}

/// A plain thread that waits for Tokio only, while home waits for it.
#[ocaml_lwt_interop::func]
pub fn blocking_on_tokio(n: isize) -> isize {
    tokio_rt().block_on(async move {
        let blocking = tokio::task::spawn_blocking(move || n);
        let spawned = tokio::spawn(async move { n });
        blocking.await.expect("it ends") + spawned.await.expect("it ends")
    })
}
