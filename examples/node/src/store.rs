//! The store: blocks, and the state after the last one. A block and what it has written are committed together, or not at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use node::{Block, Snapshot};
use ocaml_lwt_interop::Error;
use redb::{Database, ReadTransaction, ReadableTable, TableDefinition};

const BLOCKS: TableDefinition<i64, &str> = TableDefinition::new("blocks");
const CONTEXT: TableDefinition<&str, &str> = TableDefinition::new("context");

/// A file. Its functions block.
pub struct Store(Database);

impl Store {
    pub fn open(path: &Path) -> Result<Store, Error> {
        let database = Database::create(path)?;
        // Readers want the tables.
        let transaction = database.begin_write()?;
        transaction.open_table(BLOCKS)?;
        transaction.open_table(CONTEXT)?;
        transaction.commit()?;
        Ok(Store(database))
    }

    /// The number of the last block, 0 after genesis; `None`: there is nothing.
    pub fn head(&self) -> Result<Option<isize>, Error> {
        let blocks = self.0.begin_read()?.open_table(BLOCKS)?;
        Ok(blocks.last()?.map(|(level, _)| level.value() as isize))
    }

    pub fn block(&self, level: isize) -> Result<Option<Block>, Error> {
        let blocks = self.0.begin_read()?.open_table(BLOCKS)?;
        let block = blocks.get(level as i64)?;
        Ok(block
            .map(|text| serde_json::from_str(text.value()))
            .transpose()?)
    }

    /// The state as it is now, for as long as somebody has it.
    pub fn snapshot(&self) -> Result<Arc<dyn Snapshot>, Error> {
        Ok(Arc::new(Reader(self.0.begin_read()?)))
    }

    /// Durable when it returns.
    pub fn commit(&self, block: &Block, written: &BTreeMap<String, String>) -> Result<(), Error> {
        let transaction = self.0.begin_write()?;
        {
            let text = serde_json::to_string(block)?;
            let mut blocks = transaction.open_table(BLOCKS)?;
            if blocks.insert(block.level as i64, &*text)?.is_some() {
                return Err(Error::msg(format!(
                    "block {} is there already",
                    block.level
                )));
            }
            let mut context = transaction.open_table(CONTEXT)?;
            for (key, value) in written {
                context.insert(&**key, &**value)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

struct Reader(ReadTransaction);

impl Snapshot for Reader {
    fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let value = self.0.open_table(CONTEXT)?.get(key)?;
        Ok(value.map(|value| value.value().to_owned()))
    }
}
