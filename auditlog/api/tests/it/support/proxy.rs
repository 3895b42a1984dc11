//! A TCP proxy that counts what the server sends.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct CountingProxy {
    address: SocketAddr,
    received: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl CountingProxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server, Arc::clone(&counter)));
            }
        });
        Self { address, received, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub(crate) fn connection_string(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    /// How many bytes the server has sent so far.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

async fn pass_on(client: TcpStream, server: SocketAddr, received: Arc<AtomicUsize>) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async move { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let answers = async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from_server.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            received.fetch_add(count, Ordering::SeqCst);
            to_client.write_all(&buffer[..count]).await?;
        }
    };
    tokio::try_join!(requests, answers).map(drop)
}
