//! The Rust half of `rust_db`: pools of connections to SQLite and PostgreSQL. OCaml's module `Driver` is made from it, and
//! `rust_db.mli` is what a program sees.
//!
//! - [`Pool`] and [`Connection`], below, are what OCaml holds.
//! - `session.rs` has the rules that both databases share: one statement at a time, cancellation, transactions.
//! - `sqlite.rs` and `postgres.rs` run a statement.

mod failure;
mod postgres;
mod session;
mod sqlite;
mod value;

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use ocaml_lwt_interop::{
    Error, Lent, LwtStream, OCamlAsyncFunc, Object, OwnedArray, RustStream, ToOCaml, func, object,
};

pub use failure::{Failed, Kind};
pub use value::Value;

use session::{Answer, Database, Lease, Manager, Part, Session, Statement};

/// A row: a value for each column.
pub type Row = Vec<Value>;

/// `connection -> unit Lwt.t`. What OCaml's function gives stays in OCaml.
type Body = OCamlAsyncFunc<(Object<Connection>,), ()>;

/// Connections to one database. They are opened when they are needed, and kept.
#[object]
pub struct Pool {
    connections: deadpool::managed::Pool<Manager>,
}

#[func]
impl Pool {
    /// At most `size` connections to the database of that URL. Who needs one waits for at most `wait` seconds.
    #[func(sync)]
    pub fn create(url: String, size: usize, wait: f64) -> Result<Pool, Error> {
        let database = Database::of_url(&url)?;
        let connections = deadpool::managed::Pool::builder(Manager::new(database))
            .max_size(size)
            .wait_timeout(Some(Duration::try_from_secs_f64(wait)?))
            .runtime(deadpool::Runtime::Tokio1)
            .build()?;
        Ok(Pool { connections })
    }

    /// Calls `body` with a connection, in a transaction if that is wanted. It is committed if `body`'s promise is fulfilled, and
    /// rolled back in every other case: an exception, a panic, a cancellation.
    pub async fn lend(&self, in_transaction: bool, body: Body) -> Result<(), Error> {
        let lease = Lease::new(self.connections.get().await.map_err(Failed::from)?);
        let connection = Connection(lease.session());
        if in_transaction {
            connection.0.begin().await?;
        }
        // If this future is dropped here, `lease` is dropped with it, which rolls back.
        let ending = body.call((connection.into(),)).await;
        let ended = lease.end(ending.is_ok()).await?;
        ending?; // OCaml's own exception comes before what went wrong in rolling back
        Ok(ended?)
    }

    /// The payloads of the notifications of a channel. It has a connection of its own, beside those of the pool.
    pub async fn listen(&self, channel: String) -> Result<RustStream<String>, Error> {
        let database = self.connections.manager().database();
        let notifications = postgres::listen(database.postgres()?, &channel).await?;
        let notifications = notifications.map(|payload| Ok(payload?));
        Ok(RustStream::try_new(notifications).window(1))
    }

    /// How many connections are open, and how many of them nobody uses now.
    #[func(sync)]
    pub fn status(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.available)
    }
}

/// A connection, for as long as the function runs to which it was given. Its statements run one after the other.
#[object]
pub struct Connection(Session);

#[func]
impl Connection {
    /// How many rows the statement has changed.
    pub async fn exec(&self, sql: String, parameters: Row) -> Result<usize, Error> {
        let mut answer = self.0.start(Statement::Query(sql, parameters)).await?;
        loop {
            if let Part::Done(rows) = session::next(&mut answer).await? {
                return Ok(rows);
            }
        }
    }

    /// All rows.
    pub async fn query(&self, sql: String, parameters: Row) -> Result<Vec<Row>, Error> {
        let mut answer = self.0.start(Statement::Query(sql, parameters)).await?;
        let mut rows = Vec::new();
        loop {
            match session::next(&mut answer).await? {
                Part::Rows(more) if rows.is_empty() => rows = more,
                Part::Rows(more) => rows.extend(more),
                Part::Bytes(_) => {}
                Part::Done(_) => return Ok(rows),
            }
        }
    }

    /// The rows in batches, no faster than they are read.
    pub async fn rows(&self, sql: String, parameters: Row) -> Result<RustStream<Vec<Row>>, Error> {
        let answer = self.0.start(Statement::Query(sql, parameters)).await?;
        Ok(stream(answer, |part| match part {
            Part::Rows(rows) => Some(rows),
            Part::Bytes(_) | Part::Done(_) => None,
        }))
    }

    /// `COPY … TO STDOUT`: what the server sends, in large pieces of Rust's memory.
    pub async fn copy_out(&self, sql: String) -> Result<RustStream<OwnedArray<u8>>, Error> {
        let answer = self.0.start(Statement::CopyOut(sql)).await?;
        Ok(stream(answer, |part| match part {
            Part::Bytes(bytes) => Some(bytes.into()),
            Part::Rows(_) | Part::Done(_) => None,
        }))
    }

    /// `COPY … FROM STDIN`: sends OCaml's own memory, and says how many rows have come of it.
    pub async fn copy_in(&self, sql: String, chunks: LwtStream<Lent<u8>>) -> Result<usize, Error> {
        self.0.copy_in(&sql, chunks).await
    }
}

/// The parts of an answer up to the last one. It is read one part ahead.
fn stream<T: ToOCaml + 'static>(
    answer: Answer,
    item: impl Fn(Part) -> Option<T> + 'static,
) -> RustStream<T> {
    let items = stream::try_unfold((answer, item), |(mut answer, item)| async move {
        let part = item(session::next(&mut answer).await?);
        Ok::<_, Error>(part.map(|part| (part, (answer, item))))
    });
    RustStream::try_new(items).window(1)
}

/// Always panics: for who wants to see what becomes of a transaction then.
#[func]
pub async fn panic() {
    panic!("this function always panics")
}
