//! What OCaml has provided, under names.

use std::collections::BTreeMap;
use std::fmt;

use super::contract::Interface;
use super::functions::Functions;
use super::provided::Provided;
use crate::caml::lock::Access;
use crate::home::Home;
use crate::lock::Mutex;

/// By the interface and the name; in the child of a `fork` nobody asks.
static PROVIDED: Mutex<BTreeMap<(String, String), Functions>> = Mutex::new(BTreeMap::new());

/// Keeps an implementation. `Err` is a message.
pub(crate) fn provide(
    access: Access<'_>,
    home: &'static Home,
    (interface, name): (String, String),
    record: &ocaml::Value,
) -> Result<(), String> {
    let functions = Functions::of(access, home, record)
        .ok_or_else(|| format!("{interface}: an implementation is a record of functions"))?;
    let Some(mut provided) = PROVIDED.lock() else {
        return Ok(());
    };
    if provided.contains_key(&(interface.clone(), name.clone())) {
        drop(provided);
        return Err(format!(
            "an implementation of {interface} was provided twice{}, and Rust would not know which is meant: give one another name, \
             with ~name",
            named(&name)
        ));
    }
    provided.insert((interface, name), functions);
    Ok(())
}

/// Whether nothing at all was provided.
pub(crate) fn is_empty() -> bool {
    PROVIDED.lock().is_none_or(|provided| provided.is_empty())
}

/// OCaml has provided no such implementation. The message says what it has provided.
#[derive(Clone, PartialEq, Eq)]
pub struct NotProvided(String);

impl fmt::Display for NotProvided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which a `main` tells it.
impl fmt::Debug for NotProvided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NotProvided {}

/// What was provided.
///
/// # Errors
/// Nothing was, of that interface under that name: the message says what was.
pub(crate) fn find<I: Interface + ?Sized>(name: &str) -> Result<Provided<I>, NotProvided> {
    let all = PROVIDED.lock();
    let key = (I::KEY.to_owned(), name.to_owned());
    let found = all.as_ref().and_then(|all| all.get(&key)).cloned();
    if let Some(functions) = found.filter(|found| found.count() == I::FUNCTIONS.len()) {
        drop(all);
        return Ok(Provided::new(functions));
    }
    let others: Vec<_> = all
        .iter()
        .flat_map(|all| all.keys())
        .map(|(interface, name)| format!("{interface}{}", named(name)))
        .collect();
    Err(NotProvided(format!(
        "OCaml has provided no {}{}, but: {}. An OCaml module that is linked calls `provide` of the module that is made for the \
         interface, when the program starts",
        I::KEY,
        named(name),
        if others.is_empty() {
            "nothing".to_owned()
        } else {
            others.join(", ")
        }
    )))
}

fn named(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" named {name:?}"),
    }
}
