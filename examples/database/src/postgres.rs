//! PostgreSQL: a socket, on the thread that runs Lwt.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::{self, Cursor};
use std::pin::pin;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use ocaml_lwt_interop::{Error, Lent, LwtStream, handle};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{AsyncMessage, Client, NoTls};

pub use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::failure::{Failed, Kind};
use crate::session::{Answers, Done, Part, Statement};
use crate::socket::{Socket, Wait};
use crate::value::{Column, Rows, Value};

/// How many bytes of a copy are sent at a time.
const COPY: usize = 1 << 16;

/// How many statements a connection keeps, and how many notifications wait.
const MOST: usize = 256;

/// How long a statement may take to end by itself when nobody waits for it any more, as most do.
const MOMENT: Duration = Duration::from_millis(10);

/// How long a server may take to cancel a statement, until it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

/// A connection, and the statements that it has prepared, by their text.
pub struct Postgres {
    client: Client,
    /// Where a cancellation goes.
    server: (Config, Wait),
    prepared: HashMap<String, tokio_postgres::Statement>,
    /// The server was asked to cancel a statement, or is still sending rows: it is closed when it is given back.
    spoilt: bool,
}

impl Postgres {
    pub async fn connect(config: &Config, wait: &Wait) -> Result<Postgres, Failed> {
        let socket = connect(config, wait).await?;
        let (client, connection) = config
            .connect_raw(socket, NoTls)
            .await
            .map_err(unreachable)?;
        handle().spawn(connection).detach(); // ends with `client`
        Ok(Postgres {
            client,
            server: (config.clone(), wait.clone()),
            prepared: HashMap::new(),
            spoilt: false,
        })
    }

    pub fn is_usable(&self) -> bool {
        !self.spoilt && !self.client.is_closed()
    }

    /// When nobody waits for the answer any more, the server is asked to cancel the statement, again and again until it has stopped:
    /// it may be asked before it has begun. It may still be at that when the statement has ended, and would cancel the next one. So
    /// the connection has no next one.
    pub async fn run(&mut self, statement: Statement, answers: &Answers) -> Result<Done, Failed> {
        if self.spoilt {
            let message = "the connection was given up with the statement before";
            return Err(Failed(Kind::Connection, message.to_owned()));
        }
        let token = self.client.cancel_token();
        let (config, wait) = self.server.clone();
        let cancel = async || {
            let socket = connect(&config, &wait).await?;
            Ok::<_, Failed>(token.cancel_query_raw(socket, NoTls).await?)
        };
        let mut work = Box::pin(self.answer(statement, answers));
        let ended = tokio::select! {
            biased;
            result = &mut work => Some(result),
            () = answers.closed() => match timeout(MOMENT, &mut work).await {
                Ok(_) => Some(Err(cancelled())),
                Err(_) => None,
            },
        };
        if let Some(result) = ended {
            drop(work);
            if self.spoilt {
                let _ = timeout(PATIENCE, cancel()).await;
            }
            return result;
        }
        loop {
            let _ = timeout(PATIENCE, cancel()).await;
            if timeout(PATIENCE, &mut work).await.is_ok() {
                break;
            }
        }
        drop(work);
        self.spoilt = true;
        Err(cancelled())
    }

    async fn answer(&mut self, statement: Statement, answers: &Answers) -> Result<Done, Failed> {
        let (sql, parameters) = match statement {
            Statement::Query(sql, parameters) => (sql, parameters),
            Statement::CopyOut(sql) => return self.copy_out(&sql, answers).await,
        };
        let statement = self.prepare(sql).await?;
        if statement.params().len() != parameters.len() {
            let (wanted, given) = (statement.params().len(), parameters.len());
            let message = format!("{given} parameters for a statement with {wanted}");
            return Err(Failed(Kind::Conversion, message));
        }
        if answers.is_closed() {
            return Err(cancelled());
        }
        let mut rows = pin!(self.client.query_raw(&statement, parameters).await?);
        let mut batch = Rows::default();
        // Read to the end even if nobody wants them: then the connection is free.
        while let Some(row) = rows.try_next().await? {
            batch.row(row.len());
            for column in 0..row.len() {
                match row.try_get(column) {
                    Ok(column) => batch.column(column),
                    Err(error) => {
                        self.spoilt = true; // the rest is on its way, however much that is
                        return Err(error.into());
                    }
                }
            }
            if let Some(batch) = batch.batch() {
                let _ = answers.send(Ok(Part::Rows(batch))).await;
            }
        }
        let changed = rows.rows_affected().unwrap_or(0) as usize;
        Ok(Done {
            rest: batch,
            changed,
        })
    }

    async fn prepare(&mut self, sql: String) -> Result<tokio_postgres::Statement, Failed> {
        if let Some(statement) = self.prepared.get(&sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&sql).await?;
        if self.prepared.len() == MOST {
            self.prepared.clear();
        }
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    async fn copy_out(&mut self, sql: &str, answers: &Answers) -> Result<Done, Failed> {
        let mut copied = pin!(self.client.copy_out(sql).await?);
        let mut bytes = Vec::new();
        while let Some(line) = copied.try_next().await? {
            bytes.extend_from_slice(&line);
            if bytes.len() >= COPY {
                let _ = answers
                    .send(Ok(Part::Bytes(std::mem::take(&mut bytes))))
                    .await;
            }
        }
        if !bytes.is_empty() {
            let _ = answers.send(Ok(Part::Bytes(bytes))).await;
        }
        Ok(Done::default())
    }

    /// Each chunk is written to the socket as it lies in OCaml's array, which is OCaml's again when it was written.
    pub async fn copy_in(
        &mut self,
        sql: &str,
        mut chunks: LwtStream<Lent<u8>>,
    ) -> Result<usize, Error> {
        let sink = self.client.copy_in::<_, Cursor<Lent<u8>>>(sql).await;
        let mut sink = pin!(sink.map_err(Failed::from)?);
        while let Some(chunk) = chunks.next().await {
            let sent = sink.send(Cursor::new(chunk?)).await;
            sent.map_err(Failed::from)?;
        }
        Ok(sink.finish().await.map_err(Failed::from)? as usize)
    }
}

/// A socket to the first of the hosts that answers.
async fn connect(config: &Config, wait: &Wait) -> Result<Socket, Failed> {
    let (ports, hosts) = (config.get_ports(), config.get_hosts());
    let mut result = Err(Failed(Kind::Connection, "the URL has no host".to_owned()));
    for (i, host) in hosts.iter().enumerate() {
        let port = *ports.get(i).or(ports.first()).unwrap_or(&5432);
        let socket = match host {
            Host::Tcp(host) => Socket::tcp(host, port, wait).await,
            Host::Unix(folder) => {
                Socket::unix(&folder.join(format!(".s.PGSQL.{port}")), wait).await
            }
        };
        let unreachable = |error| {
            Failed(
                Kind::Connection,
                format!("error connecting to server: {error}"),
            )
        };
        result = socket.map_err(unreachable);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// The payloads of a channel's notifications, until the stream is dropped.
pub async fn listen(
    config: &Config,
    channel: &str,
) -> Result<impl Stream<Item = Result<String, Failed>> + use<>, Failed> {
    let (client, mut connection) = config.connect(NoTls).await.map_err(unreachable)?;
    let (sender, mut receiver) = mpsc::channel(MOST);
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(|context| connection.poll_message(context));
        while let Some(message) = messages.next().await {
            let sent = match message {
                Ok(AsyncMessage::Notification(notification)) => {
                    sender.send(Ok(notification.payload().to_owned())).await
                }
                Ok(_) => Ok(()),
                Err(error) => sender.send(Err(unreachable(error))).await,
            };
            if sent.is_err() {
                return;
            }
        }
    });
    let name = channel.replace('"', "\"\"");
    client.batch_execute(&format!("LISTEN \"{name}\"")).await?;
    // The connection ends when `client` is dropped, with the stream.
    Ok(stream::poll_fn(move |context| {
        let _open = &client;
        receiver.poll_recv(context)
    }))
}

fn cancelled() -> Failed {
    Failed(Kind::Other, "cancelled".to_owned())
}

fn unreachable(error: tokio_postgres::Error) -> Failed {
    Failed(Kind::Connection, message(&error))
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Failed {
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        let kind = match error.code().map(|state| state.code()) {
            Some("57014" | "55P03") => Kind::Timeout,
            Some("22003" | "22P02") => Kind::Conversion,
            Some(code) => match &code[..2] {
                "23" => Kind::Constraint,
                "40" => Kind::Serialization,
                "08" | "57" => Kind::Connection,
                _ => Kind::Other,
            },
            None if error.is_closed() || is_io(&error) => Kind::Connection,
            None => Kind::Conversion,
        };
        Failed(kind, message(&error))
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    error
        .source()
        .is_some_and(|source| source.is::<io::Error>())
}

/// What the server says, and not only that it has said something.
fn message(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

type Boxed = Box<dyn StdError + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Bool(bool), &Type::BOOL) => bool.to_sql(ty, out),
            (Value::Int(integer), _) => Value::integer(*integer as i64, ty, out),
            (Value::Int64(integer), _) => Value::integer(*integer, ty, out),
            (Value::Float(real), &Type::FLOAT4) => (*real as f32).to_sql(ty, out),
            (Value::Float(real), &Type::FLOAT8) => real.to_sql(ty, out),
            (Value::Text(text), _) if <&str as ToSql>::accepts(ty) => text.to_sql(ty, out),
            (Value::Blob(blob), &Type::BYTEA) => (**blob).to_sql(ty, out),
            _ => Err(format!("a parameter of type {ty} cannot be {self:?}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Value {
    fn integer(integer: i64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match *ty {
            Type::INT2 => i16::try_from(integer)?.to_sql(ty, out),
            Type::INT4 => i32::try_from(integer)?.to_sql(ty, out),
            Type::INT8 => integer.to_sql(ty, out),
            _ => Err(format!("a parameter of type {ty} cannot be {integer}").into()),
        }
    }
}

impl<'a> FromSql<'a> for Column<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Column<'a>, Boxed> {
        Ok(match *ty {
            Type::BOOL => Column::Bool(bool::from_sql(ty, raw)?),
            Type::INT2 => Column::Int(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Column::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Column::Int(i64::from_sql(ty, raw)?),
            Type::FLOAT4 => Column::Float(f32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Column::Float(f64::from_sql(ty, raw)?),
            Type::BYTEA => Column::Blob(raw),
            _ if <&str as FromSql>::accepts(ty) => Column::Text(<&str>::from_sql(ty, raw)?),
            _ => return Err(format!("a column of type {ty}: cast it in the query").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Column<'a>, Boxed> {
        Ok(Column::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
