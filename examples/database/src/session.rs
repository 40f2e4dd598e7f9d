//! What both databases have in common.
//!
//! 1. A statement runs in a task of its own, on the thread that runs Lwt. The task has the connection until the statement has ended.
//!    So nothing meets a connection in the middle of something, whoever has stopped waiting.
//! 2. Its answer comes through a channel with room for two parts: who reads slowly stops the database.
//! 3. Who drops the channel's end cancels the statement, at the server too.
//! 4. A transaction is committed only if all its statements have succeeded.
//! 5. A connection goes back to the pool when nothing runs on it, and no transaction is open; or it is closed.

use std::sync::Arc;

use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult};
use ocaml_lwt_interop::{Error, Handle, Lent, LwtStream, handle};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{Mutex, MutexGuard};

use crate::failure::{Failed, Kind};
use crate::postgres::{self, Postgres};
use crate::socket::Wait;
use crate::sqlite::Sqlite;
use crate::value::{Rows, Value};

/// Which database.
pub enum Database {
    Sqlite(String),
    Postgres(Box<postgres::Config>),
}

impl Database {
    /// `sqlite:PATH`, `postgres://…` or `postgresql://…`.
    pub fn of_url(url: &str) -> Result<Database, Failed> {
        let wrong = |why| Failed(Kind::Other, format!("{why}: {url}"));
        if let Some(path) = url.strip_prefix("sqlite:") {
            Ok(Database::Sqlite(path.to_owned()))
        } else if url.starts_with("postgres") {
            let config = url.parse().map_err(|_| wrong("no URL of PostgreSQL's"))?;
            Ok(Database::Postgres(Box::new(config)))
        } else {
            Err(wrong("a URL begins with `sqlite:` or `postgres:`"))
        }
    }

    pub fn postgres(&self) -> Result<&postgres::Config, Failed> {
        match self {
            Database::Postgres(config) => Ok(config),
            Database::Sqlite(_) => Err(only_postgres()),
        }
    }
}

fn only_postgres() -> Failed {
    let message = "SQLite has no COPY and no notifications";
    Failed(Kind::Other, message.to_owned())
}

/// How the pool makes connections.
pub struct Manager {
    pub database: Database,
    pub wait: Wait,
}

/// An open connection.
pub enum Backend {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl managed::Manager for Manager {
    type Type = Backend;
    type Error = Failed;

    async fn create(&self) -> Result<Backend, Failed> {
        Ok(match &self.database {
            Database::Sqlite(path) => Backend::Sqlite(Sqlite::open(path.clone()).await?),
            Database::Postgres(config) => {
                Backend::Postgres(Box::new(Postgres::connect(config, &self.wait).await?))
            }
        })
    }

    /// One that was lost is left, and another made.
    async fn recycle(&self, backend: &mut Backend, _: &Metrics) -> RecycleResult<Failed> {
        let is_usable = match backend {
            Backend::Sqlite(sqlite) => sqlite.is_usable(),
            Backend::Postgres(postgres) => postgres.is_usable(),
        };
        is_usable
            .then_some(())
            .ok_or(RecycleError::message("it was lost"))
    }
}

/// What may be run.
pub enum Statement {
    Query(String, Vec<Value>),
    CopyOut(String),
}

/// What comes of it: rows or bytes, and in the end the last of the rows.
pub enum Part {
    Rows(Rows),
    Bytes(Vec<u8>),
    Done(Done),
}

#[derive(Default)]
pub struct Done {
    pub rest: Rows,
    /// How many rows were changed.
    pub changed: usize,
}

pub type Answers = Sender<Result<Part, Failed>>;
pub type Answer = Receiver<Result<Part, Failed>>;

/// The next part of an answer.
pub async fn next(answer: &mut Answer) -> Result<Part, Failed> {
    match answer.recv().await {
        Some(part) => part,
        None => Err(Failed(
            Kind::Other,
            "the task of the statement has panicked".to_owned(),
        )),
    }
}

impl Backend {
    async fn run(&mut self, statement: Statement, answers: &Answers) -> Result<Done, Failed> {
        match (self, statement) {
            (Backend::Sqlite(sqlite), Statement::Query(sql, parameters)) => {
                sqlite.run(sql, parameters, answers).await
            }
            (Backend::Sqlite(_), Statement::CopyOut(_)) => Err(only_postgres()),
            (Backend::Postgres(postgres), statement) => postgres.run(statement, answers).await,
        }
    }

    /// A statement without parameters and rows, which nobody cancels.
    async fn command(&mut self, sql: &str) -> Result<(), Failed> {
        let (answers, _not_cancelled) = mpsc::channel(1);
        let statement = Statement::Query(sql.to_owned(), Vec::new());
        self.run(statement, &answers).await.map(drop)
    }

    async fn rollback(&mut self) -> Result<(), Failed> {
        match self {
            // It has done so by itself, if a statement that writes was interrupted.
            Backend::Sqlite(sqlite) if sqlite.is_usable() => Ok(()),
            backend => backend.command("ROLLBACK").await,
        }
    }

    /// SQLite takes the lock for writing at once: it would refuse it later, where somebody else has written meanwhile.
    fn begin(&self) -> &'static str {
        match self {
            Backend::Sqlite(_) => "BEGIN IMMEDIATE",
            Backend::Postgres(_) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }
}

/// A connection that is out of its pool.
#[derive(Clone)]
pub struct Session(Arc<Mutex<State>>);

struct State {
    /// None when it has gone back.
    backend: Option<Object<Manager>>,
    in_transaction: bool,
    /// A statement has failed, or was cancelled.
    failed: bool,
}

impl State {
    fn backend(&mut self) -> Result<&mut Object<Manager>, Failed> {
        let message = "the function that was given this connection has ended";
        let over = || Failed(Kind::Other, message.to_owned());
        self.backend.as_mut().ok_or_else(over)
    }

    async fn run(&mut self, statement: Statement, answers: &Answers) -> Result<Done, Failed> {
        if self.in_transaction && self.failed {
            return Err(rolled_back()); // after an interrupt SQLite itself is out of the transaction
        }
        let failed = std::mem::replace(&mut self.failed, true); // as it is after a panic
        let result = self.backend()?.run(statement, answers).await;
        self.failed = failed || result.is_err();
        result
    }
}

fn rolled_back() -> Failed {
    let message = "a statement of this transaction has failed or was cancelled: it is rolled back";
    Failed(Kind::Other, message.to_owned())
}

impl Session {
    /// Begins a statement when those before it have ended.
    pub async fn start(&self, statement: Statement) -> Result<Answer, Failed> {
        let mut state = self.0.clone().lock_owned().await;
        state.backend()?;
        let (answers, answer) = mpsc::channel(2);
        let task = handle().spawn(async move {
            let result = state.run(statement, &answers).await;
            drop(state);
            let _ = answers.send(result.map(Part::Done)).await;
        });
        task.detach();
        Ok(answer)
    }

    pub async fn begin(&self) -> Result<(), Failed> {
        let begin = {
            let mut state = self.0.lock().await;
            state.in_transaction = true;
            state.backend()?.begin().to_owned()
        };
        let mut answer = self.start(Statement::Query(begin, Vec::new())).await?;
        next(&mut answer).await.map(drop)
    }

    /// At once, if nothing runs on it and nothing is to be ended.
    fn give_back(&self) -> bool {
        match self.0.try_lock() {
            Ok(mut state) if !state.in_transaction => {
                state.backend = None;
                true
            }
            _ => false,
        }
    }

    /// Here the statement runs in the caller: if that is dropped in the middle, the server is told that the copy has failed.
    pub async fn copy_in(&self, sql: &str, chunks: LwtStream<Lent<u8>>) -> Result<usize, Error> {
        let mut state: MutexGuard<'_, State> = self.0.lock().await;
        if state.in_transaction && state.failed {
            Err(rolled_back())?;
        }
        state.failed = true;
        let Backend::Postgres(postgres) = &mut **state.backend()? else {
            return Err(only_postgres().into());
        };
        let rows = postgres.copy_in(sql, chunks).await?;
        state.failed = false;
        Ok(rows)
    }
}

/// Gives a connection back when it is dropped, and rolls back what was not committed.
pub struct Lease {
    session: Option<Session>,
    home: Handle,
}

impl Lease {
    pub fn new(backend: Object<Manager>) -> Lease {
        let state = State {
            backend: Some(backend),
            in_transaction: false,
            failed: false,
        };
        Lease {
            session: Some(Session(Arc::new(Mutex::new(state)))),
            home: handle(),
        }
    }

    pub fn session(&self) -> Session {
        self.session.clone().expect("taken by `end` only")
    }

    /// Commits, or rolls back. The task goes on when nobody waits for it: a cancellation comes too late then.
    pub async fn end(mut self, commit: bool) -> Result<Result<(), Failed>, Error> {
        let session = self.session.take().expect("taken here only");
        if session.give_back() {
            return Ok(Ok(()));
        }
        self.home.spawn(end(session, commit)).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(|session| !session.give_back()) {
            self.home.spawn(end(session, false)).detach();
        }
    }
}

async fn end(session: Session, commit: bool) -> Result<(), Failed> {
    let mut state = session.0.lock().await; // what still runs ends first
    let Some(mut backend) = state.backend.take() else {
        return Ok(());
    };
    if !state.in_transaction {
        return Ok(());
    }
    let committed = match (commit, state.failed) {
        (true, false) => backend.command("COMMIT").await,
        (true, true) => Err(rolled_back()),
        (false, _) => Ok(()),
    };
    // After a COMMIT that has failed, too: SQLite's leaves the transaction open.
    if (!commit || committed.is_err()) && backend.rollback().await.is_err() {
        drop(Object::take(backend)); // closed: the database rolls back
    }
    committed
}
