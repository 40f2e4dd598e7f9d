//! Which types may leave their thread, as the compiler sees it: no code, and no build when one of these is not so.

use std::future::Future;
use std::rc::Rc;

use crate::domain_executor::{DomainExecutor, ExecutorGuard, OCamlRuntime};
use crate::func::{BlockingFuture, CallFuture, ValueFuture};
use crate::home::{AtHome, Scope};
use crate::{
    ByteBuf, DomainPool, Error, Exception, Handle, JoinHandle, Lent, LwtStream, OCamlAsyncFunc,
    OCamlBytes, OCamlChar, OCamlFileDescr, OCamlFunc, OCamlList, OCamlUchar, OCamlValue,
    OwnedArray, PoolCall, Promise, PromiseFuture, Resolver, RustStream, SendRustStream, Stats,
};

macro_rules! send_and_sync {
    ($($ty:ty,)*) => {
        const _: () = {
            const fn is<T: Send + Sync>() {}
            $(is::<$ty>();)*
        };
    };
}

macro_rules! send {
    ($($ty:ty,)*) => {
        const _: () = {
            const fn is<T: Send>() {}
            $(is::<$ty>();)*
        };
    };
}

/// The type has one implementation of the helper trait, or two when it is `Send` or `Sync`; with two, the compiler cannot
/// tell which is meant.
macro_rules! neither_send_nor_sync {
    ($($ty:ty,)*) => {$(
        const _: () = {
            #[allow(dead_code)]
            trait Meant<Which> {
                const ONE: () = ();
            }
            #[allow(dead_code)]
            struct IfSend;
            #[allow(dead_code)]
            struct IfSync;
            impl<T: ?Sized> Meant<()> for T {}
            impl<T: ?Sized + Send> Meant<IfSend> for T {}
            impl<T: ?Sized + Sync> Meant<IfSync> for T {}
            <$ty as Meant<_>>::ONE
        };
    )*};
}

// What users hold works on every thread, as far as their own types do.
send_and_sync! {
    Promise<String>,
    PromiseFuture<String>,
    Resolver<String>,
    OCamlFunc<(String, isize), String>,
    OCamlAsyncFunc<(String, isize), String>,
    CallFuture<(String, isize), String>,
    ValueFuture<(String, isize), String>,
    BlockingFuture<(String, isize), String>,
    DomainPool,
    PoolCall<(String, isize), String>,
    Handle,
    JoinHandle<String>,
    Error,
    Exception,
    OCamlValue,
    ByteBuf,
    OCamlBytes,
    OCamlChar,
    OCamlUchar,
    OCamlFileDescr,
    OCamlList<String>,
    Lent<u8>,
    OwnedArray<f64, 2>,
    Stats,
    SendRustStream<Rc<str>>,
    crate::runtime::Config,
}

// Read from one place at a time.
send! {
    LwtStream<String>,
}

// Their own types may not.
neither_send_nor_sync! {
    Promise<Rc<str>>,
    PromiseFuture<ocaml::Value>,
    Resolver<ocaml::Value>,
    OCamlFunc<(Rc<str>,), ()>,
    OCamlFunc<(), Rc<str>>,
    OCamlAsyncFunc<(Rc<str>,), ()>,
    OCamlAsyncFunc<(), Rc<str>>,
    CallFuture<(ocaml::Value,), ()>,
    ValueFuture<(ocaml::Value,), ()>,
    ValueFuture<(), ocaml::Value>,
    BlockingFuture<(ocaml::Value,), ()>,
    BlockingFuture<(), ocaml::Value>,
    JoinHandle<Rc<str>>,
    LwtStream<ocaml::Value>,
    RustStream<String>,
}

// What proves something about this thread stays on it.
neither_send_nor_sync! {
    AtHome,
    Scope,
    DomainExecutor,
    ExecutorGuard,
    OCamlRuntime,
}

/// The future of a user's own async function is `Send` when it awaits these.
#[allow(dead_code)]
fn future_that_awaits(
    promise: Promise<String>,
    function: OCamlAsyncFunc<(String,), String>,
    handle: Handle,
) {
    fn is_send(_: impl Future + Send) {}
    is_send(async move {
        let text = promise.await?;
        let text = function.call((text,)).await?;
        handle.call(|_| text).await
    });
}
