//! What goes wrong.

use deadpool::managed::PoolError;
use ocaml_lwt_interop::{Exception, FromOCaml, ToOCaml};

/// What a program can do about it.
#[derive(Clone, Copy, Debug, PartialEq, FromOCaml, ToOCaml)]
pub enum Kind {
    /// The data are not as the tables want them: two of what is unique, a check that fails.
    Constraint,
    /// Another transaction was in the way: run it again.
    Serialization,
    /// The server is not there, or not there any more.
    Connection,
    /// It took too long: all connections of the pool were in use, or the database was locked.
    Timeout,
    /// A value is not of the type that is wanted.
    Conversion,
    /// An error in the SQL, say.
    Other,
}

/// The database has refused something. The text says what.
#[derive(Clone, Debug, Exception)]
pub struct Failed(pub Kind, pub String);

impl From<PoolError<Failed>> for Failed {
    fn from(error: PoolError<Failed>) -> Failed {
        match error {
            PoolError::Backend(failed) => failed,
            PoolError::Timeout(_) => {
                let message = "all connections of the pool are in use";
                Failed(Kind::Timeout, message.to_owned())
            }
            other => Failed(Kind::Other, format!("the pool: {other:?}")),
        }
    }
}
