//! A small blockchain node: `node STORE PORT`. The network, the mempool and the store are Rust's, and the protocol is OCaml's.

mod chain;
mod mempool;
mod rpc;
mod store;

use std::path::PathBuf;

use node::Protocol;
use ocaml_lwt_interop::host;
use tokio::net::TcpListener;

use chain::Chain;
use mempool::Mempool;
use store::Store;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().unwrap_or("node.redb".to_owned()));
    let port = arguments
        .next()
        .unwrap_or("8732".to_owned())
        .parse::<u16>()?;

    let ocaml = host::start().await?; // OCaml's modules are initialised, Lwt's loop runs
    let protocol = ocaml.get::<dyn Protocol>()?; // what OCaml has provided

    let chain = Chain::open(Store::open(&path)?, protocol).await?;
    let (mempool, produces) = Mempool::new(chain.clone());
    let produces = tokio::spawn(produces);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!(
        "protocol {}, block {}, port {}",
        chain.version(),
        chain.head().await?,
        listener.local_addr()?.port()
    );

    tokio::select! {
        served = rpc::serve(listener, chain, mempool) => served?,
        ended = ocaml.ended() => eprintln!("OCaml has ended by itself: {ended:?}"),
        _ = tokio::signal::ctrl_c() => println!("interrupted"),
    }
    // Blocks that are under way are not waited for: nobody was told of them.
    produces.abort();
    ocaml.shutdown().await;
    Ok(())
}
