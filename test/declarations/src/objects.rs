//! Objects: each is in a module of its own.

use std::sync::Mutex;

use futures_core::Stream;
use futures_lite::stream;
use ocaml_lwt_interop::{Error, FromOCaml, OCamlAsyncFunc, Object, ToOCaml, func, object};

/// A pool of connections.
///
/// It has [`Pool::connect`].
#[object(size = Pool::bytes)]
pub struct Pool {
    url: String,
    queries: Mutex<Vec<String>>,
}

/// What a pool gives.
#[derive(FromOCaml, ToOCaml)]
pub struct Row {
    /// Where it comes from.
    pub of: Object<Pool>,
    pub text: String,
}

impl Pool {
    fn bytes(&self) -> usize {
        self.url.len() + 1000
    }
}

#[func]
impl Pool {
    /// Connects to `url`.
    pub async fn connect(url: String) -> Result<Self, Error> {
        if url.is_empty() {
            return Err(Error::msg("no url"));
        }
        Ok(Pool {
            url,
            queries: Mutex::default(),
        })
    }

    /// Rows of a query.
    pub async fn fetch(this: Object<Self>, sql: String) -> Vec<Row> {
        this.queries.lock().unwrap().push(sql.clone());
        let of = this.clone();
        vec![Row { of, text: sql }]
    }

    /// A stream.
    #[func(window = 2)]
    pub fn rows(&self, count: isize) -> impl Stream<Item = String> + use<> {
        let url = self.url.clone();
        stream::iter((0..count).map(move |row| format!("{url} {row}")))
    }

    /// A stream, if there is one.
    pub fn some_rows(&self) -> Result<impl Stream<Item = isize> + use<>, Error> {
        Ok(stream::iter([self.idle()]))
    }

    #[func(sync)]
    pub fn idle(&self) -> isize {
        self.queries.lock().unwrap().len() as isize
    }

    #[func(tokio)]
    pub async fn vacuum(&self, #[ocaml(label)] into: &Pool) -> Result<(), String> {
        let queries = std::mem::take(&mut *self.queries.lock().unwrap());
        into.queries.lock().unwrap().extend(queries);
        Ok(())
    }

    #[func(blocking)]
    pub fn dump(&self) -> String {
        self.queries.lock().unwrap().join("; ")
    }

    #[func(name = "pool_is_another_now")]
    fn with(&self, f: OCamlAsyncFunc<(Object<Pool>, Option<Object<inner::Transaction>>), ()>) {
        if let Ok(other) = Pool::connect(self.url.clone()).await {
            drop(f.call((other.into(), None)).await);
        }
    }
}

/// A module in a module.
pub mod inner {
    use super::{Error, Pool, func, object};

    /// Of a pool; it has a `close` of its own.
    #[object(name = "Unit_of_work", drop = "home")]
    pub struct Transaction;

    #[func]
    impl Transaction {
        pub async fn begin(_pool: &Pool) -> Option<Transaction> {
            Some(Transaction)
        }

        pub async fn close(&self) -> Result<(), Error> {
            Ok(())
        }
    }

    /// Functions of a type that is no object.
    pub struct Names;

    #[func]
    impl Names {
        #[func(sync)]
        pub fn first() -> String {
            "first".to_owned()
        }
    }

    /// It has no functions.
    #[object]
    pub struct Bare;

    #[func(sync)]
    pub fn bares() -> Vec<Bare> {
        vec![Bare, Bare]
    }
}
