//! A way to PostgreSQL that can be cut.

use std::net::Ipv4Addr;

use jetbridge_testing::TestDatabase;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_postgres::config::Host;
use tokio_util::task::AbortOnDropHandle;

/// Passes connections on to a database's server, on a port of its own.
pub(crate) struct Proxy {
    url: String,
    is_open: watch::Sender<bool>,
    _serving: AbortOnDropHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        let config = database.config();
        let server = (config.get_hosts()[0].clone(), config.get_ports()[0]);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!(
            "postgres://{}:{}@{address}/{}",
            config.get_user().expect("a user"),
            String::from_utf8_lossy(config.get_password().expect("a password")),
            database.name(),
        );
        let (is_open, watched) = watch::channel(true);
        let serving = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // One that comes while the way is cut is closed at once.
                if *watched.borrow() {
                    tokio::spawn(pass_on(client, server.clone(), watched.clone()));
                }
            }
        });
        Self { url, is_open, _serving: AbortOnDropHandle::new(serving) }
    }

    /// The database's address by this way.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Breaks all connections, and takes no new ones.
    pub(crate) fn cut(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.is_open.send_replace(true);
    }
}

async fn pass_on(mut client: TcpStream, (host, port): (Host, u16), mut is_open: watch::Receiver<bool>) {
    let passing = async {
        match host {
            Host::Unix(folder) => {
                let mut server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
                copy_bidirectional(&mut client, &mut server).await
            }
            Host::Tcp(host) => {
                let mut server = TcpStream::connect((host, port)).await?;
                copy_bidirectional(&mut client, &mut server).await
            }
        }
    };
    tokio::select! {
        // However it ends, both sides see it.
        _ = passing => {}
        _ = is_open.wait_for(|is_open| !is_open) => {}
    }
}
