//! A connection to the event store that can lose answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// How long a server whose client was cut off may take to read what the client had sent.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Forwards bytes between clients and a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    faults: Arc<Faults>,
    _accepting: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Faults {
    cut_next: AtomicBool,
    opened: AtomicUsize,
    closed: AtomicUsize,
    answers_held: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(Faults::default());
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&faults)));
        Self { address, faults, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub(crate) fn connection_string(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    /// Cuts the next connection on which a client sends something, once the server has got it, before any answer.
    pub(crate) fn cut_next_request(&self) {
        self.faults.cut_next.store(true, Ordering::SeqCst);
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.faults.opened.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub(crate) fn open_connections(&self) -> usize {
        self.connections() - self.faults.closed.load(Ordering::SeqCst)
    }

    /// From now on no answer arrives, or, with `false`, those that were held do.
    pub(crate) fn hold_answers(&self, hold: bool) {
        self.faults.answers_held.send_replace(hold);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, faults: Arc<Faults>) {
    // Aborted with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let faults = Arc::clone(&faults);
        faults.opened.fetch_add(1, Ordering::SeqCst);
        connections.spawn(async move {
            if let Ok(server) = TcpStream::connect(server).await {
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                // However a connection ends, its two sides end together.
                let _ = forward(client, server, &faults).await;
            }
            faults.closed.fetch_add(1, Ordering::SeqCst);
        });
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, faults: &Faults) -> std::io::Result<()> {
    let mut requests = vec![0; 64 * 1024];
    let mut answers = vec![0; 64 * 1024];
    let mut held = faults.answers_held.subscribe();
    loop {
        tokio::select! {
            read = client.read(&mut requests) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                server.write_all(&requests[..read]).await?;
                if faults.cut_next.swap(false, Ordering::SeqCst) {
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
                client.write_all(&answers[..read]).await?;
            }
        }
    }
}
