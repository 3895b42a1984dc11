//! Who asks, said over HTTP and by the other domain.

use std::time::Duration;

use jetbridge_testing::{eventually, flight_details};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Tables, TestApi};

/// The other domain tells a flight that there is not that everybody has boarded, which changes nothing.
async fn note(api: &TestApi, cause: Value) -> Value {
    let params = json!({ "flight_id": Uuid::now_v7(), "complete": true, "manifest_revision": 7, "cause": cause });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "flight.noteManifest", "params": params });
    api.as_a_service().post("/rpc").json(&call).response().await.json().await.unwrap()
}

#[tokio::test]
async fn a_cause_that_cannot_be_kept_is_refused_as_invalid_params() {
    const INVALID_PARAMS: i64 = -32_602;
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let cause = json!({ "correlationId": "a", "actor": "passenger-reactions" });
    let is_noted = async || note(&api, cause.clone()).await["result"].is_object();
    eventually("the API takes commands", Duration::from_secs(30), is_noted).await;
    for (field, value) in
        [("correlationId", json!("a\nb")), ("actor", json!("")), ("stepOf", json!({ "key": "", "fingerprint": "f" }))]
    {
        let mut malformed = cause.clone();
        malformed[field] = value;
        let answer = note(&api, malformed).await;
        assert_eq!(answer["error"]["code"], INVALID_PARAMS, "{field}: {answer}");
    }
    api.stop().await;
}

#[tokio::test]
async fn no_client_passes_for_a_service() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    for name in ["flight-processor", "passenger-reactions", "passenger-api"] {
        let create = api.post("/api/flights").json(&flight_details()).header("Jetbridge-Actor", name);
        create.send().await.expect_problem(400, "malformed-header");
    }
    api.stop().await;
}
