//! The functions of an implementation, and their calls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::results::MethodResult;
use crate::arguments::IntoArguments;
use crate::caml::lock::Access;
use crate::caml::{self, Live, Root};
use crate::error::Error;
use crate::executor::ocaml_runtime::ocaml_runtime;
use crate::handles::Handle;
use crate::home::{AtHome, Home};
use crate::lwt_to_rust::func::AnyFunction;

/// What an async function of an interface gives: the OCaml function is called when it is first polled, on any thread. Dropping it
/// cancels OCaml's promise.
pub type Call<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// OCaml's record of functions.
#[derive(Clone)]
pub struct Functions(Arc<Record>);

struct Record {
    /// For OCaml, where it is given back.
    root: Root,
    functions: Vec<AnyFunction>,
}

impl Functions {
    /// Roots the record and its functions. No allocation on the OCaml heap. `None`: it is no record of functions.
    pub(super) fn of(
        access: Access<'_>,
        home: &'static Home,
        record: &ocaml::Value,
    ) -> Option<Functions> {
        let live = Live::of(access, record);
        count(live)?;
        let roots: Vec<Root> = live.fields().map(Root::of_live).collect();
        let function = |root| AnyFunction::new(root, home);
        Some(Functions(Arc::new(Record {
            root: Root::of(access, record),
            functions: roots.into_iter().map(function).collect(),
        })))
    }

    pub(super) fn count(&self) -> usize {
        self.0.functions.len()
    }

    /// With a root of its own.
    pub(super) fn value(&self, access: Access<'_>) -> ocaml::Value {
        self.0.root.value(access)
    }

    /// Calls function `number`, which gives a promise.
    ///
    /// # Safety
    /// It takes these arguments, and its promise is of that value. `name` is for messages.
    pub unsafe fn call_async<Args, R, Kind>(
        &self,
        (number, name): (usize, &'static str),
        arguments: Args,
        _: Kind,
    ) -> Call<R>
    where
        Args: IntoArguments + Send + 'static,
        Kind: MethodResult<R>,
    {
        // SAFETY: the caller's word
        let function = unsafe { self.0.functions[number].promising::<Args, Kind::Value>() };
        let call = function.call(arguments);
        Box::pin(async move { Kind::end(call.await, name) })
    }

    /// Calls function `number`, and waits for its value: at home it is called at once, elsewhere in the next tick.
    ///
    /// # Safety
    /// It takes these arguments, and returns that value.
    pub unsafe fn call<Args, R, Kind>(
        &self,
        (number, name): (usize, &'static str),
        arguments: Args,
        _: Kind,
    ) -> R
    where
        Args: IntoArguments + Send,
        Kind: MethodResult<R>,
    {
        let function = &self.0.functions[number];
        let handle = Handle::new(function.home());
        // SAFETY: the caller's word
        let function = unsafe { function.returning::<Args, Kind::Value>() };
        let ended = match AtHome::of(handle.home()) {
            Some(_) if caml::lock::has_access() => function.call(&ocaml_runtime(), arguments),
            _ => handle
                .run_blocking(|runtime| function.call(runtime, arguments))
                .and_then(|ended: Result<_, Error>| ended),
        };
        Kind::end(ended, name)
    }
}

/// How many functions a record has; `None`: it is none of functions.
pub(super) fn count(live: Live<'_>) -> Option<usize> {
    (live.is_tagged(0) && live.fields().all(Live::is_function)).then(|| live.size())
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} OCaml functions", self.count())
    }
}
