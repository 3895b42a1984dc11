use eventstore as db;
use eventstore::ExpectedRevision as Expected;

use crate::support::{TestServer, let_eventstore_go_first};

async fn connect(server: &TestServer) -> db::Client {
    let_eventstore_go_first(&server.uri()).await;
    db::Client::new(server.uri().parse().expect("a valid address")).expect("a client")
}

fn appending(expected: Expected) -> db::AppendToStreamOptions {
    db::AppendToStreamOptions::default().expected_revision(expected)
}

fn deleting(expected: Expected) -> db::DeleteStreamOptions {
    db::DeleteStreamOptions::default().expected_revision(expected)
}

fn tombstoning(expected: Expected) -> db::TombstoneStreamOptions {
    db::TombstoneStreamOptions::default().expected_revision(expected)
}

fn exactly(revision: u64) -> Expected {
    Expected::Exact(revision)
}

fn is_caught_up(frame: &db::SubscriptionEvent) -> bool {
    matches!(frame, db::SubscriptionEvent::CaughtUp)
}

fn stream_of(event: &db::RecordedEvent) -> &str {
    &event.stream_id
}

#[allow(clippy::duplicate_mod, reason = "the same scenarios run with both clients")]
#[path = "scenarios.rs"]
mod scenarios;

#[allow(clippy::duplicate_mod, reason = "the same scenarios run with both clients")]
#[path = "reading.rs"]
mod reading;
