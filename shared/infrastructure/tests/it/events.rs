//! What is in the stream, and ways to put something there that no executor would.

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision};
use jetbridge_testing::TestEventStore;
use serde_json::{Value, json};
use shared_infrastructure::event_store::{EventMetadata, EventStore, Recorded};
use shared_kernel::{Decider, DomainEvent, Revision};
use uuid::Uuid;

use crate::accounts::{Accounts, Balances, Event, STREAM};

/// All events of the stream.
pub(crate) async fn recorded(store: &TestEventStore) -> Vec<Recorded> {
    let reader = EventStore::new(store.connection_string()).unwrap();
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let from = events.last().map_or(Revision(0), |event| event.revision.next());
        let page = reader.read_forwards(STREAM, from, 1_000).await.unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

pub(crate) fn decoded(recorded: &Recorded) -> (Event, EventMetadata) {
    let metadata = recorded.metadata().unwrap();
    (recorded.decode(metadata.schema_version()).unwrap(), metadata)
}

/// The balances after each event.
pub(crate) fn folded(stream: &[Recorded]) -> Vec<Balances> {
    let mut balances = Balances::default();
    let fold = |recorded: &Recorded| {
        Accounts::evolve(&mut balances, &decoded(recorded).0, recorded.revision);
        balances.clone()
    };
    stream.iter().map(fold).collect()
}

/// Writes events without asking a decider.
pub(crate) struct Writer(Client);

impl Writer {
    pub(crate) fn new(store: &TestEventStore) -> Self {
        Self(Client::new(store.connection_string().parse().unwrap()).unwrap())
    }

    /// Appends events, and answers the number of the last.
    pub(crate) async fn append(&self, events: &[Event]) -> Revision {
        let events = events.iter().map(|event| raw(event.event_type(), &event.encode().unwrap())).collect();
        self.append_raw(events).await
    }

    /// Appends an event that no version of the software knows, about this account.
    pub(crate) async fn append_unknown(&self, event_type: &str, account: Uuid, amount: i64) -> Revision {
        let data = Event::deposited(account, amount).encode().unwrap();
        self.append_raw(vec![raw(event_type, &data)]).await
    }

    /// Appends an event that no version of the software knows, about this account, whose data names another one too.
    pub(crate) async fn append_naming(&self, account: Uuid, other: Uuid) -> Revision {
        let data = json!({ "account": account, "other": other }).to_string();
        self.append_raw(vec![raw("Transferred", data.as_bytes())]).await
    }

    /// Appends an event of a known type whose data is no JSON at all.
    pub(crate) async fn append_malformed(&self, event: &Event) -> Revision {
        let malformed = EventData::binary(event.event_type(), "{".into());
        self.append_raw(vec![malformed.metadata_as_json(&metadata()).unwrap()]).await
    }

    /// Appends an event with this metadata, byte for byte.
    pub(crate) async fn append_with_metadata(&self, event: &Event, metadata: &'static str) -> Revision {
        let raw = raw(event.event_type(), &event.encode().unwrap());
        self.append_raw(vec![raw.metadata(metadata.into())]).await
    }

    async fn append_raw(&self, events: Vec<EventData>) -> Revision {
        let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
        Revision(self.0.append_to_stream(STREAM, &options, events).await.unwrap().next_expected_version)
    }
}

fn raw(event_type: &str, data: &[u8]) -> EventData {
    let data: Value = serde_json::from_slice(data).unwrap();
    EventData::json(event_type, &data).unwrap().id(Uuid::now_v7()).metadata_as_json(&metadata()).unwrap()
}

/// As little as an event can do with.
fn metadata() -> Value {
    json!({ "schemaVersion": 1 })
}
