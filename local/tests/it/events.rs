//! Server-sent events of the audit log.

use jetbridge_testing::Api;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use crate::history::Entry;
use crate::system::LIMIT;

/// Follows the audit log.
pub(crate) struct Feed {
    response: Response,
    buffer: Vec<u8>,
    last_id: String,
}

impl Feed {
    /// Follows from now on, or from behind this event.
    pub(crate) async fn open(api: &Api, last_event_id: Option<&str>) -> Self {
        let mut call = api.get("/api/auditlog/events");
        if let Some(id) = last_event_id {
            call = call.header("Last-Event-ID", id);
        }
        let response = call.response().await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["Content-Type"], "text/event-stream");
        let mut feed = Self { response, buffer: Vec::new(), last_id: String::new() };
        // The first thing is an id alone, from which everything is followed.
        let first = feed.message().await;
        assert!(first.1.is_none(), "{first:?}");
        feed
    }

    /// The next event of those that are wanted, and its id.
    pub(crate) async fn next(&mut self, is_wanted: impl Fn(&Entry) -> bool) -> (String, Entry) {
        loop {
            if let (id, Some(entry)) = self.message().await
                && is_wanted(&entry)
            {
                return (id, entry);
            }
        }
    }

    /// Asks the list of all entries for what comes after the last event.
    pub(crate) async fn is_cursor_of_the_list(&self, api: &Api) -> StatusCode {
        api.get(&format!("/api/auditlog/all?after={}", self.last_id)).send().await.status
    }

    /// The next message's id and data.
    async fn message(&mut self) -> (String, Option<Entry>) {
        loop {
            let end = self.buffer.windows(2).position(|pair| pair == b"\n\n");
            let Some(end) = end else {
                let chunk = timeout(LIMIT, self.response.chunk()).await.expect("an event in time");
                self.buffer.extend_from_slice(&chunk.expect("a connection").expect("a feed that goes on"));
                continue;
            };
            let message: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let message = String::from_utf8(message).expect("UTF-8");
            let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            // Signs of life have no id.
            let Some(id) = field("id: ") else { continue };
            let data = field("data: ").map(|data| serde_json::from_str(&data).expect("an entry"));
            self.last_id.clone_from(&id);
            return (id, data);
        }
    }
}
