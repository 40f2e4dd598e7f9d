//! SQLite: a library that blocks, on Tokio's threads for code that blocks.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql};

use crate::failure::{Failed, Kind};
use crate::session::{Answers, Done, Part};
use crate::value::{Column, Rows, Value};

/// How long a statement waits while another connection writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many instructions of SQLite's machine run between two looks at whether somebody still waits.
const LOOK: i32 = 1000;

/// A connection. It is not here while a statement runs on another thread, and never again if that has panicked.
pub struct Sqlite(Option<Connection>);

impl Sqlite {
    pub async fn open(path: String) -> Result<Sqlite, Failed> {
        let open = move || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(PATIENCE)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
            )?;
            connection.busy_timeout(Duration::ZERO)?; // `run` waits by itself, and can be cancelled
            Ok(connection)
        };
        let connection = tokio::task::spawn_blocking(open).await;
        Ok(Sqlite(Some(connection.map_err(panicked)??)))
    }

    pub fn is_usable(&self) -> bool {
        self.0.as_ref().is_some_and(Connection::is_autocommit)
    }

    pub async fn run(
        &mut self,
        sql: String,
        parameters: Vec<Value>,
        answers: &Answers,
    ) -> Result<Done, Failed> {
        let lost = || Failed(Kind::Connection, "the connection was lost".to_owned());
        let connection = self.0.take().ok_or_else(lost)?;
        let answers = answers.clone();
        let work = move || {
            let watched = answers.clone();
            connection.progress_handler(LOOK, Some(move || watched.is_closed()));
            let result = patiently(&connection, &sql, &parameters, &answers);
            connection.progress_handler(0, None::<fn() -> bool>);
            (connection, result)
        };
        let (connection, result) = tokio::task::spawn_blocking(work).await.map_err(panicked)?;
        self.0 = Some(connection);
        result
    }
}

fn panicked(error: tokio::task::JoinError) -> Failed {
    Failed(Kind::Other, error.to_string())
}

/// Tries again while another connection writes. In a transaction nobody else does.
fn patiently(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
    answers: &Answers,
) -> Result<Done, Failed> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let outside = connection.is_autocommit();
        match run(connection, sql, parameters, answers) {
            Err(Failed(Kind::Timeout, message)) if !outside => {
                return Err(Failed(Kind::Serialization, message));
            }
            Err(Failed(Kind::Timeout, _)) if !answers.is_closed() && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
}

fn run(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
    answers: &Answers,
) -> Result<Done, Failed> {
    let mut statement = connection.prepare_cached(sql)?;
    if statement.parameter_count() != parameters.len() {
        let (wanted, given) = (statement.parameter_count(), parameters.len());
        let message = format!("{given} parameters for a statement with {wanted}");
        return Err(Failed(Kind::Conversion, message));
    }
    for (i, parameter) in parameters.iter().enumerate() {
        // Named as in PostgreSQL: to SQLite, `$2` is a name like any other.
        let name = format!("${}", i + 1);
        let index = statement.parameter_index(&name)?;
        let unnamed = || Failed(Kind::Conversion, format!("there is no {name}"));
        statement.raw_bind_parameter(index.ok_or_else(unnamed)?, parameter)?;
    }
    let reads = statement.readonly();
    let columns = statement.column_count();
    let send = |batch| {
        let cancelled = |_| Failed(Kind::Other, "cancelled".to_owned());
        answers
            .blocking_send(Ok(Part::Rows(batch)))
            .map_err(cancelled)
    };
    let mut batch = Rows::default();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        batch.row(columns);
        for i in 0..columns {
            batch.column(column(row.get_ref(i)?)?);
        }
        if let Some(batch) = batch.batch() {
            send(batch)?;
        }
    }
    let changed = match reads {
        true => 0,
        false => connection.changes() as usize,
    };
    Ok(Done {
        rest: batch,
        changed,
    })
}

fn column(value: ValueRef<'_>) -> Result<Column<'_>, Failed> {
    Ok(match value {
        ValueRef::Null => Column::Null,
        ValueRef::Integer(integer) => Column::Int(integer),
        ValueRef::Real(real) => Column::Float(real),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Column::Text(text),
            Err(error) => return Err(Failed(Kind::Conversion, error.to_string())),
        },
        ValueRef::Blob(blob) => Column::Blob(blob),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Bool(bool) => ValueRef::Integer((*bool).into()),
            Value::Int(integer) => ValueRef::Integer(*integer as i64),
            Value::Int64(integer) => ValueRef::Integer(*integer),
            Value::Float(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Failed {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Kind::Constraint,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Timeout,
            Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => {
                Kind::Connection
            }
            Some(ErrorCode::TypeMismatch) => Kind::Conversion,
            _ => Kind::Other,
        };
        Failed(kind, error.to_string())
    }
}
