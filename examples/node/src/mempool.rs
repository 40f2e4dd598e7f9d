//! The mempool: operations that wait for a block, and the task that makes blocks of them.

use node::{Operation, ProtocolError, Reason, Receipt};
use ocaml_lwt_interop::Error;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::chain::Chain;

/// The most operations of a block.
const MOST: usize = 50;

/// What becomes of an operation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in a block, which is in the store.
    Applied(Receipt),
    /// It is in none: the block would have been bad because of it.
    Refused(Reason),
    /// The protocol has failed at its block: none of the block's operations was applied.
    Failed(String),
}

struct Waiting {
    operation: Operation,
    outcome: oneshot::Sender<Outcome>,
}

#[derive(Clone)]
pub struct Mempool(mpsc::Sender<Waiting>);

impl Mempool {
    /// With its task, which ends when nobody has the mempool any more.
    pub fn new(chain: Chain) -> (Mempool, impl Future<Output = ()> + Send) {
        let (sender, receiver) = mpsc::channel(10 * MOST);
        (Mempool(sender), produce(chain, receiver))
    }

    /// Puts the operations into blocks, in order, and waits for these.
    pub async fn inject(&self, operations: Vec<Operation>) -> Result<Vec<Outcome>, Error> {
        let mut waiting = Vec::new();
        for operation in operations {
            let (outcome, receiver) = oneshot::channel();
            self.0.send(Waiting { operation, outcome }).await?;
            waiting.push(receiver);
        }
        let mut outcomes = Vec::new();
        for outcome in waiting {
            outcomes.push(outcome.await?);
        }
        Ok(outcomes)
    }
}

/// Makes blocks, one after the other, of what waits.
async fn produce(chain: Chain, mut mempool: mpsc::Receiver<Waiting>) {
    let mut operations = Vec::new();
    while mempool.recv_many(&mut operations, MOST).await > 0 {
        make_block(&chain, &mut operations).await;
    }
}

/// A block of these. One at fault is taken out, and the rest tried again.
async fn make_block(chain: &Chain, waiting: &mut Vec<Waiting>) {
    while !waiting.is_empty() {
        let operations = waiting.iter().map(|it| it.operation.clone()).collect();
        let outcome = match chain.apply(operations).await {
            Ok(receipt) => Outcome::Applied(receipt),
            Err(ProtocolError::BadOperation { index, reason }) => {
                let bad = waiting.remove(index);
                // Who has injected it may be gone.
                let _ = bad.outcome.send(Outcome::Refused(reason));
                continue;
            }
            Err(ProtocolError::Failed(error)) => Outcome::Failed(error.to_string()),
        };
        for it in waiting.drain(..) {
            let _ = it.outcome.send(outcome.clone());
        }
    }
}
