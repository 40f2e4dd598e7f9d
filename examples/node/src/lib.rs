//! What the node and its protocol say to one another. OCaml's module `Node` is made from this file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ocaml_lwt_interop::{Error, FromOCaml, Object, ToOCaml, interface};
use serde::{Deserialize, Serialize};

/// What an account asks for.
#[derive(Clone, Debug, PartialEq, ToOCaml, Serialize, Deserialize)]
pub struct Operation {
    /// Whose account.
    pub source: String,
    /// The number of this operation of that account, from 1: each is applied once.
    pub counter: isize,
    /// What is to be done.
    pub content: Content,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, ToOCaml, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Gives some of the account's money to another.
    Transfer {
        /// Whose account.
        destination: String,
        /// How much.
        amount: isize,
    },
    /// Runs a script, of the protocol's language.
    Script(String),
}

/// Operations that are applied together.
#[derive(Clone, Debug, ToOCaml, Serialize, Deserialize)]
pub struct Block {
    /// Its number; that of the first one is 1.
    pub level: isize,
    /// In order.
    pub operations: Vec<Operation>,
}

/// What has become of a block.
#[derive(Clone, Debug, PartialEq, FromOCaml, Serialize, Deserialize)]
pub struct Receipt {
    /// The block's.
    pub level: isize,
    /// How much was transferred.
    pub transferred: isize,
}

/// Why an operation cannot be applied.
#[derive(Clone, Debug, PartialEq, FromOCaml, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is not the next one of its account: it was applied, or comes too early.
    Counter {
        /// That of the next one.
        expected: isize,
    },
    /// The account has less.
    Balance {
        /// It has this.
        has: isize,
    },
    /// Nobody can run it.
    UnknownScript(String),
}

/// Why a block cannot be applied.
#[derive(Debug, FromOCaml)]
pub enum ProtocolError {
    /// One of its operations is at fault.
    BadOperation {
        /// Its place in the block, from 0.
        index: usize,
        /// Why.
        reason: Reason,
    },
    /// The protocol has raised an exception, or OCaml has ended.
    #[ocaml(rust_only)]
    Failed(Error),
}

impl From<Error> for ProtocolError {
    fn from(error: Error) -> ProtocolError {
        ProtocolError::Failed(error)
    }
}

/// The rules of the chain. OCaml has them: `ocaml/protocol.ml`.
#[interface]
pub trait Protocol {
    /// Which rules they are.
    fn version(&self) -> String;
    /// Writes the state before the first block.
    async fn genesis(&self, context: Object<Context>) -> Result<(), Error>;
    /// Applies a block to the context.
    async fn apply_block(
        &self,
        context: Object<Context>,
        block: Block,
    ) -> Result<Receipt, ProtocolError>;
    /// An account's balance, and the counter of its last operation.
    async fn account(
        &self,
        context: Object<Context>,
        name: String,
    ) -> Result<(isize, isize), Error>;
}

/// Where values that are not written in this block are read. It may block.
pub trait Snapshot: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &str) -> Result<Option<String>, Error>;
}

/// The state that a block is applied to: that of the store, and what the block has written, which the store gets when all of the
/// block was applied.
#[ocaml_lwt_interop::object]
pub struct Context {
    store: Arc<dyn Snapshot>,
    written: Mutex<BTreeMap<String, String>>,
}

impl Context {
    /// Nothing is written yet.
    pub fn new(store: Arc<dyn Snapshot>) -> Context {
        Context {
            store,
            written: Mutex::default(),
        }
    }

    /// What was written.
    pub fn written(&self) -> BTreeMap<String, String> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *written)
    }
}

#[ocaml_lwt_interop::func]
impl Context {
    /// The value of a key.
    pub async fn get(&self, key: String) -> Result<Option<String>, Error> {
        let written = self
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if written.is_some() {
            return Ok(written);
        }
        // The store reads a file: on a thread that may wait for it. Lwt goes on meanwhile.
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.get(&key)).await?
    }

    /// Writes the value of a key.
    pub async fn set(&self, key: String, value: String) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(key, value);
    }
}
