//! The chain: the protocol applies blocks to the state of the store, and the store keeps them.

use std::sync::Arc;
use std::time::Duration;

use node::{Block, Context, Operation, Protocol, ProtocolError, Receipt};
use ocaml_lwt_interop::{Error, Object, Provided};
use tokio::task::spawn_blocking;

use crate::store::Store;

/// How long the protocol may take for a block.
const DEADLINE: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Chain {
    store: Arc<Store>,
    protocol: Provided<dyn Protocol>,
}

impl Chain {
    /// Begins with genesis, where the store is new.
    pub async fn open(store: Store, protocol: Provided<dyn Protocol>) -> Result<Chain, Error> {
        let chain = Chain {
            store: Arc::new(store),
            protocol,
        };
        if chain.read(|store| store.head()).await?.is_none() {
            let context = chain.context().await?;
            chain.protocol.genesis(context.clone()).await?;
            let genesis = Block {
                level: 0,
                operations: Vec::new(),
            };
            chain.commit(genesis, &context).await?;
        }
        Ok(chain)
    }

    pub fn version(&self) -> String {
        self.protocol.version()
    }

    /// Something of the store's, which blocks.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = self.store.clone();
        spawn_blocking(move || read(&store)).await?
    }

    async fn context(&self) -> Result<Object<Context>, Error> {
        let snapshot = self.read(Store::snapshot).await?;
        Ok(Object::new(Context::new(snapshot)))
    }

    async fn commit(&self, block: Block, context: &Object<Context>) -> Result<(), Error> {
        let written = context.written();
        self.read(move |store| store.commit(&block, &written)).await
    }

    pub async fn head(&self) -> Result<isize, Error> {
        Ok(self.read(Store::head).await?.unwrap_or(0))
    }

    /// An account's balance and counter.
    pub async fn account(&self, name: String) -> Result<(isize, isize), Error> {
        self.protocol.account(self.context().await?, name).await
    }

    /// Applies these operations as the next block. It is in the store when this returns.
    ///
    /// One caller at a time: the next block is applied to what this one leaves.
    pub async fn apply(&self, operations: Vec<Operation>) -> Result<Receipt, ProtocolError> {
        let block = Block {
            level: self.head().await? + 1,
            operations,
        };
        let context = self.context().await?;
        let applied = self.protocol.apply_block(context.clone(), block.clone());
        // Late, the future is dropped, which cancels OCaml's promise. What it has written goes with the context.
        let Ok(applied) = tokio::time::timeout(DEADLINE, applied).await else {
            return Err(Error::msg(format!(
                "block {} took longer than {DEADLINE:?}",
                block.level
            ))
            .into());
        };
        let receipt = applied?;
        self.commit(block, &context).await?;
        Ok(receipt)
    }
}
