use std::collections::HashMap;

use jiff::Timestamp;
use shared_eventstore_protocol::client::Uuid as ProtoUuid;
use shared_eventstore_protocol::streams::RecordedEvent;
use uuid::Uuid;

use super::Recorded;
use crate::event_store::{Refusal, StoreError};

/// When it was recorded, if the event store says it so.
fn created(metadata: &[(&str, &str)]) -> Result<Timestamp, StoreError> {
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let event = RecordedEvent {
        id: Some(ProtoUuid::structured(Uuid::nil())),
        stream_identifier: Some("account-stream".into()),
        stream_revision: 7,
        metadata: HashMap::from_iter(metadata),
        ..RecordedEvent::default()
    };
    Recorded::try_from(event).map(|recorded| recorded.created)
}

#[test]
fn an_event_was_recorded_when_the_event_store_says() {
    let ticks = "17356896001234567";
    assert_eq!(created(&[("created", ticks)]), Ok("2025-01-01T00:00:00.1234567Z".parse().unwrap()));
}

#[test]
fn a_time_that_is_not_there_or_not_one_is_an_error() {
    let refusal = Refusal::Other("it does not say when event 7 of account-stream was recorded".to_owned());
    for metadata in [&[][..], &[("created", "")], &[("created", "today")], &[("created", "99999999999999999999")]] {
        assert_eq!(created(metadata), Err(StoreError::from(refusal.clone())), "{metadata:?}");
    }
}

#[test]
fn an_event_without_an_identifier_is_an_error() {
    let metadata = HashMap::from([("created".to_owned(), "17356896001234567".to_owned())]);
    let event =
        RecordedEvent { stream_identifier: Some("account-stream".into()), metadata, ..RecordedEvent::default() };
    let refusal = Refusal::Other("it does not say the identifier of event 0 of account-stream".to_owned());
    assert_eq!(Recorded::try_from(event).err(), Some(StoreError::from(refusal)));
}
