//! Chapter 7: objects.

// -- a rate limiter --
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_lite::{Stream, stream};
use ocaml_lwt_interop::{Error, OCamlAsyncFunc, func, object};
use tokio::time::{Instant, sleep_until};

/// Lets one pass in each interval.
#[object]
pub struct Limiter {
    interval: Duration,
    next: Mutex<Instant>,
}

#[func]
impl Limiter {
    #[func(sync)]
    pub fn create(#[ocaml(label)] milliseconds: u16) -> Limiter {
        let interval = Duration::from_millis(milliseconds.into());
        Limiter {
            interval,
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for its turn.
    pub async fn pass(&self) {
        let mine = {
            let mut next = self.next.lock().unwrap();
            let mine = Instant::now().max(*next);
            *next = mine + self.interval;
            mine
        };
        sleep_until(mine).await;
    }
}

// -- a cache --
/// What was fetched already.
#[object(size = Cache::bytes)]
pub struct Cache {
    pages: Mutex<BTreeMap<String, String>>,
}

#[func]
impl Cache {
    #[func(sync)]
    pub fn create() -> Cache {
        Cache {
            pages: Mutex::default(),
        }
    }

    /// The page, from the cache or by OCaml's function.
    pub async fn get(
        &self,
        link: String,
        fetch: OCamlAsyncFunc<(String,), String>,
    ) -> Result<String, Error> {
        if let Some(page) = self.pages.lock().unwrap().get(&link) {
            return Ok(page.clone());
        }
        let page = fetch.call((link.clone(),)).await?;
        self.pages.lock().unwrap().insert(link, page.clone());
        Ok(page)
    }

    #[func(sync)]
    pub fn length(&self) -> usize {
        self.pages.lock().unwrap().len()
    }

    /// The links, in the order of the alphabet.
    pub fn links(&self) -> impl Stream<Item = String> + use<> {
        let links: Vec<_> = self.pages.lock().unwrap().keys().cloned().collect();
        stream::iter(links)
    }
}

impl Cache {
    /// How large it is, for OCaml's collector.
    fn bytes(&self) -> usize {
        let pages = self.pages.lock().unwrap();
        pages
            .iter()
            .map(|(link, page)| link.len() + page.len())
            .sum()
    }
}

// -- an object as an argument --
/// Fetches into the cache, one page in each interval.
#[func]
pub async fn warm(
    cache: &Cache,
    limiter: &Limiter,
    links: Vec<String>,
    fetch: OCamlAsyncFunc<(String,), String>,
) -> Result<(), Error> {
    for link in links {
        limiter.pass().await;
        cache.get(link, fetch.clone()).await?;
    }
    Ok(())
}
