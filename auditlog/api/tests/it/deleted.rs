//! A stream of the audit log that somebody has deleted.

use jetbridge_testing::{TestEventStore, eventually};
use serde_json::Value;

use crate::support::{FLIGHTS, LIMIT, TestApi, problem, world};

/// Waits until health is down, and says of both of its checks what is deleted.
async fn health_names_the_stream(api: &TestApi, words: &str) {
    eventually("health names the stream", LIMIT, async || {
        let health: Value = api.get("/health/ready").send().await.unwrap().json().await.unwrap();
        let says = |check: &Value| {
            let detail = check["detail"].as_str().unwrap_or_default();
            check["status"] == "down" && detail.contains(FLIGHTS) && detail.contains(words)
        };
        if health["checks"].as_array().unwrap().iter().all(says) { Ok(()) } else { Err(health.to_string()) }
    })
    .await;
}

async fn delete(store: &TestEventStore, for_good: bool) {
    let client = eventstore::Client::new(store.connection_string().parse().unwrap()).unwrap();
    if for_good {
        client.tombstone_stream(FLIGHTS, &Default::default()).await.unwrap();
    } else {
        client.delete_stream(FLIGHTS, &Default::default()).await.unwrap();
    }
}

#[tokio::test]
async fn readers_and_followers_hear_which_stream_was_deleted() {
    for (for_good, words) in [(true, "tombstoned"), (false, "its events are hidden")] {
        let (store, api, appender) = world().await;
        appender.append_some(FLIGHTS, 2).await;
        let mut feed = api.follow("", None).await;
        delete(&store, for_good).await;
        health_names_the_stream(&api, words).await;
        // What says so in the event store is none of the domain's events.
        while let Some(message) = feed.message().await {
            assert!(message.data.is_none() || message.event.as_deref() == Some("problem"), "{message:?}");
        }
        api.follow("", None).await.problem(503, "event-store-refused", "10000").await;
        for path in ["flights", "all", "all?order=newestFirst"] {
            let refused = api.get(&format!("/api/auditlog/{path}")).send().await.unwrap();
            problem(refused, 503, "event-store-refused").await;
        }
        assert_eq!(api.page("passengers").await.items.len(), 0);
    }
}
