//! `make demo-node`: 1,000 blocks of 50 operations. The node is killed in the middle, and begins again with its store. Then each block
//! that was acknowledged is looked for, and the accounts are counted.
//!
//! `demo STORE [BLOCKS]`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use node::{Block, Content, Operation};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const OPERATIONS: isize = 50;

struct Node {
    process: Child,
    port: u16,
}

impl Node {
    /// Beside this program.
    fn start(store: &Path) -> Result<Node> {
        let program = std::env::current_exe()?.with_file_name("node");
        let mut process = Command::new(program)
            .arg(store)
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().ok_or("no output")?).read_line(&mut line)?;
        println!("    {}", line.trim());
        let port = line.trim().rsplit(' ').next().ok_or("no port")?.parse()?;
        Ok(Node { process, port })
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("{method} {path}: {head}\n{body}").into());
        }
        Ok(serde_json::from_str(body)?)
    }

    fn inject(&self, operations: &[Operation]) -> Result<Value> {
        self.ask("POST", "/operations", &serde_json::to_string(operations)?)
    }

    fn kill(mut self) -> Result<()> {
        self.process.kill()?; // SIGKILL
        self.process.wait()?;
        Ok(())
    }
}

/// Block `number`: the treasury gives 1 to each of 50 accounts.
fn operations(number: isize) -> Vec<Operation> {
    (1..=OPERATIONS)
        .map(|i| Operation {
            source: "treasury".to_owned(),
            counter: (number - 1) * OPERATIONS + i,
            content: Content::Transfer {
                destination: format!("account-{i}"),
                amount: 1,
            },
        })
        .collect()
}

/// The level of the block that all of them are in; `None`: they were applied before.
fn level(outcomes: &Value) -> Result<Option<isize>> {
    let first = &outcomes[0];
    if !first["refused"]["counter"].is_null() {
        return Ok(None);
    }
    match first["applied"]["level"].as_i64() {
        Some(level) => Ok(Some(level as isize)),
        None => Err(format!("an operation was not applied: {first}").into()),
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().ok_or("usage: demo STORE [BLOCKS]")?;
    let store = Path::new(&store);
    let blocks = arguments
        .next()
        .map_or(Ok(1000), |blocks| blocks.parse::<isize>())?;
    if store.exists() {
        std::fs::remove_file(store)?;
    }
    let begun = Instant::now();
    println!("a new store:");
    let mut node = Node::start(store)?;
    // Which block the node has told us that these operations are in.
    let mut acknowledged: Vec<Option<isize>> = vec![None; blocks as usize + 1];
    let mut number = 1;
    while number <= blocks {
        if number == blocks / 2 {
            // In the middle of a block: nobody waits for the answer.
            let port = node.port;
            let under_way = std::thread::spawn(move || {
                let body = serde_json::to_string(&operations(number)).unwrap_or_default();
                let mut stream = TcpStream::connect(("127.0.0.1", port))?;
                write!(
                    stream,
                    "POST /operations HTTP/1.1\r\nHost: node\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            });
            under_way.join().map_err(|_| "a panic")??;
            node.kill()?;
            println!("kill -9 while block {number} is under way; the same store:");
            node = Node::start(store)?;
        }
        acknowledged[number as usize] = level(&node.inject(&operations(number))?)?;
        number += 1;
    }
    let applied = begun.elapsed();

    // Bad operations, and a protocol that behaves badly: the node goes on.
    let script = |script: &str| Operation {
        source: "account-1".to_owned(),
        counter: 1,
        content: Content::Script(script.to_owned()),
    };
    println!("bad operations:");
    for bad in ["nonsense", "raise", "forever", "allocate"] {
        println!("    {bad}: {}", node.inject(&[script(bad)])?[0]);
    }

    for (number, level) in acknowledged.iter().enumerate().skip(1) {
        let level = level.unwrap_or(number as isize);
        let block: Block =
            serde_json::from_value(node.ask("GET", &format!("/blocks/{level}"), "")?)?;
        assert_eq!(
            block.operations,
            operations(number as isize),
            "block {level} is as it was acknowledged"
        );
    }
    let treasury = node.ask("GET", "/accounts/treasury", "")?;
    assert_eq!(treasury["counter"], blocks * OPERATIONS);
    assert_eq!(treasury["balance"], 1_000_000_000 - blocks * OPERATIONS);
    for i in 1..=OPERATIONS {
        assert_eq!(
            node.ask("GET", &format!("/accounts/account-{i}"), "")?["balance"],
            blocks,
            "applied once"
        );
    }
    println!(
        "{blocks} blocks of {OPERATIONS} operations in {:.1} s: each is in the store once, and every account has what it should",
        applied.as_secs_f64()
    );
    node.kill()
}
