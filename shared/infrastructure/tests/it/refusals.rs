//! Recording refused commands.

use std::time::{Duration, Instant};

use jetbridge_testing::{Right, TestEventStore, TestProxy, eventually};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared_infrastructure::event_store::{EventStore, Recorded};
use shared_infrastructure::refusals::{REFUSALS, RefusalLog, Refused};
use shared_kernel::Revision;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::bank::{LIMIT, context};

const METADATA: &str = "$$refusals";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A service that records refused commands.
struct Service {
    log: RefusalLog,
    running: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Service {
    fn start(address: &str, keep_for: Duration) -> Self {
        let event_store = EventStore::new(address).unwrap();
        let (log, recorder) = RefusalLog::new(&event_store, "gate-api".to_owned(), keep_for);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(recorder.run(shutdown.clone()));
        Self { log, running, shutdown }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }
}

fn refused(gate: Uuid) -> Refused {
    Refused {
        command: "POST /api/gates/{id}/close".to_owned(),
        things: vec![("gateId", gate)],
        problem: "gate-closed",
        status: 409,
        cause: context().cause,
        at: Timestamp::now(),
    }
}

async fn recorded(store: &TestEventStore, stream: &str) -> Vec<Recorded> {
    let event_store = EventStore::new(store.connection_string()).unwrap();
    event_store.read_forwards(stream, Revision(0), 10_000).await.unwrap()
}

fn json_of(event: &Recorded) -> Value {
    serde_json::from_slice(&event.data).unwrap()
}

/// How many commands the events of a service stand for: those that were recorded, and those that were left out.
fn counted(events: &[Recorded]) -> (u64, u64) {
    let of_type = |event_type| events.iter().filter(move |event| event.event_type == event_type);
    let left_out = of_type("RefusalsNotRecorded").map(|event| json_of(event)["count"].as_u64().unwrap());
    (of_type("CommandRefused").count() as u64, left_out.sum())
}

#[tokio::test]
async fn a_refused_command_is_recorded_with_what_it_was_and_who_asked() {
    let store = TestEventStore::start().await;
    let service = Service::start(store.connection_string(), DAY);
    let (gate, before) = (Uuid::now_v7(), Timestamp::now());
    let noted = refused(gate);
    service.log.note(noted.clone());
    service.stop().await;
    let events = recorded(&store, REFUSALS.name).await;
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.event_type, "CommandRefused");
    let mut data = json_of(event);
    let at: Timestamp = data["refusedAt"].take().as_str().unwrap().parse().unwrap();
    assert!(before <= at && at <= Timestamp::now());
    let expected = json!({
        "command": "POST /api/gates/{id}/close",
        "gateId": gate,
        "problem": "gate-closed",
        "refusedAt": null,
        "service": "gate-api",
        "status": 409,
    });
    assert_eq!(data, expected);
    let metadata: Value = serde_json::from_slice(&event.custom_metadata).unwrap();
    assert_eq!(
        (&metadata["actor"], &metadata["$correlationId"], &metadata["schemaVersion"]),
        (&json!(noted.cause.actor), &json!(noted.cause.correlation_id), &json!(1))
    );
}

#[tokio::test]
async fn the_event_store_is_told_how_long_to_keep_them_and_nothing_else_is_changed() {
    let store = TestEventStore::start().await;
    let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
    let acl = json!({ "$acl": { "$d": "$admins" }, "$maxAge": 7 });
    let metadata = eventstore::EventData::json("$metadata", &acl).unwrap();
    client.append_to_stream(METADATA, &Default::default(), metadata).await.unwrap();
    for (age, written) in [(2 * DAY, 1), (2 * DAY, 1), (3 * DAY, 2)] {
        let service = Service::start(store.connection_string(), age);
        service.log.note(refused(Uuid::now_v7()));
        service.stop().await;
        let newest = recorded(&store, METADATA).await.pop().unwrap();
        assert_eq!(newest.revision, Revision(written), "written only if it is different");
        assert_eq!(json_of(&newest), json!({ "$acl": { "$d": "$admins" }, "$maxAge": age.as_secs() }));
    }
}

#[tokio::test]
async fn what_is_too_much_is_counted_and_the_count_is_recorded() {
    const MANY: u64 = 500;
    let store = TestEventStore::start().await;
    let service = Service::start(store.connection_string(), DAY);
    let begun = Instant::now();
    (0..MANY).for_each(|_| service.log.note(refused(Uuid::now_v7())));
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits: {:?}", begun.elapsed());
    let (kept, left_out) = eventually("all are accounted for", LIMIT, async || {
        let (kept, left_out) = counted(&recorded(&store, REFUSALS.name).await);
        (kept + left_out == MANY).then_some((kept, left_out))
    })
    .await;
    assert!((50..100).contains(&kept), "{kept} recorded, {left_out} left out");
    service.stop().await;
}

#[tokio::test]
async fn without_the_right_nothing_is_recorded_and_nobody_waits() {
    let store = TestEventStore::start_denying(vec![Right::AppendStream(REFUSALS.name.to_owned())]).await;
    let service = Service::start(store.connection_string(), DAY);
    for _ in 0..20 {
        service.log.note(refused(Uuid::now_v7()));
    }
    let begun = Instant::now();
    service.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(recorded(&store, REFUSALS.name).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_recorded_is_counted_when_the_event_store_is_back() {
    let store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    proxy.cut();
    let service = Service::start(&proxy.connection_string(), DAY);
    for _ in 0..3 {
        service.log.note(refused(Uuid::now_v7()));
    }
    eventually("all attempts have failed", LIMIT, async || service.log.left_out() == 3).await;
    proxy.mend();
    service.log.note(refused(Uuid::now_v7()));
    eventually("all are accounted for", LIMIT, async || counted(&recorded(&store, REFUSALS.name).await) == (1, 3))
        .await;
    assert_eq!(service.log.left_out(), 0);
    let age = recorded(&store, METADATA).await.pop().map(|event| json_of(&event));
    assert_eq!(age, Some(json!({ "$maxAge": DAY.as_secs() })), "how long to keep them is said as well");
    service.stop().await;
}

#[tokio::test]
async fn what_waits_at_the_end_is_recorded() {
    let store = TestEventStore::start().await;
    let service = Service::start(store.connection_string(), DAY);
    for _ in 0..40 {
        service.log.note(refused(Uuid::now_v7()));
    }
    service.stop().await;
    assert_eq!(counted(&recorded(&store, REFUSALS.name).await), (40, 0));
}
