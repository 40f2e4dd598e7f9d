//! The Rust half of `rust_db`: pools of connections to SQLite and PostgreSQL. OCaml's module `Driver` is made from it, and
//! `rust_db.mli` is what a program sees.
//!
//! - [`Pool`] and [`Connection`], below, are what OCaml holds.
//! - `session.rs` has the rules that both databases share: one statement at a time, cancellation, transactions.
//! - `sqlite.rs` and `postgres.rs` run a statement.

mod failure;
mod postgres;
mod session;
mod socket;
mod sqlite;
mod value;

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use ocaml_lwt_interop::{
    ByteBuf, Error, Lent, LwtStream, OCamlAsyncFunc, Object, OwnedArray, RustStream, ToOCaml, func,
    object,
};

pub use failure::{Failed, Kind};
pub use value::Value;

use session::{Answer, Database, Done, Lease, Manager, Part, Session, Statement};
use value::Rows;

/// `connection -> unit Lwt.t`. What OCaml's function gives stays in OCaml.
type Body = OCamlAsyncFunc<(Object<Connection>,), ()>;

/// Connections to one database. They are opened when they are needed, and kept.
#[object]
pub struct Pool {
    connections: deadpool::managed::Pool<Manager>,
}

#[func]
impl Pool {
    /// At most `size` connections to the database of that URL. Who needs one waits for at most `seconds`. `wait` waits for a file
    /// descriptor, until it can be written if that is true, and else read.
    #[func(sync)]
    pub fn create(
        url: String,
        size: usize,
        seconds: f64,
        wait: crate::socket::Wait,
    ) -> Result<Pool, Error> {
        let database = Database::of_url(&url)?;
        let connections = deadpool::managed::Pool::builder(Manager { database, wait })
            .max_size(size)
            .wait_timeout(Some(Duration::try_from_secs_f64(seconds)?))
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
        let database = &self.connections.manager().database;
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
    pub async fn exec(&self, sql: String, parameters: Vec<Value>) -> Result<usize, Error> {
        let mut answer = self.0.start(Statement::Query(sql, parameters)).await?;
        loop {
            if let Part::Done(done) = session::next(&mut answer).await? {
                return Ok(done.changed);
            }
        }
    }

    /// All rows. `value.rs` says how they are written.
    pub async fn query(&self, sql: String, parameters: Vec<Value>) -> Result<ByteBuf, Error> {
        let mut answer = self.0.start(Statement::Query(sql, parameters)).await?;
        let mut rows = Rows::default();
        loop {
            match session::next(&mut answer).await? {
                Part::Rows(more) => rows.append(more),
                Part::Bytes(_) => {}
                Part::Done(done) => {
                    rows.append(done.rest);
                    return Ok(rows.into());
                }
            }
        }
    }

    /// The rows in batches, no faster than they are read.
    pub async fn rows(
        &self,
        sql: String,
        parameters: Vec<Value>,
    ) -> Result<RustStream<ByteBuf>, Error> {
        let answer = self.0.start(Statement::Query(sql, parameters)).await?;
        Ok(stream(answer, |part| match part {
            Part::Rows(rows) | Part::Done(Done { rest: rows, .. }) => rows.into(),
            Part::Bytes(bytes) => ByteBuf(bytes),
        }))
    }

    /// `COPY … TO STDOUT`: what the server sends, in large pieces of Rust's memory.
    pub async fn copy_out(&self, sql: String) -> Result<RustStream<OwnedArray<u8>>, Error> {
        let answer = self.0.start(Statement::CopyOut(sql)).await?;
        Ok(stream(answer, |part| match part {
            Part::Bytes(bytes) => bytes.into(),
            Part::Rows(_) | Part::Done(_) => Vec::new().into(),
        }))
    }

    /// `COPY … FROM STDIN`: sends OCaml's own memory, and says how many rows have come of it.
    pub async fn copy_in(&self, sql: String, chunks: LwtStream<Lent<u8>>) -> Result<usize, Error> {
        self.0.copy_in(&sql, chunks).await
    }
}

/// The parts of an answer. It is read one part ahead.
fn stream<T: ToOCaml + 'static>(
    answer: Answer,
    item: impl Fn(Part) -> T + 'static,
) -> RustStream<T> {
    let items = stream::try_unfold(Some((answer, item)), |rest| async move {
        let Some((mut answer, item)) = rest else {
            return Ok::<_, Error>(None);
        };
        let part = session::next(&mut answer).await?;
        let is_last = matches!(part, Part::Done(_));
        let item_of_part = item(part);
        Ok(Some((item_of_part, (!is_last).then_some((answer, item)))))
    });
    RustStream::try_new(items).window(1)
}

/// Always panics: for who wants to see what becomes of a transaction then.
#[func]
pub async fn panic() {
    panic!("this function always panics")
}
