//! A gRPC proxy that ends or silences reading calls, as nodes and proxies do when they stop.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::AbortOnDropHandle;

use crate::accept::serve_each;

/// The path of the calls that it interferes with.
const READ: &str = "/event_store.client.streams.Streams/Read";

/// Forwards the calls of an event store's clients, until it is dropped.
#[derive(Debug)]
pub struct CallProxy {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    client: Client<HttpConnector, Incoming>,
    reads: AtomicUsize,
    /// Ends the reading calls that there are.
    ending: watch::Sender<CancellationToken>,
    /// Silences the reading calls that there are.
    silencing: watch::Sender<CancellationToken>,
}

impl CallProxy {
    /// A proxy in front of the event store at this address.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build(HttpConnector::new());
        let (ending, silencing) = (watch::Sender::default(), watch::Sender::default());
        let state = Arc::new(State { server, client, reads: AtomicUsize::new(0), ending, silencing });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// The `esdb://` address for clients of the event store behind it.
    pub fn connection_string(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    /// Ends all reading calls that are under way, subscriptions too, as if all were well.
    pub fn end_calls(&self) {
        self.state.ending.send_replace(CancellationToken::new()).cancel();
    }

    /// Nothing comes any more on the reading calls that are under way, and nothing says so. New ones work, also on the
    /// same connections.
    pub fn silence_calls(&self) {
        self.state.silencing.send_replace(CancellationToken::new()).cancel();
    }

    /// How many reading calls there were so far.
    pub fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    serve_each(listener, |client| {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| forward(request, Arc::clone(&state)));
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        Some(async move { drop(server.serve_connection(TokioIo::new(client), service).await) })
    })
    .await;
}

async fn forward(mut request: Request<Incoming>, state: Arc<State>) -> Result<Response<Answer>, Infallible> {
    let is_read = request.uri().path() == READ;
    let (ending, silencing) = (state.ending.borrow().clone(), state.silencing.borrow().clone());
    if is_read {
        state.reads.fetch_add(1, Ordering::SeqCst);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{}{path}", state.server).parse::<Uri>().expect("a path of a call");
    match state.client.request(request).await {
        Ok(answer) => Ok(answer.map(|body| Answer {
            body: Some(body),
            ending: Box::pin(if is_read { ending } else { CancellationToken::new() }.cancelled_owned()),
            silencing: Box::pin(if is_read { silencing } else { CancellationToken::new() }.cancelled_owned()),
        })),
        Err(_) => {
            let never = || Box::pin(CancellationToken::new().cancelled_owned());
            let mut answer = Response::new(Answer { body: None, ending: never(), silencing: never() });
            // As a status of gRPC: it is not available.
            answer.headers_mut().insert("grpc-status", HeaderValue::from_static("14"));
            Ok(answer)
        }
    }
}

/// What a server has answered, until the call is ended.
struct Answer {
    body: Option<Incoming>,
    ending: Pin<Box<WaitForCancellationFutureOwned>>,
    silencing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.body.is_some() && self.ending.as_mut().poll(context).is_ready() {
            self.body = None;
            let trailers =
                HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), "0".parse().expect("a number"))]);
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        if self.silencing.as_mut().poll(context).is_ready() {
            return Poll::Pending;
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }
}
