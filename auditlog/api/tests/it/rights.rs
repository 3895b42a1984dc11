//! A user of the event store who may not read the log of all streams, as ordinary users may not.

use jetbridge_testing::{Right, TestEventStore, eventually};
use serde_json::Value;

use crate::support::{Appender, FLIGHTS, LIMIT, TestApi};

#[tokio::test]
async fn without_the_right_to_read_all_polls_work_and_the_live_end_says_what_is_missing() {
    let store = TestEventStore::start_denying(vec![Right::ReadAll]).await;
    let api = TestApi::start(&store).await;
    Appender::new(&store).append_some(FLIGHTS, 2).await;
    assert_eq!(api.page("all").await.items.len(), 2);

    let checks = eventually("health knows", LIMIT, async || {
        let response = api.get("/health/ready").send().await.unwrap();
        (response.status().as_u16() == 503).then_some(response)
    })
    .await;
    let checks: Value = checks.json().await.unwrap();
    let live = checks["checks"].as_array().unwrap().iter().find(|check| check["name"] == "live-audit-log").unwrap();
    assert_eq!(live["status"], "down");
    assert!(live["detail"].as_str().unwrap().contains("read $all"), "{live}");
    let store_check = checks["checks"].as_array().unwrap().iter().find(|check| check["name"] == "event-store").unwrap();
    assert_eq!(store_check["status"], "up");

    api.follow("", None).await.problem(503, "event-store-refused", "10000").await;
}
