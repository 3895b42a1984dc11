//! HTTP/2 frame by frame, for what no client library sends.

use std::net::SocketAddr;

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::within_limit;

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const CANCEL: u32 = 8;

/// A connection that sends what it is told.
pub(crate) struct Bare(TcpStream);

impl Bare {
    /// Connects, and says nothing.
    pub(crate) async fn silent(server: SocketAddr) -> Self {
        Self(within_limit(TcpStream::connect(server)).await.expect("a connection"))
    }

    /// Connects with HTTP/2.
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        let mut bare = Self::silent(server).await;
        bare.send(&[PREFACE, settings().as_slice()].concat()).await;
        bare
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within_limit(self.0.write_all(bytes)).await.expect("sent");
    }

    /// Whether the server has ended the connection; what comes before that is passed over, pings are answered.
    pub(crate) async fn ends(&mut self) {
        while let Some((kind, flags, payload)) = self.next().await {
            if kind == PING && flags & ACK == 0 {
                // It may be gone by then.
                let _ = self.0.write_all(&frame(PING, ACK, 0, &payload)).await;
            }
        }
    }

    /// Sends a ping and waits until the server has answered it, and so has read what came before.
    pub(crate) async fn ping(&mut self) {
        self.send(&frame(PING, 0, 0, b"are you?")).await;
        loop {
            let (kind, flags, payload) = self.next().await.expect("not the end");
            if kind == PING && flags & ACK != 0 && payload == b"are you?" {
                return;
            }
        }
    }

    /// The kind, flags and payload of the next frame; `None` at the end of the connection.
    async fn next(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        within_limit(self.0.read_exact(&mut head)).await.ok()?;
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        within_limit(self.0.read_exact(&mut payload)).await.ok()?;
        Some((kind, flags, payload))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a length").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Settings that change nothing.
pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// The head of a call of `path`.
pub(crate) fn call_head(stream: u32, path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "127.0.0.1"),
        (":path", path),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    frame(HEADERS, END_HEADERS, stream, &fields.map(|(name, value)| field(name, value)).concat())
}

/// A field without compression (RFC 7541, section 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text");
        [&[length], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

/// Messages of a call, in one frame.
pub(crate) fn messages<M: Message>(stream: u32, messages: &[M]) -> Vec<u8> {
    let message = |message: &M| {
        let content = message.encode_to_vec();
        let length = u32::try_from(content.len()).expect("a length");
        [&[0][..], &length.to_be_bytes(), &content].concat()
    };
    frame(DATA, 0, stream, &messages.iter().flat_map(message).collect::<Vec<_>>())
}

/// The end of what a client sends in a call.
pub(crate) fn end(stream: u32) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, &[])
}

pub(crate) fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

/// That the client ends the connection, with no error.
pub(crate) fn go_away() -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[0; 8])
}
