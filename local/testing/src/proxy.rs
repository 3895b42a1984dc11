//! A TCP proxy that loses, holds and counts what passes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::accept::serve_each;
use crate::database::TestDatabase;
use crate::upstream::{Stream, Upstream};

/// How long a server whose client was cut off may take to read what the client had sent.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);
const BUFFER_BYTES: usize = 64 * 1024;

/// Forwards bytes between clients and a server, until it is dropped.
#[derive(Debug)]
pub struct TestProxy {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct State {
    /// Connections end when it changes.
    server: watch::Sender<Upstream>,
    is_cut: AtomicBool,
    cut_next: AtomicBool,
    answers_held: watch::Sender<bool>,
    /// Connections with lower numbers are silent.
    frozen_below: watch::Sender<usize>,
    opened: AtomicUsize,
    closed: AtomicUsize,
    bytes_sent: AtomicUsize,
    bytes_answered: AtomicUsize,
}

impl TestProxy {
    /// A proxy in front of the server at this address.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(server: SocketAddr) -> Self {
        Self::before(Upstream::Server(server)).await
    }

    /// A proxy in front of the server of a database.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn of_database(database: &TestDatabase) -> Self {
        Self::before(Upstream::of(database)).await
    }

    async fn before(server: Upstream) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(State {
            server: watch::Sender::new(server),
            is_cut: AtomicBool::new(false),
            cut_next: AtomicBool::new(false),
            answers_held: watch::Sender::new(false),
            frozen_below: watch::Sender::new(0),
            opened: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            bytes_sent: AtomicUsize::new(0),
            bytes_answered: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `esdb://` address for clients of an event store behind it.
    pub fn connection_string(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    /// Ends all connections, and leads new ones to another server.
    pub fn point_at(&self, server: SocketAddr) {
        self.state.server.send_replace(Upstream::Server(server));
    }

    /// Ends all connections, and takes no new ones until [`mend`](Self::mend).
    pub fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        self.state.server.send_modify(|_| {});
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }

    /// Cuts the next connection on which a client sends something, once the server has got it, before any answer.
    pub fn cut_next_request(&self) {
        self.state.cut_next.store(true, Ordering::SeqCst);
    }

    /// From now on no answer arrives, or, with `false`, those that were held do.
    pub fn hold_answers(&self, hold: bool) {
        self.state.answers_held.send_replace(hold);
    }

    /// Nothing passes any more on the connections that there are, and nothing says so. New ones work.
    pub fn freeze_connections(&self) {
        self.state.frozen_below.send_replace(self.connections());
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.state.opened.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub fn open_connections(&self) -> usize {
        self.connections() - self.state.closed.load(Ordering::SeqCst)
    }

    /// How many bytes clients have sent so far.
    pub fn bytes_sent(&self) -> usize {
        self.state.bytes_sent.load(Ordering::SeqCst)
    }

    /// How many bytes the server has sent so far.
    pub fn bytes_answered(&self) -> usize {
        self.state.bytes_answered.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    serve_each(listener, |client| {
        let state = Arc::clone(&state);
        let mut server = state.server.subscribe();
        let upstream = server.borrow_and_update().clone();
        // Only now: whoever cuts it from here on is noticed by the connection.
        if state.is_cut.load(Ordering::SeqCst) {
            return None;
        }
        let number = state.opened.fetch_add(1, Ordering::SeqCst);
        Some(async move {
            if let Ok(to_server) = upstream.connect().await {
                tokio::select! {
                    // However a connection ends, its two sides end together.
                    _ = forward(client, to_server, number, &state) => {}
                    _ = server.changed() => {}
                }
            }
            state.closed.fetch_add(1, Ordering::SeqCst);
        })
    })
    .await;
}

async fn forward(
    mut client: TcpStream,
    mut server: Box<dyn Stream>,
    number: usize,
    state: &State,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (mut requests, mut answers) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
    let mut held = state.answers_held.subscribe();
    let mut frozen = state.frozen_below.subscribe();
    loop {
        tokio::select! {
            biased;
            () = async { drop(frozen.wait_for(|below| number < *below).await) } => std::future::pending().await,
            read = client.read(&mut requests) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                server.write_all(&requests[..read]).await?;
                state.bytes_sent.fetch_add(read, Ordering::SeqCst);
                if state.cut_next.swap(false, Ordering::SeqCst) {
                    drop(client);
                    // Closing at once might take back what the server has not read yet.
                    let _ = tokio::time::timeout(DRAIN_LIMIT, server.read(&mut answers)).await;
                    return Ok(());
                }
            }
            read = async {
                let _ = held.wait_for(|held| !held).await;
                server.read(&mut answers).await
            } => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                state.bytes_answered.fetch_add(read, Ordering::SeqCst);
                client.write_all(&answers[..read]).await?;
            }
        }
    }
}
