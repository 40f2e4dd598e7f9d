//! The HTTP of `server`: what `../server.ml` declares. hyper speaks HTTP/1.1 on Tokio's sockets; every request is one
//! call of an OCaml function.

mod body;
mod connection;
mod message;
mod reactor;
mod respond;
mod upload;

use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use ocaml_lwt_interop::{Error, FromOCaml, OCamlAsyncFunc, Promise};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use connection::Phase;
use message::{Request, Response};
use reactor::Reactor;
use respond::Server;

/// OCaml's `request -> response Lwt.t`.
type Handler = OCamlAsyncFunc<(Request,), Response>;

/// OCaml's record `config`, of which `server.mli` says what is what.
#[derive(FromOCaml)]
pub struct Config {
    address: String,
    port: u16,
    max_header: usize,
    max_body: usize,
    header_timeout: f64,
    grace: f64,
}

/// Serves until `stop` is settled, and then until the last connection has ended. `listening` is called with the port.
///
/// It runs on the thread that runs Lwt, as its connections do: README.md has the numbers.
///
/// # Errors
/// The address is none, or cannot be listened on. What `listening` is rejected with.
#[ocaml_lwt_interop::func]
pub async fn server_serve(
    config: Config,
    listening: OCamlAsyncFunc<(u16,), ()>,
    stop: Promise<()>,
    handler: Handler,
) -> Result<(), Error> {
    let (reactor, turns) = Reactor::new()?;
    tokio::select! {
        result = reactor.attach(serve(&reactor, config, listening, stop, handler)) => result,
        error = turns => Err(error),
    }
}

async fn serve(
    reactor: &Reactor,
    config: Config,
    listening: OCamlAsyncFunc<(u16,), ()>,
    stop: Promise<()>,
    handler: Handler,
) -> Result<(), Error> {
    let address = SocketAddr::new(config.address.parse::<IpAddr>()?, config.port);
    let listener = reactor.make(TcpListener::bind(address)).await?;
    let grace = seconds(config.grace);
    let limits = connection::Limits {
        header: config.max_header,
        header_timeout: seconds(config.header_timeout),
    };
    let server = Rc::new(Server::new(handler, config.max_body as u64));
    let (phase, connections) = watch::channel(Phase::Serving);
    let serve = |stream| {
        let timer = reactor.timer();
        let (server, phase) = (server.clone(), connections.clone());
        let connection = connection::serve(stream, &limits, timer, server, phase);
        ocaml_lwt_interop::spawn_local(reactor.attach(connection)).detach();
    };

    listening.call((listener.local_addr()?.port(),)).await?;
    let mut stop = std::pin::pin!(stop.into_future());
    loop {
        tokio::select! {
            stream = accept(reactor, &listener) => serve(stream),
            // Whether it was fulfilled or rejected: nobody wants the server any more.
            _ = &mut stop => break,
        }
    }

    // Clients that have connected do not know that the server has not noticed yet. (Those that do so in the microseconds
    // between the last look and the end of the listener are refused, or reset.) The operating system is asked, since the
    // reactor may not have been told yet either.
    server.stop();
    let listener = listener.into_std()?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => match reactor.make(async { adopt(stream) }).await {
                Ok(stream) => serve(stream),
                Err(error) => log(format_args!("a connection: {error}")),
            },
            Err(error) if is_of_the_connection(&error) => {}
            Err(_) => break,
        }
    }
    drop(listener);
    drop(connections);
    phase.send_replace(Phase::Stopping);
    if tokio::time::timeout(grace, phase.closed()).await.is_err() {
        phase.send_replace(Phase::Over);
        phase.closed().await;
    }
    Ok(())
}

/// The next connection. What goes wrong is the client's (it has gone already), or passes (there are no more descriptors).
async fn accept(reactor: &Reactor, listener: &TcpListener) -> TcpStream {
    loop {
        match reactor.make(listener.accept()).await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                log(format_args!("accept: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn adopt(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// One line on stderr. Unlike `eprintln!`, it does not mind when nobody reads it.
fn log(message: std::fmt::Arguments<'_>) {
    use io::Write;
    let _ = writeln!(io::stderr(), "server: {message}");
}

/// A Rust function that a handler calls: the name of the thread that Tokio runs a task of it on.
#[ocaml_lwt_interop::func]
pub async fn server_thread() -> Result<String, Error> {
    let task = tokio::spawn(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        std::thread::current().name().unwrap_or("").to_owned()
    });
    Ok(task.await?)
}

/// A Rust function that a handler calls, and that panics.
#[ocaml_lwt_interop::func]
pub async fn server_panic() -> String {
    tokio::task::yield_now().await;
    panic!("this function always panics")
}
