//! The program of `doc/objects.md`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_core::Stream;
use ocaml_lwt_interop::{Error, func, object};

/// Words, and how often each was seen.
#[object(size = Words::bytes)]
pub struct Words {
    counts: Mutex<BTreeMap<String, isize>>,
}

#[func]
impl Words {
    #[func(sync)]
    pub fn create() -> Words {
        Words {
            counts: Mutex::default(),
        }
    }

    /// Counts the words of a file, and gives their number.
    #[func(blocking)]
    pub fn add_file(&self, path: String) -> Result<isize, Error> {
        let text = std::fs::read_to_string(path)?;
        let mut counts = self.counts.lock().unwrap();
        for word in text.split_whitespace() {
            *counts.entry(word.to_owned()).or_insert(0) += 1;
        }
        Ok(text.split_whitespace().count() as isize)
    }

    #[func(sync)]
    pub fn count(&self, word: String) -> isize {
        self.counts.lock().unwrap().get(&word).copied().unwrap_or(0)
    }

    /// All of them, in the order of the alphabet.
    pub fn all(&self) -> impl Stream<Item = (String, isize)> + use<> {
        let all = self.counts.lock().unwrap().clone();
        futures_lite::stream::iter(all)
    }

    /// Those of both.
    pub async fn merge(&self, other: &Words) -> Words {
        let mut counts = self.counts.lock().unwrap().clone();
        for (word, count) in &*other.counts.lock().unwrap() {
            *counts.entry(word.clone()).or_insert(0) += count;
        }
        Words {
            counts: Mutex::new(counts),
        }
    }
}

impl Words {
    /// For OCaml's collector, more or less.
    fn bytes(&self) -> usize {
        100 * self.counts.lock().unwrap().len()
    }
}
