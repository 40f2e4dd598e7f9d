//! The HTTP of `server`: the module `Server` is made from it. hyper speaks HTTP/1.1 on Tokio's sockets. Every request is one
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

/// Where to listen, and what a client may do.
#[derive(FromOCaml)]
pub struct Config {
    /// An IP address, of version 4 or 6.
    address: String,
    /// 0: the system chooses one.
    port: u16,
    /// How many bytes a request's line and headers may have; more is answered with 431.
    max_header: usize,
    /// How many bytes a request's body may have; more is answered with 413.
    max_body: usize,
    /// How many seconds a client may take to send a request's headers.
    header_timeout: f64,
    /// How many seconds requests have to end, once the server is to stop.
    grace: f64,
}

/// Serves HTTP until `stop` is settled: `listening` is called with the port once clients can connect, and `handler` for each
/// request. Then it accepts no more connections, lets the requests that run end, and is fulfilled.
///
/// The promise of a handler is cancelled when its client has gone. A handler that fails is answered with 500, and its
/// exception goes to stderr.
///
/// # Errors
/// The address is none, or cannot be listened on. What `listening` is rejected with.
#[ocaml_lwt_interop::func]
pub async fn serve(
    #[ocaml(label)] stop: Promise<()>,
    #[ocaml(label)] listening: OCamlAsyncFunc<(u16,), ()>,
    config: Config,
    handler: Handler,
) -> Result<(), Error> {
    // On the thread that runs Lwt, as its connections are: README.md has the numbers.
    let (reactor, turns) = Reactor::new()?;
    tokio::select! {
        result = reactor.attach(serve_with(&reactor, stop, listening, config, handler)) => result,
        error = turns => Err(error),
    }
}

async fn serve_with(
    reactor: &Reactor,
    stop: Promise<()>,
    listening: OCamlAsyncFunc<(u16,), ()>,
    config: Config,
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
pub async fn thread() -> Result<String, Error> {
    let task = tokio::spawn(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        std::thread::current().name().unwrap_or("").to_owned()
    });
    Ok(task.await?)
}

/// A Rust function that a handler calls, and that panics.
#[ocaml_lwt_interop::func]
pub async fn panic() -> String {
    tokio::task::yield_now().await;
    panic!("this function always panics")
}
