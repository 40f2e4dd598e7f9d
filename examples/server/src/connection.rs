//! A connection: hyper serves it, and it is told when the server stops.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::reactor::Timer;
use crate::respond::Server;

/// What the server is at. Connections watch it, and it counts them: the sender knows when the last receiver is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Serving,
    /// Requests are answered with `Connection: close`; no new connections.
    Stopping,
    /// The time for that is over: what still runs is dropped.
    Over,
}

/// What hyper sees to.
pub struct Limits {
    /// Bytes of a request's head.
    pub header: usize,
    /// For a request's head to arrive, and so also for the next one's on a connection that is kept alive.
    pub header_timeout: Duration,
}

/// How long a connection without a request waits for one when the server stops. Its client may have sent one by now, or
/// be about to, and would lose it if the connection were closed at once; this one is answered with `Connection: close`.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection.
pub fn serve(
    stream: TcpStream,
    limits: &Limits,
    timer: Timer,
    server: Rc<Server>,
    phase: watch::Receiver<Phase>,
) -> impl Future<Output = ()> + 'static {
    // Responses are written whole; waiting for more would only delay them. A client that has gone fails later as well.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.header)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.respond(request).await) }
            }),
        );
    serve_until(connection, phase)
}

/// Ends with the connection; when the server has stopped for long enough; or when nobody wants the server any more. What
/// it ends with is the client's business, who broke off or sent what is no HTTP and has been told so.
async fn serve_until<C>(connection: C, mut phase: watch::Receiver<Phase>)
where
    C: GracefulConnection,
{
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        stopping = phase.wait_for(|phase| *phase != Phase::Serving) => {
            if stopping.is_err() {
                return;
            }
        }
    }
    let mut over = pin!(phase.wait_for(|phase| *phase == Phase::Over));
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = over.as_mut() => return,
        () = tokio::time::sleep(LINGER) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        _ = connection => {}
        _ = over => {}
    }
}

/// hyper's connection, whose type has a closure in it.
trait GracefulConnection: Future {
    fn graceful_shutdown(self: std::pin::Pin<&mut Self>);
}

impl<I, B, S> GracefulConnection for http1::Connection<I, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn graceful_shutdown(self: std::pin::Pin<&mut Self>) {
        http1::Connection::graceful_shutdown(self);
    }
}
