//! Every way to touch OCaml, tried where it may be touched and where it may not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_lite::stream;
use ocaml::{FromValue, Runtime, ToValue, Value};
use ocaml_lwt_interop::domain_executor::{spawn_lwt, spawn_with_runtime};
use ocaml_lwt_interop::{
    ByteBuf, Error, Exception, FromOCaml, Nativeint, OCamlFunc, OCamlList, OCamlValue, Promise,
    RustStream, ToOCaml, func, ocaml_runtime,
};

/// What is tried with; a runtime that has left the call it was made for.
#[derive(Clone)]
struct Tools {
    runtime: &'static Runtime,
    function: OCamlFunc<(isize,), isize>,
    exception: Exception,
    value: OCamlValue,
}

static TOOLS: Mutex<Option<Tools>> = Mutex::new(None);

#[derive(FromOCaml, ToOCaml)]
struct Record {
    number: isize,
}

/// Prepares it all; from now on panics print nothing.
#[func]
pub async fn process_access_prepare(
    function: OCamlFunc<(isize,), isize>,
    raises: OCamlFunc<(isize,), isize>,
    value: OCamlValue,
) {
    let runtime: &'static _ = Box::leak(Box::new(ocaml_runtime()));
    let exception = raises.call(runtime, (1,)).expect_err("it raises");
    *TOOLS.lock().unwrap() = Some(Tools {
        runtime,
        function,
        exception: exception.exception().expect("OCaml's").clone(),
        value,
    });
    std::panic::set_hook(Box::new(|_| {}));
}

/// Tries them all, and says what came of it: how many there are, if each was refused with this text; else which was not.
fn tried(tools: &Tools, reason: &str) -> String {
    let runtime = tools.runtime;
    let text = |payload: Box<dyn std::any::Any + Send>| {
        payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default()
    };
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut attempt = |name: &str, f: &mut dyn FnMut() -> Option<Error>| {
        count += 1;
        let refusal = match catch_unwind(AssertUnwindSafe(f)) {
            Ok(error) => error.map(|error| error.to_string()),
            Err(panic) => Some(text(panic)),
        };
        match refusal {
            Some(refusal) if refusal.contains(reason) => {}
            Some(refusal) => wrong.push(format!("{name} said: {refusal}")),
            None => wrong.push(format!("{name} was done")),
        }
    };
    macro_rules! attempts {
        ($($name:literal => $done:expr;)*) => {
            $(attempt($name, &mut || { std::hint::black_box($done); None });)*
        };
    }
    attempts! {
        "ocaml_runtime" => ocaml_runtime();
        "Promise::new" => Promise::<()>::new(runtime);
        "spawn_lwt" => spawn_lwt(runtime, async { Ok(()) });
        "spawn_with_runtime" => spawn_with_runtime(runtime, async {});
        "OCamlFunc::from_value" => OCamlFunc::<(), ()>::from_value(Value::Raw(ocaml::sys::UNIT));
        "OCamlValue::from_value" => OCamlValue::from_value(Value::Raw(ocaml::sys::UNIT));
        "Promise::from_value" => Promise::<()>::from_value(Value::Raw(ocaml::sys::UNIT));
        "OCamlFunc::to_value" => tools.function.to_value(runtime);
        "OCamlValue::to_value" => tools.value.to_value(runtime);
        "ByteBuf::to_value" => ByteBuf(vec![1]).to_value(runtime);
        "OCamlList::to_value" => OCamlList(vec![1isize]).to_value(runtime);
        "OCamlList::from_value" => OCamlList::<isize>::from_value(Value::Raw(ocaml::sys::UNIT));
        "Nativeint::to_value" => Nativeint(1).to_value(runtime);
        "a derived to_value" => Record { number: 1 }.to_value(runtime);
        "RustStream::to_value" => RustStream::new(stream::empty::<isize>()).to_value(runtime);
        "Exception::value" => tools.exception.value(runtime);
        "Exception::argument" => tools.exception.argument::<String>(runtime, 0);
    }
    attempt("OCamlFunc::call", &mut || {
        tools.function.call(runtime, (1,)).err()
    });
    if wrong.is_empty() {
        format!("{count} of {count} refused")
    } else {
        wrong.join("; ")
    }
}

fn tools() -> Tools {
    let tools = TOOLS.lock().unwrap().clone();
    tools.expect("process_access_prepare was called")
}

/// Tries here. None is refused: each is named, with what it says where that is not "was done".
#[func]
pub fn process_access_here(reason: String) -> String {
    tried(&tools(), &reason)
}

/// The same, in a function without a promise.
#[func(sync)]
pub fn process_access_at_once(reason: String) -> String {
    tried(&tools(), &reason)
}

/// Panics when `a` is zero, fails when `b` is.
#[func(sync)]
pub fn process_sync_add(a: isize, b: isize) -> Result<isize, Error> {
    assert!(a != 0, "a is zero");
    if b == 0 {
        return Err(Error::msg("b is zero"));
    }
    Ok(a + b)
}

#[func(sync)]
pub fn process_sync_length(text: String) -> isize {
    text.len() as isize
}

#[func(sync)]
pub fn process_sync_call(f: OCamlFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    f.call(&ocaml_runtime(), (n,))
}

/// What it spawns runs in the loop's next turn.
#[func(sync)]
pub fn process_sync_spawn(f: OCamlFunc<(isize,), isize>, n: isize) {
    ocaml_lwt_interop::spawn_local(async move { f.call(&ocaml_runtime(), (n,)) }).detach();
}

/// A function that OCaml calls without the bridge's knowledge.
#[ocaml::func]
pub fn process_access_unknown(reason: String) -> String {
    tried(&tools(), &reason)
}

/// On another thread, which home waits for.
#[func]
pub fn process_access_elsewhere(reason: String) -> String {
    let tools = tools();
    std::thread::spawn(move || tried(&tools, &reason))
        .join()
        .expect("no panic leaves")
}

/// Without the runtime lock, which ocaml-rs gives back.
#[func]
pub fn process_access_unlocked(reason: String) -> String {
    let tools = tools();
    ocaml::enter_blocking_section();
    let tried = tried(&tools, &reason);
    ocaml::leave_blocking_section();
    tried
}

/// An object of ocaml-rs's, in whose destructor all is tried.
pub struct Object;

static DROPPED: AtomicUsize = AtomicUsize::new(0);

impl Drop for Object {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        println!("in the collector: {}", tried(&tools(), "cannot be touched"));
    }
}

ocaml::custom!(Object);

#[ocaml::func]
pub fn process_access_object() -> ocaml::Pointer<Object> {
    ocaml::Pointer::from(Object)
}

/// Converts values until an object was collected by that.
#[func]
pub fn process_access_allocate() -> bool {
    let runtime = ocaml_runtime();
    let before = DROPPED.load(Ordering::Relaxed);
    let mut kept = Vec::new();
    for i in 0..20_000_000 {
        let value = "a text of a few words, some of which".to_value(&runtime);
        if DROPPED.load(Ordering::Relaxed) != before {
            return true;
        }
        // Some become old, or the collector has no reason to go on.
        if i % 8 == 0 {
            kept.push(value);
        }
        if kept.len() == 100_000 {
            kept.clear();
        }
    }
    false
}
