//! A way to the system on which the ends of answers get lost.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::system::System;

const CHUNK: usize = 16 * 1024;

/// Passes connections on to a system, on a port of its own.
pub(super) struct Wire {
    url: String,
    loses_answers: Arc<AtomicBool>,
    /// Told to all connections when they have to end.
    end: watch::Sender<()>,
    _serving: AbortOnDropHandle<()>,
}

impl Wire {
    pub(super) async fn to(system: &System) -> Self {
        let server = system.url().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let loses_answers = Arc::new(AtomicBool::new(false));
        let (end, ended) = watch::channel(());
        let losing = Arc::clone(&loses_answers);
        let serving = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let (losing, mut ended) = (Arc::clone(&losing), ended.clone());
                ended.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass_on(client, server, &losing) => {}
                        _ = ended.changed() => {}
                    }
                });
            }
        });
        Self { url, loses_answers, end, _serving: AbortOnDropHandle::new(serving) }
    }

    /// The address of a path by this way.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// From now on requests get through, and answers do not get through to their end.
    pub(super) fn lose_answers(&self) {
        self.loses_answers.store(true, Ordering::Relaxed);
    }

    /// Breaks all connections. New ones work in both directions.
    pub(super) fn renew(&self) {
        self.end.send_replace(());
        self.loses_answers.store(false, Ordering::Relaxed);
    }
}

/// Passes on what comes, until one side ends it.
async fn pass_on(client: TcpStream, server: TcpStream, loses_answers: &AtomicBool) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut chunk = vec![0; CHUNK];
        let mut has_lost = false;
        while let Ok(length @ 1..) = from_server.read(&mut chunk).await {
            let loses = loses_answers.load(Ordering::Relaxed);
            // Where nothing comes at all, the browser itself asks again, and the page has no part in it.
            let passed = if loses { length - 1 } else { length };
            if !has_lost && to_client.write_all(&chunk[..passed]).await.is_err() {
                return;
            }
            has_lost |= loses;
        }
    };
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = answers => {}
    }
}
