use std::collections::HashMap;
use std::time::SystemTime;

use eventstore::{Position, RecordedEvent};
use jiff::Timestamp;
use uuid::Uuid;

use super::Recorded;
use crate::event_store::{Refusal, StoreError};

/// When it was recorded, if the event store says it so.
fn created(metadata: &[(&str, &str)]) -> Result<Timestamp, StoreError> {
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let event = RecordedEvent {
        stream_id: "account-stream".to_owned(),
        id: Uuid::nil(),
        revision: 7,
        event_type: "Deposited".to_owned(),
        data: "{}".into(),
        metadata: HashMap::from_iter(metadata),
        custom_metadata: "{}".into(),
        is_json: true,
        position: Position { commit: 0, prepare: 0 },
        created: SystemTime::UNIX_EPOCH.into(),
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
