//! What is behind a proxy.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::Host;

use crate::database::TestDatabase;

/// A server that connections are passed on to.
#[derive(Debug, Clone)]
pub(crate) enum Upstream {
    Server(SocketAddr),
    /// PostgreSQL, which may listen on a socket only.
    Database(Host, u16),
}

/// A connection to it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Upstream {
    pub(crate) fn of(database: &TestDatabase) -> Self {
        let config = database.config();
        Self::Database(config.get_hosts()[0].clone(), config.get_ports()[0])
    }

    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let tcp = match self {
            Self::Server(address) => TcpStream::connect(address).await?,
            Self::Database(Host::Tcp(host), port) => TcpStream::connect((host.as_str(), *port)).await?,
            Self::Database(Host::Unix(folder), port) => {
                return Ok(Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?));
            }
        };
        tcp.set_nodelay(true)?;
        Ok(Box::new(tcp))
    }
}
