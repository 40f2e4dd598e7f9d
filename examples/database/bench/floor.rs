//! A fold of all accounts in Rust alone: `database-floor URL` prints how many seconds it has taken, how many of them on the
//! processor, and the sum.

use std::error::Error;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;

const SCAN: &str = "SELECT id, owner, balance FROM account";

/// A row. What it owns it has as OCaml's record has it.
struct Account {
    _id: i64,
    owner: String,
    balance: i64,
}

fn add(sum: i64, account: Account) -> i64 {
    sum + account.balance + account.owner.len() as i64
}

fn sqlite(path: &str) -> Result<(), Box<dyn Error>> {
    let connection = rusqlite::Connection::open(path)?;
    let mut statement = connection.prepare(SCAN)?;
    let since = Since::now()?;
    let mut sum = 0;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (_id, owner, balance) = (row.get(0)?, row.get(1)?, row.get(2)?);
        sum = add(
            sum,
            Account {
                _id,
                owner,
                balance,
            },
        );
    }
    since.print(sum)
}

async fn postgres(url: &str) -> Result<(), Box<dyn Error>> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let statement = client.prepare(SCAN).await?;
    let since = Since::now()?;
    let mut sum = 0;
    let mut rows = pin!(client.query_raw(&statement, [0; 0]).await?);
    while let Some(row) = rows.try_next().await? {
        let (_id, owner, balance) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        sum = add(
            sum,
            Account {
                _id,
                owner,
                balance,
            },
        );
    }
    since.print(sum)
}

/// Everything here is on one thread, so its time is that of the fold.
struct Since(Instant, Duration);

impl Since {
    fn now() -> Result<Since, Box<dyn Error>> {
        Ok(Since(Instant::now(), processor()?))
    }

    fn print(self, sum: i64) -> Result<(), Box<dyn Error>> {
        let Since(start, before) = self;
        let (seconds, processor) = (start.elapsed(), processor()? - before);
        println!(
            "{} {} {sum}",
            seconds.as_secs_f64(),
            processor.as_secs_f64()
        );
        Ok(())
    }
}

/// How long this thread has run: the first number, in nanoseconds.
fn processor() -> Result<Duration, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().ok_or("an empty schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: database-floor URL")?;
    match url.strip_prefix("sqlite:") {
        Some(path) => sqlite(path),
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(postgres(&url))
        }
    }
}
