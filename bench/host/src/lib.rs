//! The round trip of a Rust program with OCaml inside: a block of 50 operations, and a receipt for each, as structures and as bytes.

mod cases;
#[path = "../../src/message.rs"]
#[allow(missing_docs, clippy::missing_errors_doc)]
mod message;

use ocaml_lwt_interop::{ByteBuf, Error, OCamlFunc, interface};

pub use cases::run;
use message::{Applied, Block};

/// A synchronous call.
type Sync<A, R> = OCamlFunc<(A,), R>;

/// What OCaml does with blocks.
#[interface]
trait Chain {
    /// Nothing.
    async fn empty(&self) -> Result<(), Error>;
    /// Answers a block.
    async fn direct(&self, block: &'static Block) -> Result<Applied, Error>;
    /// The same, as bytes.
    async fn bincode(&self, block: ByteBuf) -> Result<ByteBuf, Error>;
    /// The same, as other bytes.
    async fn messagepack(&self, block: ByteBuf) -> Result<ByteBuf, Error>;
    /// The plain functions, for a thread that calls them itself.
    fn functions(&self) -> (Sync<&'static Block, Applied>, Sync<ByteBuf, ByteBuf>);
}
