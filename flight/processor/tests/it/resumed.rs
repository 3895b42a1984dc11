//! Reactions that wait for an operator's word, over HTTP.

use jetbridge_testing::{TestDatabase, TestEventStore, eventually};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{LIMIT, append_unreadable, start};

#[tokio::test]
async fn reactions_to_another_history_wait_until_an_operator_says_from_where() {
    let (store, other, database) =
        (TestEventStore::start().await, TestEventStore::start().await, TestDatabase::create().await);
    append_unreadable(&store, 2).await;
    append_unreadable(&other, 2).await;
    let (leading, leader) = start(&store, &database).await;
    let total = async |api: &jetbridge_testing::Api, total: usize| {
        eventually("the events are parked", LIMIT, async || {
            let parked = api.get("/parked").send_once_available().await.expect(StatusCode::OK).body;
            if parked["total"] == json!(total) { Ok(()) } else { Err(parked["total"].to_string()) }
        })
        .await;
    };
    total(&leader, 4).await;
    let refused = leader.post("/reactions/resume").send().await.expect_problem(503, "unavailable");
    assert!(refused.text.contains("flight-reactions: it does not wait for anybody's word."), "{}", refused.text);
    leading.stop().await;

    let (_leading, leader) = start(&other, &database).await;
    let waits = async || leader.get("/health/ready").send().await.text.contains("waiting for POST /reactions/resume");
    eventually("it says that it waits", LIMIT, waits).await;
    let unfinished = leader.get("/unfinished").send().await.expect(StatusCode::OK).body;
    assert_eq!((&unfinished["total"], &unfinished["next"]), (&json!(1), &json!(null)));
    let halted = &unfinished["items"][0];
    assert_eq!([&halted["kind"], &halted["reader"]], ["otherHistory", "flight-reactions"]);
    assert!(halted["reason"].is_string() && halted["since"].is_string(), "{halted}");
    assert!(halted.get("flightId").is_none(), "{halted}");
    leader.post("/reactions/resume").raw_json("{\"from\": 7}").send().await.expect_problem(400, "malformed-json");

    // Whichever instance is asked, the one that leads does it.
    let (_other, standby) = start(&other, &database).await;
    let stands_by = async || standby.get("/health/ready").send().await.text.contains("standing by");
    eventually("another instance stands by", LIMIT, stands_by).await;
    // Only the one that leads knows it, and says that it does.
    for (api, total, leads) in [(&leader, 1, true), (&standby, 0, false)] {
        let unfinished = api.get("/unfinished").send().await.expect(StatusCode::OK).body;
        assert_eq!((&unfinished["total"], &unfinished["leads"]), (&json!(total), &json!(leads)));
    }
    standby.post("/reactions/resume").json(&json!({"from": "beginning"})).send().await.expect(StatusCode::NO_CONTENT);
    total(&leader, 4).await;
    eventually("it does not wait any more", LIMIT, async || !waits().await).await;
}
