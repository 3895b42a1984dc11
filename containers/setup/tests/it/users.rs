use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use shared_eventstore_protocol::client::Empty;
use shared_eventstore_protocol::streams::append_req::Options;
use shared_eventstore_protocol::streams::append_req::options::ExpectedStreamRevision;
use shared_eventstore_protocol::streams::streams_client::StreamsClient;
use shared_eventstore_protocol::streams::{DeleteReq, TombstoneReq};
use shared_infrastructure::event_store::{EventMetadata, EventStore, ProposedEvent};
use tempfile::{TempDir, tempdir};
use tokio::task::spawn_blocking;
use tonic::Request;
use uuid::Uuid;

use crate::event_store::{ADMIN_PASSWORD, FakeEventStore};
use crate::setup;

const SERVICES: [&str; 6] =
    ["flight-api", "flight-processor", "passenger-api", "passenger-processor", "auditlog-api", "verify"];
const STREAMS: [&str; 4] = ["flight-stream", "passenger-stream", "refusals", "another"];

struct Installation {
    folder: TempDir,
    address: SocketAddr,
    event_store: FakeEventStore,
}

impl Installation {
    async fn new() -> Self {
        let (event_store, address) = FakeEventStore::start().await;
        let folder = tempdir().unwrap();
        for name in SERVICES {
            fs::write(folder.path().join(name), password_of(name)).unwrap();
        }
        fs::write(folder.path().join("admin"), ADMIN_PASSWORD).unwrap();
        Self { folder, address, event_store }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    async fn setup(&self) -> Result<String, String> {
        let address = format!("esdb://{}?tls=false", self.address);
        let admin = self.file("admin");
        let mut arguments: Vec<String> = ["users", "--event-store", &address, "--event-store-user", "admin"]
            .into_iter()
            .chain(["--event-store-password-file", &admin])
            .map(str::to_owned)
            .collect();
        arguments.extend(SERVICES.map(|name| format!("--user={name}={}", self.file(name))));
        let running = spawn_blocking(move || setup(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
        running.await.unwrap()
    }

    fn store_as(&self, name: &str) -> EventStore {
        EventStore::new(&format!("esdb://{name}:{}@{}?tls=false", password_of(name), self.address)).unwrap()
    }

    /// What a user may do with a stream: read it, append to it, read and write its metadata, delete it.
    async fn rights(&self, name: &str, stream: &'static str) -> String {
        let store = self.store_as(name);
        let written_by = EventMetadata::unasked(name, 1);
        let event = |event_type, data: &'static str| ProposedEvent {
            id: Uuid::now_v7(),
            event_type,
            data: Bytes::from_static(data.as_bytes()),
            metadata: written_by.clone(),
        };
        let metadata = format!("$${stream}");
        let append = async |stream: String, event| {
            let limit = Duration::from_secs(5);
            store.appender(stream).append_anywhere(vec![event], limit).await.is_ok()
        };
        let may = [
            ('r', store.last_event(stream).await.is_ok()),
            ('a', append(stream.to_owned(), event("Something", "{}")).await),
            ('m', store.last_event(&metadata).await.is_ok()),
            ('w', append(metadata.clone(), event("$metadata", "{}")).await),
            ('d', self.may_delete(name, stream).await),
        ];
        may.into_iter().filter_map(|(right, may)| may.then_some(right)).collect()
    }

    async fn may_delete(&self, name: &str, stream: &str) -> bool {
        let mut client = StreamsClient::connect(format!("http://{}", self.address)).await.unwrap();
        let authorization = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{}", password_of(name))));
        let options = Some(Options {
            stream_identifier: Some(stream.into()),
            expected_stream_revision: Some(ExpectedStreamRevision::Any(Empty {})),
        });
        let mut delete = Request::new(DeleteReq { options: options.clone() });
        let mut tombstone = Request::new(TombstoneReq { options });
        for metadata in [delete.metadata_mut(), tombstone.metadata_mut()] {
            metadata.insert("authorization", authorization.parse().unwrap());
        }
        client.delete(delete).await.is_ok() || client.tombstone(tombstone).await.is_ok()
    }
}

fn password_of(name: &str) -> String {
    format!("the-long-secret-of-{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_may_do_what_it_needs_and_no_more() {
    let installation = Installation::new().await;
    let done = installation.setup().await.unwrap();
    assert_eq!(done.lines().next(), Some("rights: given"));
    assert_eq!(done.matches(": made").count(), SERVICES.len(), "{done}");

    for (name, expected) in [
        ("flight-api", ["ram", "", "am", ""]),
        ("flight-processor", ["rm", "", "", ""]),
        ("passenger-api", ["", "ram", "am", ""]),
        ("passenger-processor", ["", "rm", "", ""]),
        ("auditlog-api", ["rm", "rm", "rm", ""]),
        ("verify", ["rm", "rm", "", ""]),
    ] {
        for (stream, expected) in STREAMS.into_iter().zip(expected) {
            assert_eq!(installation.rights(name, stream).await, expected, "{name} and {stream}");
        }
        let follows_all = installation.store_as(name).subscribe_to_all(&["flight-stream"], None).await.is_ok();
        assert_eq!(follows_all, name == "auditlog-api", "{name} and $all");
    }
    assert_eq!(installation.rights("admin", "another").await, "", "nobody without the password");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_kept() {
    let installation = Installation::new().await;
    installation.setup().await.unwrap();
    let metadata = installation.event_store.newest("$$refusals").unwrap();
    assert_eq!(metadata["$maxAge"], 90 * 24 * 60 * 60, "{metadata}");

    let before = installation.event_store.events();
    let done = installation.setup().await.unwrap();
    assert_eq!(done.matches(": kept").count(), 1 + SERVICES.len(), "{done}");
    assert_eq!(installation.event_store.events(), before, "nothing is written");

    fs::write(installation.file("verify"), "another-long-secret-of-verify").unwrap();
    let done = installation.setup().await.unwrap();
    assert!(done.contains("user verify: has this password now"), "{done}");
    assert_eq!(done.matches(": kept").count(), SERVICES.len(), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_administrator_is_told_so() {
    let installation = Installation::new().await;
    fs::write(installation.file("admin"), "not-that-of-the-administrator").unwrap();
    let error = installation.setup().await.unwrap_err();
    assert!(error.contains("cannot say who may do what with flight-stream"), "{error}");
    assert!(error.contains("does not know the user or the password"), "{error}");
    assert!(!error.contains("not-that-of"), "{error}");
}

#[test]
fn only_services_that_use_the_event_store_have_users() {
    for (user, words) in [
        ("gateway=/x", "is not for a service that uses the event store: flight-api, "),
        ("flight-api", "must be like NAME=FILE"),
        ("flight-api=", "must be like NAME=FILE"),
    ] {
        let error = setup(&["users", "--event-store", "esdb://nowhere:1", "--user", user]).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let absent = Path::new("/nonexistent/password").display().to_string();
    let user = format!("--user=verify={absent}");
    let error = setup(&["users", "--event-store", "esdb://nowhere:1", &user]).unwrap_err();
    assert!(error.contains(&absent), "{error}");
}
