//! A server that is talked to byte by byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use shared_service::{ServerSettings, bind, serve_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) async fn start(router: Router) -> Server {
    start_with(ServerSettings::default(), router).await
}

pub(crate) async fn start_with(settings: ServerSettings, router: Router) -> Server {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(serve_with(settings, listener, router, shutdown.clone()));
    Server { address, shutdown, task }
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn stop(self) -> Duration {
        let started = Instant::now();
        self.shutdown.cancel();
        timeout(LIMIT, self.task).await.unwrap().unwrap();
        started.elapsed()
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.address).await.unwrap())
    }

    /// The answer to a request on a connection of its own.
    pub(crate) async fn answer(&self, request: &str) -> String {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.answer().await
    }
}

/// A connection to a server.
pub(crate) struct Connection(pub(crate) TcpStream);

impl Connection {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads an answer: its head, and as many bytes as that says.
    pub(crate) async fn answer(&mut self) -> String {
        timeout(LIMIT, self.read_answer()).await.expect("an answer in time")
    }

    async fn read_answer(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            text.push(char::from(self.0.read_u8().await.expect("a head")));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).await.expect("a body");
        text.push_str(std::str::from_utf8(&body).unwrap());
        text
    }

    /// Waits until the server has closed it, and gives what came before.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = timeout(LIMIT, self.0.read_to_end(&mut rest)).await.expect("the server closes it");
        rest
    }

    /// Whether it is open, and nothing comes, for this long.
    pub(crate) async fn is_quiet_for(&mut self, time: Duration) -> bool {
        timeout(time, self.0.read_u8()).await.is_err()
    }
}
