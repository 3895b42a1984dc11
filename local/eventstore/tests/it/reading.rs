//! How an application reads and subscribes, the same with either client.

use bytes::Bytes;
use uuid::Uuid;

use super::db::{
    EventData, Position, ReadAllOptions, ReadStreamOptions, RecordedEvent, RetryOptions, StreamPosition,
    SubscribeToAllOptions, SubscribeToStreamOptions, SubscriptionEvent, SubscriptionFilter,
};
use super::scenarios::{STREAM, append, connected, event, ids, next, next_frame, read_all};
use super::{Expected, appending, connect, exactly, is_caught_up, stream_of};
use crate::STRICT;
use crate::support::{TestServer, within_limit};

#[tokio::test]
async fn all_is_read_in_one_order_in_both_directions() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(600)).await.expect("written");
    let last = append(&client, Expected::Any, &ids(3)).await.expect("written");

    let forwards = read_all(&client, ReadAllOptions::default()).await;
    assert!(forwards[0].position.commit > 0);
    assert!(forwards[0].event_type.starts_with('$'), "a system event comes first");
    assert_eq!(forwards.len(), 604);
    assert!(forwards.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(forwards[603].position.commit, last.1);

    let end = ReadAllOptions::default().backwards().position(StreamPosition::End);
    let mut backwards = read_all(&client, end).await;
    backwards.reverse();
    let positions = |events: &[RecordedEvent]| -> Vec<Position> { events.iter().map(|event| event.position).collect() };
    assert_eq!(positions(&backwards), positions(&forwards));

    let at = forwards[10].position;
    let from = ReadAllOptions::default().position(StreamPosition::Position(at));
    assert_eq!(read_all(&client, from).await[0].position, at);
    let before = ReadAllOptions::default().backwards().position(StreamPosition::Position(at));
    assert_eq!(read_all(&client, before).await[0].position, forwards[9].position);
    let none = ReadAllOptions::default().position(StreamPosition::Start).backwards();
    assert!(read_all(&client, none).await.is_empty());
}

#[tokio::test]
async fn a_stream_is_read_from_where_it_is_asked() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(50)).await.expect("written");
    let revisions = async |options: ReadStreamOptions| {
        let mut events = client.read_stream(STREAM, &options).await.expect("a read");
        let mut found = Vec::new();
        while let Some(event) = events.next().await.expect("an event") {
            found.push(event.get_original_event().revision);
        }
        found
    };
    let options = ReadStreamOptions::default;
    let at = |revision| StreamPosition::Position(revision);
    assert_eq!(revisions(options().position(at(48)).max_count(5)).await, [48, 49]);
    assert_eq!(revisions(options().position(at(99)).max_count(5)).await, [0; 0]);
    assert_eq!(revisions(options().position(at(40)).max_count(3)).await, [40, 41, 42]);
    let backwards = || options().backwards().max_count(2);
    assert_eq!(revisions(backwards().position(at(3))).await, [3, 2]);
    assert_eq!(revisions(backwards().position(at(99))).await, [49, 48]);
    assert_eq!(revisions(backwards().position(StreamPosition::End)).await, [49, 48]);
    assert_eq!(revisions(options().max_count(2).position(StreamPosition::Start).backwards()).await, [0]);
    let whole = revisions(options().max_count(usize::MAX)).await;
    assert_eq!(whole, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn links_bring_what_they_point_at() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(1)).await.expect("written");
    let link = |target: &'static str| EventData::binary("$>", Bytes::from_static(target.as_bytes()));
    let links = vec![link("0@flight-stream"), link("7@flight-stream")];
    client.append_to_stream("links", &appending(Expected::Any), links).await.expect("written");

    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start).resolve_link_tos();
    let mut subscription = client.subscribe_to_stream("links", &options).await;
    let resolved = next(&mut subscription).await;
    assert_eq!(resolved.event.as_ref().map(stream_of), Some(STREAM));
    assert_eq!(stream_of(resolved.get_original_event()), "links");
    let broken = next(&mut subscription).await;
    assert!(broken.event.is_none() && broken.link.is_some());
    let more = vec![link("0@flight-stream")];
    client.append_to_stream("links", &appending(Expected::Any), more).await.expect("written");
    let live = next(&mut subscription).await;
    assert_eq!(live.event.as_ref().map(stream_of), Some(STREAM));
    assert_eq!(live.link.map(|link| link.revision), Some(2));
}

#[tokio::test]
async fn a_subscription_misses_nothing_between_catching_up_and_live() {
    // Each append takes far longer in strict mode.
    const EVENTS: u64 = if STRICT { 600 } else { 1500 };
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(500)).await.expect("written");
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for _ in 500..EVENTS {
                append(&client, Expected::Any, &ids(1)).await.expect("written");
            }
        }
    });
    let start = StreamPosition::Start;
    let stream = SubscribeToStreamOptions::default().start_from(start);
    let all = SubscribeToAllOptions::default()
        .position(StreamPosition::Start)
        .filter(SubscriptionFilter::on_stream_name().add_prefix("flight-"));
    for _ in 0..3 {
        let mut from_stream = client.subscribe_to_stream(STREAM, &stream).await;
        let mut from_all = client.subscribe_to_all(&all).await;
        for revision in 0..EVENTS / 2 {
            let event = next(&mut from_stream).await;
            assert_eq!(event.get_original_event().revision, revision);
            let event = next(&mut from_all).await;
            assert_eq!(event.get_original_event().revision, revision);
        }
    }
    let mut to_the_end = client.subscribe_to_stream(STREAM, &stream).await;
    for revision in 0..EVENTS {
        assert_eq!(next(&mut to_the_end).await.get_original_event().revision, revision);
    }
    within_limit(writer).await.expect("no panic");
}

#[tokio::test]
async fn a_subscription_begins_after_its_start() {
    let (_server, client) = connected().await;
    append(&client, Expected::NoStream, &ids(2)).await.expect("written");
    let third = append(&client, exactly(1), &ids(1)).await.expect("written");
    let stream = |start| SubscribeToStreamOptions::default().start_from(start);
    let at = stream(StreamPosition::Position(1));
    let mut after_second = client.subscribe_to_stream(STREAM, &at).await;
    assert_eq!(next(&mut after_second).await.get_original_event().revision, 2);

    let mut from_end = client.subscribe_to_stream(STREAM, &stream(StreamPosition::End)).await;
    let mut missing = client.subscribe_to_stream("later", &stream(StreamPosition::Start)).await;
    let beyond = stream(StreamPosition::Position(3));
    let mut beyond_end = client.subscribe_to_stream(STREAM, &beyond).await;
    let position = Position { commit: third.1, prepare: third.1 };
    let at = SubscribeToAllOptions::default().position(StreamPosition::Position(position));
    let mut all = client.subscribe_to_all(&at).await;
    for subscription in [&mut from_end, &mut missing, &mut beyond_end, &mut all] {
        assert!(
            matches!(next_frame(subscription).await, SubscriptionEvent::Confirmed(id) if Uuid::parse_str(&id).is_ok())
        );
        assert!(is_caught_up(&next_frame(subscription).await));
    }
    append(&client, exactly(2), &ids(2)).await.expect("written");
    client.append_to_stream("later", &appending(Expected::Any), event()).await.expect("written");
    assert_eq!(next(&mut from_end).await.get_original_event().revision, 3);
    assert_eq!(next(&mut beyond_end).await.get_original_event().revision, 4);
    assert_eq!(next(&mut all).await.get_original_event().revision, 3);
    assert_eq!(next(&mut missing).await.get_original_event().revision, 0);
}

#[tokio::test]
async fn a_filter_may_look_ahead() {
    let (_server, client) = connected().await;
    for stream in ["flight-a", "$system", "hotel"] {
        let options = appending(Expected::Any);
        client.append_to_stream(stream, &options, event()).await.expect("written");
    }
    let without_system = SubscriptionFilter::on_stream_name().regex(r"^(?!(\$.+)|(hot\w+)$).*");
    let types = SubscriptionFilter::on_event_type().add_prefix("Hap").exclude_system_events();
    for (filter, expected) in [(without_system, vec!["flight-a"]), (types, vec!["flight-a", "$system", "hotel"])] {
        let options = SubscribeToAllOptions::default().position(StreamPosition::Start).filter(filter);
        let mut subscription = client.subscribe_to_all(&options).await;
        let mut found = Vec::new();
        loop {
            match next_frame(&mut subscription).await {
                SubscriptionEvent::EventAppeared(event) => {
                    found.push(event.get_original_stream_id().to_owned());
                }
                frame if is_caught_up(&frame) => break,
                _ => {}
            }
        }
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn shutdown_ends_a_subscription_with_an_error_and_a_restart_resumes_it() {
    let mut server = TestServer::start().await;
    let client = connect(&server).await;
    append(&client, Expected::NoStream, &ids(1)).await.expect("written");
    let start = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let forever = start.clone().retry_options(RetryOptions::default().retry_forever());
    let mut once = client.subscribe_to_stream(STREAM, &start).await;
    let mut always = client.subscribe_to_stream(STREAM, &forever).await;
    next(&mut once).await;
    next(&mut always).await;
    let resumed = tokio::spawn(async move { next(&mut always).await.get_original_event().revision });
    let (ended, ()) = tokio::join!(within_limit(once.next()), server.stop());
    assert!(ended.is_err(), "{ended:?}");

    server.start_again().await;
    let client = connect(&server).await;
    append(&client, exactly(0), &ids(1)).await.expect("written");
    assert_eq!(within_limit(resumed).await.expect("no panic"), 1);
}
