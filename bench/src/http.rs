//! HTTP/1.1 as the load speaks it: one request at a time over a connection that stays open. It does no more than it has
//! to, for what it takes is taken from what is measured.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BUFFER_BYTES: usize = 16 * 1024;
const MOST_HEADERS: usize = 48;

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How far the stream of flights reaches that the answer covers: the number of an event.
    pub(crate) flights: Option<u64>,
    pub(crate) body: BytesMut,
}

/// Status and headers.
struct Head {
    status: u16,
    flights: Option<u64>,
    /// Of status and headers.
    bytes: usize,
    /// Of the body; `None` for one in chunks.
    body: Option<usize>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(BUFFER_BYTES) })
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// When the connection ends, or the answer has no length.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request).await?;
        let Head { status, flights, bytes, body } = self.head().await?;
        let length =
            body.ok_or_else(|| io::Error::other("an answer in chunks, where one with a length was expected"))?;
        while self.buffer.len() < bytes + length {
            self.read().await?;
        }
        self.buffer.advance(bytes);
        let body = self.buffer.split_to(length);
        Ok(Answer { status, flights, body })
    }

    /// Sends a request whose answer goes on: its status. What has come is [taken](Self::take), and then [read](Self::read)
    /// on.
    ///
    /// # Errors
    /// When the connection ends.
    pub(crate) async fn begin(&mut self, request: &[u8]) -> io::Result<u16> {
        self.send(request).await?;
        let Head { status, bytes, .. } = self.head().await?;
        self.buffer.advance(bytes);
        Ok(status)
    }

    /// Shows what has come and was not taken before, with the sizes of chunks between; answered is how much is taken.
    pub(crate) fn take(&mut self, look: impl FnOnce(&[u8]) -> usize) {
        let taken = look(&self.buffer);
        self.buffer.advance(taken.min(self.buffer.len()));
    }

    async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await
    }

    /// Waits for status and headers, and leaves them in the buffer.
    async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(head) = parse(&self.buffer)? {
                return Ok(head);
            }
            self.read().await?;
        }
    }

    /// Waits until more has come.
    ///
    /// # Errors
    /// When the connection ends.
    pub(crate) async fn read(&mut self) -> io::Result<()> {
        self.buffer.reserve(BUFFER_BYTES);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// `None` while they are not all there.
fn parse(buffer: &[u8]) -> io::Result<Option<Head>> {
    if buffer.is_empty() {
        return Ok(None);
    }
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(bytes) = response.parse(buffer).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let mut head = Head { status, flights: None, bytes, body: (status == 204).then_some(0) };
    for header in response.headers {
        if header.name.eq_ignore_ascii_case("jetbridge-position") {
            head.flights = flights(header.value);
        } else if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).map_err(io::Error::other)?;
            head.body = Some(text.parse().map_err(io::Error::other)?);
        }
    }
    Ok(Some(head))
}

/// Of a position such as `f12.p7`.
fn flights(position: &[u8]) -> Option<u64> {
    std::str::from_utf8(position).ok()?.split('.').find_map(|part| part.strip_prefix('f')?.parse().ok())
}

/// What all requests to one server have in common.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Header lines, each with its end.
    headers: String,
}

impl Target {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, headers: format!("Host: {address}\r\n") }
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers).into_bytes()
    }

    /// A request without a body.
    pub(crate) fn bare(&self, method: &str, path: &str) -> Vec<u8> {
        format!("{method} {path} HTTP/1.1\r\n{}Content-Length: 0\r\n\r\n", self.headers).into_bytes()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        let described = "Content-Type: application/json\r\nContent-Length";
        format!("POST {path} HTTP/1.1\r\n{}{described}: {length}\r\n\r\n{body}", self.headers).into_bytes()
    }

    /// One request over a connection of its own.
    pub(crate) async fn ask(&self, request: &[u8]) -> io::Result<Answer> {
        Connection::open(self.address).await?.exchange(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::flights;

    #[test]
    fn a_position_says_how_far_flights_reach() {
        let positions = ["f0", "f12.p7", "p7", "p3.f4", "", "fx"].map(|position| flights(position.as_bytes()));
        assert_eq!(positions, [Some(0), Some(12), None, Some(4), None, None]);
    }
}
