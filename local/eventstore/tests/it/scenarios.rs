//! What an application does with its event store, the same with either client.

use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::db::{
    BatchAppendOptions, Client, CurrentRevision, Error, EventData, ReadAllOptions, ReadStreamOptions, RecordedEvent,
    ResolvedEvent, StreamMetadataBuilder, StreamMetadataResult, StreamPosition, SubscribeToStreamOptions, Subscription,
    SubscriptionEvent, VersionedMetadata,
};
use super::{Expected, appending, connect, deleting, exactly, stream_of, tombstoning};
use crate::STRICT;
use crate::support::{TestServer, within_limit};

pub(super) const STREAM: &str = "flight-stream";

/// A server, and a client of it.
pub(super) async fn connected() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let client = connect(&server).await;
    (server, client)
}

pub(super) fn event() -> EventData {
    event_with(Uuid::new_v4())
}

pub(super) fn event_with(id: Uuid) -> EventData {
    EventData::binary("Happened", Bytes::from_static(b"data")).id(id)
}

pub(super) async fn read(client: &Client, stream: &str) -> Vec<RecordedEvent> {
    let options = ReadStreamOptions::default().max_count(10_000);
    let mut events = client.read_stream(stream, &options).await.expect("a read");
    let mut found = Vec::new();
    while let Some(event) = events.next().await.expect("an event") {
        found.push(event.event.expect("the event itself"));
    }
    found
}

pub(super) async fn read_all(client: &Client, options: ReadAllOptions) -> Vec<RecordedEvent> {
    let mut events = client.read_all(&options.max_count(10_000)).await.expect("a read");
    let mut found = Vec::new();
    while let Some(event) = events.next().await.expect("an event") {
        found.push(event.event.expect("the event itself"));
    }
    found
}

pub(super) async fn append(client: &Client, expected: Expected, ids: &[Uuid]) -> Result<(u64, u64), Error> {
    let events: Vec<_> = ids.iter().copied().map(event_with).collect();
    let written = client.append_to_stream(STREAM, &appending(expected), events).await?;
    assert_eq!(written.position.commit, written.position.prepare);
    Ok((written.next_expected_version, written.position.commit))
}

pub(super) fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::new_v4()).collect()
}

fn current_revision(result: Result<(u64, u64), Error>) -> CurrentRevision {
    match result {
        Err(Error::WrongExpectedVersion { current, .. }) => current,
        other => panic!("a wrong expected version, not {other:?}"),
    }
}

fn versioned(metadata: StreamMetadataResult) -> Box<VersionedMetadata> {
    match metadata {
        StreamMetadataResult::Success(metadata) => metadata,
        other => panic!("metadata, not {other:?}"),
    }
}

pub(super) async fn next(subscription: &mut Subscription) -> ResolvedEvent {
    within_limit(subscription.next()).await.expect("an event")
}

pub(super) async fn next_frame(subscription: &mut Subscription) -> SubscriptionEvent {
    let frame = within_limit(subscription.next_subscription_event()).await;
    frame.expect("a frame")
}

#[tokio::test]
async fn events_come_back_as_they_were_written() {
    let (_server, client) = connected().await;
    let json = EventData::json("Created", &serde_json::json!({ "a": 1 })).expect("valid JSON");
    let json = json.metadata(Bytes::from_static(b"meta"));
    let options = appending(Expected::NoStream);
    let written = client.append_to_stream("s", &options, vec![json, event()]).await.expect("written");
    assert_eq!(written.next_expected_version, 1);

    let events = read(&client, "s").await;
    let [first, second] = &*events else { panic!("two events, not {events:?}") };
    assert_eq!((first.revision, second.revision), (0, 1));
    assert_eq!(first.event_type, "Created");
    assert_eq!(&first.data[..], br#"{"a":1}"#);
    assert_eq!(&first.custom_metadata[..], b"meta");
    assert!(first.is_json && !second.is_json);
    assert_eq!(written.position, second.position);
    assert!(first.position < second.position);
    let ticks: u128 = first.metadata["created"].parse().expect("a number");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_nanos() / 100;
    assert!(ticks <= now && now - ticks < 600_000_000, "{ticks} is not about now");
}

#[tokio::test]
async fn an_append_waits_for_a_delayed_acknowledgement_only_in_strict_mode() {
    let (_server, client) = connected().await;
    append(&client, Expected::Any, &ids(1)).await.expect("written");
    let (mut fastest, mut slowest) = (Duration::MAX, Duration::ZERO);
    for _ in 0..20 {
        let start = Instant::now();
        append(&client, Expected::Any, &ids(1)).await.expect("written");
        fastest = fastest.min(start.elapsed());
        slowest = slowest.max(start.elapsed());
    }
    if !STRICT {
        assert!(fastest < Duration::from_millis(30), "{fastest:?}");
    } else if cfg!(target_os = "linux") {
        assert!(slowest > Duration::from_millis(30), "{slowest:?}");
    }
}

#[tokio::test]
async fn a_retry_with_an_exact_revision_is_written_once() {
    let mut server = TestServer::start().await;
    let first = ids(2);
    let second = ids(2);
    let client = connect(&server).await;
    let written = append(&client, Expected::NoStream, &first).await.expect("written");
    let later = append(&client, exactly(1), &second).await.expect("written");

    assert_eq!(append(&client, Expected::NoStream, &first).await.ok(), Some(written));
    assert_eq!(append(&client, exactly(1), &second).await.ok(), Some(later));
    server.restart().await;
    let client = connect(&server).await;
    assert_eq!(append(&client, exactly(1), &second).await.ok(), Some(later));
    let first_position = read(&client, STREAM).await[0].position.commit;
    assert_eq!(append(&client, Expected::NoStream, &first[..1]).await.ok(), Some((0, first_position)));

    let beyond = [second[0], second[1], Uuid::new_v4()];
    let wrong = append(&client, exactly(1), &beyond).await;
    assert_eq!(current_revision(wrong), CurrentRevision::Current(3));
    assert_eq!(read(&client, STREAM).await.len(), 4);
}

#[tokio::test]
async fn the_expected_revision_alone_lets_a_known_id_in_again() {
    let (_server, client) = connected().await;
    let id = ids(1);
    append(&client, Expected::NoStream, &id).await.expect("written");
    let again = append(&client, exactly(0), &id).await.expect("written again");
    assert_eq!(again.0, 1);
    assert_eq!(read(&client, STREAM).await.len(), 2);
}

#[tokio::test]
async fn a_retry_with_any_revision_is_known_by_its_ids() {
    let (_server, client) = connected().await;
    let known = ids(3);
    let written = append(&client, Expected::Any, &known).await.expect("written");
    assert_eq!(append(&client, Expected::Any, &known).await.ok(), Some(written));

    let first_known = [known[0], Uuid::new_v4()];
    let wrong = append(&client, Expected::Any, &first_known).await;
    assert_eq!(current_revision(wrong), CurrentRevision::Current(2));

    let later_known = [Uuid::new_v4(), known[0]];
    let accepted = append(&client, Expected::Any, &later_known).await.expect("written");
    assert_eq!(accepted.0, 4);
    let other = vec![event_with(known[0])];
    for revision in 0..2 {
        let options = appending(Expected::Any);
        let written = client.append_to_stream("other", &options, other.clone()).await;
        assert_eq!(written.expect("written").next_expected_version, revision);
    }
}

#[tokio::test]
async fn a_wrong_revision_names_the_current_one() {
    let (_server, client) = connected().await;
    for expected in [exactly(0), Expected::StreamExists] {
        let wrong = append(&client, expected, &ids(1)).await;
        assert_eq!(current_revision(wrong), CurrentRevision::NoStream);
    }
    append(&client, Expected::NoStream, &ids(3)).await.expect("written");
    for expected in [exactly(1), exactly(7), Expected::NoStream] {
        let wrong = append(&client, expected, &ids(1)).await;
        assert_eq!(current_revision(wrong), CurrentRevision::Current(2));
    }
    append(&client, Expected::StreamExists, &ids(1)).await.expect("written");
}

#[tokio::test]
async fn concurrent_writers_with_exact_revisions_take_turns() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(1)).await.expect("written");
    let writer = |client: Client| async move {
        let mut expected = 0;
        for _ in 0..20 {
            let id = ids(1);
            loop {
                match append(&client, exactly(expected), &id).await {
                    Ok((revision, _)) => {
                        expected = revision;
                        break;
                    }
                    wrong => match current_revision(wrong) {
                        CurrentRevision::Current(revision) => expected = revision,
                        CurrentRevision::NoStream => panic!("the stream exists"),
                    },
                }
            }
        }
    };
    let writers = (0..5).map(|_| tokio::spawn(writer(client.clone())));
    for done in within_limit(futures::future::join_all(writers)).await {
        done.expect("no panic");
    }
    let events = read(&client, STREAM).await;
    let revisions: Vec<_> = events.iter().map(|event| event.revision).collect();
    assert_eq!(revisions, (0..=100).collect::<Vec<_>>());
    let positions = events.windows(2).all(|pair| pair[0].position < pair[1].position);
    assert!(positions, "positions increase");
}

#[tokio::test]
async fn a_deleted_stream_can_be_written_to_again() {
    let (_server, client) = connected().await;
    let missing = client.delete_stream(STREAM, &deleting(Expected::Any)).await;
    assert!(matches!(missing, Err(Error::Grpc { .. })), "{missing:?}");
    append(&client, Expected::NoStream, &ids(2)).await.expect("written");
    let metadata = StreamMetadataBuilder::new().max_count(100).build();
    let options = appending(Expected::Any);
    client.set_stream_metadata(STREAM, &options, &metadata).await.expect("written");

    let wrong = client.delete_stream(STREAM, &deleting(exactly(0))).await;
    assert!(matches!(wrong, Err(Error::Grpc { .. })), "{wrong:?}");
    client.delete_stream(STREAM, &deleting(exactly(1))).await.expect("deleted");
    client.delete_stream(STREAM, &deleting(Expected::Any)).await.expect("deleted again");
    let exists = client.delete_stream(STREAM, &deleting(Expected::StreamExists)).await;
    assert!(matches!(exists, Err(Error::ResourceDeleted)), "{exists:?}");
    let options = ReadStreamOptions::default();
    let mut events = client.read_stream(STREAM, &options).await.expect("a read");
    assert!(matches!(events.next().await, Err(Error::ResourceNotFound)));

    let recreated = append(&client, Expected::NoStream, &ids(2)).await.expect("written");
    assert_eq!(recreated.0, 3);
    let revisions: Vec<_> = read(&client, STREAM).await.iter().map(|event| event.revision).collect();
    assert_eq!(revisions, [2, 3]);
    let metadata = client.get_stream_metadata(STREAM, &options).await.expect("metadata");
    let metadata: serde_json::Value = serde_json::to_value(versioned(metadata).metadata()).expect("JSON");
    assert_eq!(metadata["$tb"], 2, "{metadata}");
    let hidden = read_all(&client, ReadAllOptions::default()).await;
    assert_eq!(hidden.iter().filter(|event| stream_of(event) == STREAM).count(), 4);
}

#[tokio::test]
async fn metadata_on_a_deleted_stream_keeps_its_old_events_hidden() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(2)).await.expect("written");
    client.delete_stream(STREAM, &deleting(Expected::Any)).await.expect("deleted");
    let metadata = StreamMetadataBuilder::new().truncate_before(i64::MAX as u64).build();
    let options = appending(Expected::Any);
    client.set_stream_metadata(STREAM, &options, &metadata).await.expect("written");
    let events = read(&client, "$$flight-stream").await;
    let [newest] = &*events else { panic!("only the newest, not {events:?}") };
    assert_eq!(newest.revision, 2);
    assert_eq!(&newest.data[..], br#"{"$tb":2}"#);
    assert!(read(&client, STREAM).await.is_empty());
}

#[tokio::test]
async fn metadata_limits_what_is_read() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(10)).await.expect("written");
    let visible = async |metadata: StreamMetadataBuilder| {
        let options = appending(Expected::Any);
        let metadata = metadata.build();
        client.set_stream_metadata(STREAM, &options, &metadata).await.expect("written");
        let events = read(&client, STREAM).await;
        events.iter().map(|event| event.revision).collect::<Vec<_>>()
    };
    assert_eq!(visible(StreamMetadataBuilder::new().max_count(2)).await, [8, 9]);
    assert_eq!(visible(StreamMetadataBuilder::new().truncate_before(7)).await, [7, 8, 9]);
    let hour = Duration::from_secs(3600);
    assert_eq!(visible(StreamMetadataBuilder::new().max_age(hour)).await.len(), 10);
    let newest = client.get_stream_metadata(STREAM, &ReadStreamOptions::default()).await;
    assert_eq!(versioned(newest.expect("metadata")).version(), 2);
    assert_eq!(visible(StreamMetadataBuilder::new()).await.len(), 10);
}

#[tokio::test]
async fn a_tombstoned_stream_is_gone_for_good() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(1)).await.expect("written");
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream(STREAM, &options).await;
    next(&mut subscription).await;
    let metadata = StreamMetadataBuilder::new().max_count(1).build();
    let any = appending(Expected::Any);
    client.set_stream_metadata(STREAM, &any, &metadata).await.expect("written");
    client.tombstone_stream(STREAM, &tombstoning(exactly(0))).await.expect("gone");
    let last = next(&mut subscription).await;
    assert_eq!(last.get_original_event().event_type, "$streamDeleted");
    assert_eq!(last.get_original_event().revision, i64::MAX as u64);
    let end = within_limit(subscription.next()).await;
    assert!(matches!(end, Err(Error::ResourceDeleted)), "{end:?}");

    let refused = append(&client, Expected::Any, &ids(1)).await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
    let refused = client.tombstone_stream(STREAM, &tombstoning(Expected::Any)).await;
    assert!(matches!(refused, Err(Error::ResourceDeleted)), "{refused:?}");
    let options = ReadStreamOptions::default();
    for stream in [STREAM, "$$flight-stream"] {
        let read = client.read_stream(stream, &options).await.map(drop);
        assert!(matches!(read, Err(Error::ResourceDeleted)), "{read:?}");
    }
    let found = client.get_stream_metadata(STREAM, &options).await;
    assert!(matches!(found, Err(Error::ResourceDeleted)), "{found:?}");
    client.set_stream_metadata(STREAM, &any, &metadata).await.expect("the writer knows it");
}

#[tokio::test]
async fn a_batch_session_keeps_order_and_tells_a_wrong_revision() {
    let (_server, client) = connected().await;
    let options = BatchAppendOptions::default();
    let session = client.batch_append(&options).await.expect("a session");
    let appends = (0..50u64).map(|number| {
        let expected = number.checked_sub(1).map_or(Expected::NoStream, exactly);
        session.append_to_stream(STREAM, expected, vec![event()])
    });
    for (revision, written) in (0..).zip(within_limit(futures::future::join_all(appends)).await) {
        let written = written.expect("written");
        assert_eq!(written.current_revision(), Some(revision));
        assert!(written.current_position().is_some_and(|position| position.commit > 0));
    }
    let wrong = within_limit(session.append_to_stream(STREAM, exactly(7), vec![event()])).await;
    assert!(wrong.is_err(), "{wrong:?}");
    assert_eq!(read(&client, STREAM).await.len(), 50);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_what_fits_is_not() {
    const LIMIT: usize = 1024 * 1024;
    let (_server, client) = connected().await;
    let sized = |size| EventData::binary("T", Bytes::from(vec![0; size]));
    let options = appending(Expected::Any);
    client.append_to_stream(STREAM, &options, sized(LIMIT - 2)).await.expect("it fits");
    for size in [LIMIT - 1, 5 * LIMIT] {
        let refused = client.append_to_stream(STREAM, &options, sized(size)).await;
        assert!(matches!(refused, Err(Error::Grpc { .. })), "{refused:?}");
    }
    assert_eq!(read(&client, STREAM).await.len(), 1);
}

#[tokio::test]
async fn there_are_no_persistent_subscriptions() {
    let (_server, client) = connected().await;
    let options = Default::default();
    let listed = client.list_all_persistent_subscriptions(&options).await;
    assert!(listed.expect("a list").is_empty());
    let created = client.create_persistent_subscription(STREAM, "group", &Default::default()).await;
    assert!(created.is_err());
}
