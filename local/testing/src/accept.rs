//! Taking connections, for servers of tests.

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves every connection that `serve` gives something for, side by side, until it is dropped.
pub(crate) async fn serve_each<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> Option<F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if let Some(serving) = serve(client) {
            connections.spawn(serving);
        }
    }
}
