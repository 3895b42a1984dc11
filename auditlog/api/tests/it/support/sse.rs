//! A client of server-sent events, as the HTML standard describes it.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::LIMIT;

pub(crate) struct Sse {
    /// `None` when the connection has broken.
    bytes: BoxStream<'static, Option<Vec<u8>>>,
    buffer: String,
    /// Where it begins; `None` if it only says why it does not.
    pub(crate) position: Option<String>,
}

/// What stands between two blank lines.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) retry: Option<String>,
}

impl Message {
    pub(crate) fn entry(&self) -> Value {
        serde_json::from_str(self.data.as_deref().expect("the message has data")).unwrap()
    }
}

impl Sse {
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let position = response.headers().get("jetbridge-position").map(|value| value.to_str().unwrap().to_owned());
        let bytes = response.bytes_stream().map(|chunk| chunk.ok().map(Vec::from));
        Self { bytes: bytes.boxed(), buffer: String::new(), position }
    }

    /// The next message, other than comments; `None` at the end.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        timeout(LIMIT, self.message_at_last()).await.expect("a message comes in time")
    }

    async fn message_at_last(&mut self) -> Option<Message> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let message = parse(&self.buffer[..end]);
                self.buffer.drain(..end + 2);
                if message != Message::default() {
                    return Some(message);
                }
            }
            let bytes = self.bytes.next().await??;
            self.buffer.push_str(std::str::from_utf8(&bytes).expect("chunks end between characters"));
        }
    }

    /// The next message with an entry.
    pub(crate) async fn entry_message(&mut self) -> Message {
        loop {
            let message = self.message().await.expect("the stream goes on");
            if message.data.is_some() {
                return message;
            }
        }
    }

    /// The next entry.
    pub(crate) async fn entry(&mut self) -> Value {
        self.entry_message().await.entry()
    }

    /// The problem that it ends with, after this many milliseconds of which it may be asked for again.
    pub(crate) async fn problem(&mut self, status: u16, slug: &str, retry: &str) -> Value {
        let message = self.message().await.expect("a message");
        assert_eq!((message.event.as_deref(), message.retry.as_deref()), (Some("problem"), Some(retry)));
        assert_eq!(message.id, None, "its client stays where it was");
        let problem = message.entry();
        assert_eq!((&problem["status"], &problem["type"]), (&status.into(), &format!("/problems/{slug}").into()));
        assert_eq!(self.message().await, None, "nothing follows");
        problem
    }

    /// Whether nothing but comments comes for a while.
    pub(crate) async fn is_silent(&mut self, time: Duration) -> bool {
        timeout(time, self.message()).await.is_err()
    }
}

fn parse(block: &str) -> Message {
    let mut message = Message::default();
    for line in block.lines() {
        let (field, value) = line.split_once(": ").or(line.split_once(':')).unwrap_or((line, ""));
        let slot = match field {
            "id" => &mut message.id,
            "data" => &mut message.data,
            "event" => &mut message.event,
            "retry" => &mut message.retry,
            "" => continue,
            other => panic!("unknown field {other}"),
        };
        assert!(slot.replace(value.to_owned()).is_none(), "{field} comes once");
    }
    message
}
