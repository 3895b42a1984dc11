//! The server's own messages and a bare client, for what real clients hide.

#![allow(clippy::all, unreachable_pub, dead_code)]

include!(concat!(env!("OUT_DIR"), "/proto.rs"));

use event_store::client::Empty;
use event_store::client::streams::{self, append_req, batch_append_req, read_req};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use shared_eventstore_protocol::client::{StreamIdentifier, Uuid as ProtoUuid, uuid::Value};
use streams::streams_client::StreamsClient;
use tonic::transport::{Channel, Endpoint};

pub(crate) async fn channel(server: &crate::support::TestServer) -> Channel {
    channel_to(server.address()).await
}

pub(crate) async fn channel_to(address: std::net::SocketAddr) -> Channel {
    let endpoint = Endpoint::try_from(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("a connection")
}

pub(crate) type Client = StreamsClient<Channel>;

pub(crate) async fn client(server: &crate::support::TestServer) -> StreamsClient<Channel> {
    StreamsClient::new(channel(server).await)
}

/// A client that holds back the server soon when it does not read.
pub(crate) async fn client_with_small_window(server: &crate::support::TestServer) -> StreamsClient<Channel> {
    let endpoint = Endpoint::try_from(format!("http://{}", server.address())).expect("an address");
    let endpoint = endpoint.initial_stream_window_size(16 * 1024);
    StreamsClient::new(endpoint.connect().await.expect("a connection"))
}

/// A client that sends a deadline and leaves it to the server to keep it.
pub(crate) fn client_without_clock(
    server: &crate::support::TestServer,
) -> StreamsClient<hyper_util::client::legacy::Client<HttpConnector, tonic::body::Body>> {
    let transport = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let origin = format!("http://{}", server.address());
    StreamsClient::with_origin(transport, origin.parse().expect("an address"))
}

pub(crate) fn identifier(stream: &str) -> Option<StreamIdentifier> {
    let stream_name = stream.to_owned().into();
    Some(StreamIdentifier { stream_name })
}

pub(crate) fn id(id: uuid::Uuid) -> Option<ProtoUuid> {
    let value = Some(Value::String(id.to_string()));
    Some(ProtoUuid { value })
}

pub(crate) fn proposed(data: &'static [u8]) -> streams::ProposedMessage {
    let metadata = [("type", "T"), ("content-type", "application/json"), ("other", "dropped")];
    streams::ProposedMessage {
        id: id(uuid::Uuid::new_v4()),
        metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        custom_metadata: bytes::Bytes::new(),
        data: data.into(),
    }
}

pub(crate) fn append_options(
    stream: &str,
    expected: append_req::options::ExpectedStreamRevision,
) -> append_req::Options {
    append_req::Options { stream_identifier: identifier(stream), expected_stream_revision: Some(expected) }
}

/// The messages of an append.
pub(crate) fn append(
    stream: &str,
    expected: append_req::options::ExpectedStreamRevision,
    events: Vec<streams::ProposedMessage>,
) -> impl futures::Stream<Item = streams::AppendReq> + Send + 'static {
    use append_req::Content;
    let options = Content::Options(append_options(stream, expected));
    let events = events.into_iter().map(Content::ProposedMessage);
    let contents = std::iter::once(options).chain(events);
    let messages: Vec<_> = contents.map(|content| streams::AppendReq { content: Some(content) }).collect();
    futures::stream::iter(messages)
}

/// A write of a batch, in one fragment.
pub(crate) fn batch(
    correlation_id: uuid::Uuid,
    stream: &str,
    expected: batch_append_req::options::ExpectedStreamPosition,
    events: Vec<streams::ProposedMessage>,
) -> streams::BatchAppendReq {
    streams::BatchAppendReq {
        correlation_id: id(correlation_id),
        options: Some(batch_append_req::Options {
            stream_identifier: identifier(stream),
            expected_stream_position: Some(expected),
            deadline_option: None,
        }),
        proposed_messages: events,
        is_final: true,
    }
}

/// A subscription to all events.
pub(crate) fn subscribe_to_all(filter: Option<read_req::FilterOptions>) -> read_req::Options {
    use read_req::options::{CountOption, FilterOption, StreamOption};
    read_req::Options {
        stream_option: Some(StreamOption::All(read_req::AllOptions {
            all_option: Some(read_req::all_options::AllOption::Start(Empty {})),
        })),
        read_direction: 0,
        resolve_links: false,
        count_option: Some(CountOption::Subscription(Empty {})),
        filter_option: Some(filter.map_or(FilterOption::NoFilter(Empty {}), FilterOption::Filter)),
        uuid_option: Some(read_req::UuidOption { content: Some(read_req::uuid_option::Content::String(Empty {})) }),
        control_option: None,
    }
}

/// A read of `$all` from this commit and prepare position, forwards (0) or backwards (1).
pub(crate) fn read_all(start: (u64, u64), direction: i32, count: u64) -> read_req::Options {
    let count_option = Some(read_req::options::CountOption::Count(count));
    read_req::Options { read_direction: direction, count_option, ..subscribe_from(start) }
}

/// A subscription to all events after this commit and prepare position.
pub(crate) fn subscribe_from((commit_position, prepare_position): (u64, u64)) -> read_req::Options {
    let position = streams::Position { commit_position, prepare_position };
    let start = read_req::all_options::AllOption::Position(position);
    read_req::Options { stream_option: Some(all_option(Some(start))), ..subscribe_to_all(None) }
}

pub(crate) fn all_option(start: Option<read_req::all_options::AllOption>) -> read_req::options::StreamOption {
    read_req::options::StreamOption::All(read_req::AllOptions { all_option: start })
}

pub(crate) fn stream_option(
    stream: &str,
    start: Option<read_req::stream_options::RevisionOption>,
) -> read_req::options::StreamOption {
    read_req::options::StreamOption::Stream(read_req::StreamOptions {
        stream_identifier: identifier(stream),
        revision_option: start,
    })
}

/// The event itself in an encoded `ReadEvent`.
pub(crate) fn recorded(event: &[u8]) -> streams::RecordedEvent {
    let event = <streams::ReadEvent as prost::Message>::decode(event).expect("an event");
    event.event.expect("itself")
}

/// A read of a stream.
pub(crate) fn read_stream(stream: &str, revision: u64, count: u64) -> read_req::Options {
    use read_req::options::{CountOption, StreamOption};
    read_req::Options {
        stream_option: Some(StreamOption::Stream(read_req::StreamOptions {
            stream_identifier: identifier(stream),
            revision_option: Some(read_req::stream_options::RevisionOption::Revision(revision)),
        })),
        count_option: Some(CountOption::Count(count)),
        control_option: Some(read_req::ControlOption { compatibility: 1 }),
        ..subscribe_to_all(None)
    }
}

pub(crate) fn read_req(options: read_req::Options) -> streams::ReadReq {
    streams::ReadReq { options: Some(options) }
}
