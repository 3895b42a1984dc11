use kurrentdb as db;
use kurrentdb::StreamState as Expected;

use crate::support::{TestServer, let_eventstore_go_first};

async fn connect(server: &TestServer) -> db::Client {
    let_eventstore_go_first(&server.uri()).await;
    db::Client::new(server.uri().parse().expect("a valid address")).expect("a client")
}

fn appending(expected: Expected) -> db::AppendToStreamOptions {
    db::AppendToStreamOptions::default().stream_state(expected)
}

fn deleting(expected: Expected) -> db::DeleteStreamOptions {
    db::DeleteStreamOptions::default().stream_state(expected)
}

fn tombstoning(expected: Expected) -> db::TombstoneStreamOptions {
    db::TombstoneStreamOptions::default().stream_state(expected)
}

fn exactly(revision: u64) -> Expected {
    Expected::StreamRevision(revision)
}

fn is_caught_up(frame: &db::SubscriptionEvent) -> bool {
    matches!(frame, db::SubscriptionEvent::CaughtUp(_))
}

fn stream_of(event: &db::RecordedEvent) -> &str {
    event.stream_id()
}

#[allow(clippy::duplicate_mod, reason = "the same scenarios run with both clients")]
#[path = "scenarios.rs"]
mod scenarios;

#[allow(clippy::duplicate_mod, reason = "the same scenarios run with both clients")]
#[path = "reading.rs"]
mod reading;
