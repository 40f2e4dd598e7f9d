//! [`OCamlFunc`] and [`OCamlAsyncFunc`]: OCaml functions that Rust holds and calls.

use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use ocaml::{Runtime, Value};

use super::awaited::{Awaitable, Awaited, Begun, PollScope, Remembered, value_of_function};
use super::promise::PromiseFuture;
use crate::arguments::{ArgumentTypes, IntoArguments};
use crate::caml::lock::demand;
use crate::caml::{self, Live, Root, Typed, convert};
use crate::conversion::declare::{Coming, OCamlType, Type};
use crate::conversion::{FromOCaml, whole};
use crate::error::Error;
use crate::executor::coop::without_budget;
use crate::executor::ocaml_runtime::try_with_scope_of;
use crate::home::{Home, Scope, disturbed};
use crate::panic::catch;
use crate::received;
use crate::storage::Storage;

/// What the handles of a function have in common.
pub(super) struct Function {
    pub(super) root: Root,
    /// What was bound where it was received.
    pub(super) storage: Storage,
}

macro_rules! function_handle {
    ($(#[$doc:meta])* $name:ident, $what:literal, |$returned:ident| $result:expr) => {
        $(#[$doc])*
        pub struct $name<Args, Ret> {
            /// Shared, so that any thread can make a call: reading a root needs the lock.
            function: Arc<Function>,
            home: &'static Home,
            /// Arguments go home from where the handle is, and the value comes from there: `Send` and `Sync` when both are
            /// `Send`, as a mutex is.
            signature: PhantomData<Mutex<(Args, Ret)>>,
        }

        convert! {
            from [Args, Ret] $name<Args, Ret>, |value| {
                received::at_home(concat!($what, " was received"), |access, home| {
                    let root = Root::of(access, &value);
                    let storage = received::storage_of_conversion(home);
                    $name { function: Arc::new(Function { root, storage }), home, signature: PhantomData }
                })
            };
            to [Args, Ret] $name<Args, Ret>, |this, _runtime| {
                demand(concat!($what, " was converted to an OCaml value"), |access| {
                    this.function.root.value(access)
                })
            };
        }

        whole! {
            from [Args: IntoArguments, Ret: FromOCaml] $name<Args, Ret>, |live| live.is_function();
            to [Args: IntoArguments, Ret: FromOCaml] $name<Args, Ret>;
            declare [Args: ArgumentTypes, Ret: OCamlType<Coming>] $name<Args, Ret>, |types| {
                let arguments = Args::types(types);
                let $returned = Ret::ocaml_type(types);
                Type::arrow(arguments, $result)
            };
        }

        impl<Args, Ret> Clone for $name<Args, Ret> {
            fn clone(&self) -> Self {
                $name { function: self.function.clone(), home: self.home, signature: PhantomData }
            }
        }

        impl<Args, Ret> std::fmt::Debug for $name<Args, Ret> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

function_handle! {
    /// An OCaml function that returns a promise: `a -> b -> r Lwt.t` is `OCamlAsyncFunc<(A, B), R>`, and `unit -> r Lwt.t`
    /// is `OCamlAsyncFunc<(), R>`.
    ///
    /// Any function value: partial applications and mutually recursive closures too. The types of the arguments and of
    /// the result are taken on trust, as in an `external` declaration.
    ///
    /// ```
    /// use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
    ///
    /// /// `f` of `f` of `x`.
    /// #[ocaml_lwt_interop::func]
    /// pub async fn twice(f: OCamlAsyncFunc<(isize,), isize>, x: isize) -> Result<isize, Error> {
    ///     let once = f.call((x,)).await?;
    ///     f.call((once,)).await
    /// }
    /// ```
    OCamlAsyncFunc, "an OCaml function", |value| Type::applied("Lwt.t", [value])
}

function_handle! {
    /// An OCaml function that returns its value at once: `a -> b -> r` is `OCamlFunc<(A, B), R>`.
    ///
    /// Three ways to call it: [`call`](OCamlFunc::call) here and now, at home; [`call_async`](OCamlFunc::call_async) at home
    /// as well, from any thread; and [`run_blocking_in_ocaml`](crate::run_blocking_in_ocaml) for one that blocks.
    ///
    /// ```
    /// use ocaml_lwt_interop::{Error, OCamlFunc, ocaml_runtime, run_blocking_in_ocaml};
    ///
    /// /// All three ways, one after the other.
    /// #[ocaml_lwt_interop::func]
    /// pub async fn called_thrice(add: OCamlFunc<(isize, isize), isize>) -> Result<isize, Error> {
    ///     let here = add.call(&ocaml_runtime(), (1, 2))?;
    ///     let from_anywhere = add.call_async((here, 3)).await?;
    ///     run_blocking_in_ocaml(&add, (from_anywhere, 4)).await
    /// }
    /// ```
    OCamlFunc, "an OCaml function", |value| value
}

impl<Args, Ret> OCamlAsyncFunc<Args, Ret>
where
    Args: IntoArguments + 'static,
    Ret: FromOCaml + 'static,
{
    /// Calls the function when the future is first polled, and awaits its promise, on any thread.
    ///
    /// # Errors
    /// The promise was rejected, or the function raised before it returned one: the exception. Its value does not
    /// convert. Nobody can resolve the promise any more, or the executor has shut down: a broken promise.
    pub fn call(&self, arguments: Args) -> CallFuture<Args, Ret> {
        PromiseFuture::new(
            self.home,
            true,
            Call {
                function: self.function.clone(),
                arguments,
            },
        )
    }
}

/// The future of a call of an OCaml function: it calls at its first poll. `Send` when the arguments and the value are.
///
/// Dropping it cancels the promise that the function returned.
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlAsyncFunc, func::CallFuture};
///
/// /// Calls `f` last.
/// #[ocaml_lwt_interop::func]
/// pub async fn called_later(f: OCamlAsyncFunc<(isize,), isize>) -> Result<isize, Error> {
///     let call: CallFuture<(isize,), isize> = f.call((1,)); // nothing is called yet
///     tokio::task::yield_now().await;
///     call.await
/// }
/// ```
pub type CallFuture<Args, Ret> = PromiseFuture<Ret, Call<Args>>;

/// A call to be made.
#[doc(hidden)]
pub struct Call<Args> {
    function: Arc<Function>,
    arguments: Args,
}

impl<Args: IntoArguments + 'static> Awaitable for Call<Args> {
    const CALLS: bool = true;

    fn storage(&self) -> Remembered {
        Remembered(self.function.storage.clone())
    }

    fn begin(self, scope: PollScope<'_>) -> Result<Begun, Error> {
        let promise = apply(scope.0, &self.function, self.arguments)?;
        // SAFETY: so the handle says
        let promise = unsafe { Typed::new(promise) };
        Ok(Begun(Awaited::Promise(promise)))
    }
}

/// The future of a call of an OCaml function that returns its value at once: it calls at its first poll. `Send` when the
/// arguments and the value are.
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlFunc, func::ValueFuture};
///
/// /// What `f` gives, asked for from a Tokio thread.
/// #[ocaml_lwt_interop::func]
/// pub async fn value_from_a_worker(f: OCamlFunc<(), isize>) -> Result<isize, Error> {
///     let call: ValueFuture<(), isize> = f.call_async(());
///     tokio::spawn(call).await?
/// }
/// ```
pub type ValueFuture<Args, Ret> = PromiseFuture<Ret, CallForValue<Args>>;

/// A call to be made.
#[doc(hidden)]
pub struct CallForValue<Args>(Call<Args>);

impl<Args: IntoArguments + 'static> Awaitable for CallForValue<Args> {
    const CALLS: bool = true;

    fn storage(&self) -> Remembered {
        self.0.storage()
    }

    fn begin(self, scope: PollScope<'_>) -> Result<Begun, Error> {
        let value = apply(scope.0, &self.0.function, self.0.arguments)?;
        Ok(Begun(Awaited::Value(value)))
    }
}

impl<Args, Ret> OCamlFunc<Args, Ret>
where
    Args: IntoArguments,
    Ret: FromOCaml,
{
    /// Calls the function, at home. The runtime is [`ocaml_runtime`](crate::ocaml_runtime)'s or that of
    /// [`Handle::call`](crate::Handle::call).
    ///
    /// # Errors
    /// The exception that it raised; or its value does not convert; or this is not its home, or it may not touch OCaml now
    /// (see [`ocaml_runtime`](crate::ocaml_runtime)).
    pub fn call(&self, runtime: &Runtime, arguments: Args) -> Result<Ret, Error> {
        try_with_scope_of(runtime, self.home, |scope| self.apply(scope, arguments))?
    }

    /// Calls the function on the domain of the scope. Runs OCaml code, and converts.
    pub(crate) fn apply(&self, scope: &Scope, arguments: Args) -> Result<Ret, Error> {
        value_of_function(apply(scope, &self.function, arguments)?)
    }
}

impl<Args, Ret> OCamlFunc<Args, Ret>
where
    Args: IntoArguments + 'static,
    Ret: FromOCaml + 'static,
{
    /// Calls the function, at home, when the future is first polled, and awaits its value, on any thread. Polled at home it
    /// is ready at once. One that is dropped before home has got to it does not call.
    ///
    /// # Errors
    /// The exception that it raised; or its value does not convert; or the executor has shut down: a broken promise.
    pub fn call_async(&self, arguments: Args) -> ValueFuture<Args, Ret> {
        PromiseFuture::new(
            self.home,
            true,
            CallForValue(Call {
                function: self.function.clone(),
                arguments,
            }),
        )
    }

    pub(super) fn parts(&self) -> (&'static Home, Arc<Function>) {
        (self.home, self.function.clone())
    }

    /// What was bound where it was received.
    pub(crate) fn storage(&self) -> Storage {
        self.function.storage.clone()
    }
}

/// An OCaml function whose types its holder knows.
#[derive(Clone)]
pub(crate) struct AnyFunction {
    function: Arc<Function>,
    home: &'static Home,
}

impl AnyFunction {
    /// The function is rooted. What is bound here is bound where it runs, outside of calls.
    pub(crate) fn new(root: Root, home: &'static Home) -> AnyFunction {
        let storage = received::storage_of_conversion(home);
        let function = Arc::new(Function { root, storage });
        AnyFunction { function, home }
    }

    pub(crate) fn home(&self) -> &'static Home {
        self.home
    }

    /// # Safety
    /// It takes these arguments, and returns a promise of that value.
    pub(crate) unsafe fn promising<Args, Ret>(&self) -> OCamlAsyncFunc<Args, Ret> {
        OCamlAsyncFunc {
            function: self.function.clone(),
            home: self.home,
            signature: PhantomData,
        }
    }

    /// # Safety
    /// It takes these arguments, and returns that value.
    pub(crate) unsafe fn returning<Args, Ret>(&self) -> OCamlFunc<Args, Ret> {
        OCamlFunc {
            function: self.function.clone(),
            home: self.home,
            signature: PhantomData,
        }
    }
}

/// The arguments, converted: may run anything, and collect.
pub(super) fn convert_arguments<Args: IntoArguments>(
    scope: &Scope,
    arguments: Args,
) -> Result<Args::Array, Error> {
    let runtime = scope.access().runtime();
    catch(AssertUnwindSafe(|| arguments.into_array(runtime))).map_err(Error::from_panic)
}

/// The most arguments that a function has.
pub(super) const MOST_ARGUMENTS: usize = 12;

/// Runs OCaml code, and the conversions of the arguments.
fn apply(
    scope: &Scope,
    function: &Function,
    arguments: impl IntoArguments,
) -> Result<Value, Error> {
    let call = || apply_as_bound(scope, &function.root, arguments);
    function.storage.of_handle(scope, call)
}

fn apply_as_bound(
    scope: &Scope,
    function: &Root,
    arguments: impl IntoArguments,
) -> Result<Value, Error> {
    // What called may be a stub of ocaml-rs's, which does not ask.
    caml::check_stacks(scope.access())?;
    let values = convert_arguments(scope, arguments)?;
    let mut raws = [caml::UNIT; MOST_ARGUMENTS];
    let values = values.as_ref();
    for (raw, value) in raws.iter_mut().zip(values) {
        *raw = value.raw();
    }
    let access = scope.access();
    let raws = &mut raws[..values.len()];
    // SAFETY: the function and the arguments are rooted until the call takes them over, and of the types that the handle
    // says; the result is rooted before anything can allocate
    let ended = unsafe {
        match without_budget(|| caml::call(access, function.get(access), raws)) {
            Ok(value) => Ok(Live::new(access, value).rooted()),
            Err(exception) => Err(caml::raised_by(Live::new(access, exception))),
        }
    };
    ended.map_err(|exception| {
        disturbed();
        Error::of_raised(scope, &exception)
    })
}
