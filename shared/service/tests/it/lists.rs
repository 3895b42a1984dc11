use http::StatusCode;
use serde_json::{Value, json};
use shared_service::paging::{decode_cursor, encode_cursor};

use crate::support::get_path;

#[tokio::test]
async fn pages_lead_through_the_whole_list() {
    let mut path = "/things?limit=100".to_owned();
    let mut seen = Vec::new();
    for expected in [100, 100, 50] {
        let answer = get_path(&path).await;
        let items = answer.body["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), expected);
        seen.extend(items);
        path = format!("/things?limit=100&after={}", answer.body["next"].as_str().unwrap_or_default());
    }
    assert_eq!(seen, (0..250).map(Value::from).collect::<Vec<_>>());
    assert!(path.ends_with("after="), "the last page has no next");
}

#[tokio::test]
async fn a_page_has_a_hundred_items_unless_asked_otherwise() {
    assert_eq!(get_path("/things").await.body["items"].as_array().unwrap().len(), 100);
    assert_eq!(get_path("/things?limit=1000").await.body["items"].as_array().unwrap().len(), 250);
    assert_eq!(get_path("/things?limit=250").await.body["next"], Value::Null);
    assert_eq!(get_path("/things?limit=1").await.body["items"], json!([0]));
}

#[tokio::test]
async fn bad_parameters_are_all_reported() {
    get_path("/things?limit=0&after=x&colour=red&status=").await.assert_faults(&[
        "limit must be a whole number from 1 to 1000",
        "after is not a cursor of this list; send the `next` of an earlier page unchanged",
        "colour is not a parameter of this request; remove it",
        "status must not be empty",
    ]);
    for limit in ["", "-1", "+1", "1001", "1.0", "99999999999999999999999", "ten", "%00"] {
        get_path(&format!("/things?limit={limit}"))
            .await
            .assert_faults(&["limit must be a whole number from 1 to 1000"]);
    }
    get_path("/things?limit=1&limit=2").await.assert_faults(&["limit must be given only once"]);
    get_path("/things?status=%00").await.assert_problem(422, "invalid-request");
    get_path("/things?status=%ff").await.assert_problem(422, "invalid-request");
    assert_eq!(get_path("/things?").await.status, StatusCode::OK);
}

#[tokio::test]
async fn long_parameter_names_are_not_repeated_in_full() {
    let answer = get_path(&format!("/things?{}=1", "é".repeat(5_000))).await;
    answer.assert_problem(422, "invalid-request");
    assert!(answer.body["errors"][0]["parameter"].as_str().unwrap().len() <= 101);
}

#[test]
fn cursors_survive_and_others_are_refused() {
    let place = ("JB 101/ü".to_owned(), 7_u64);
    assert_eq!(decode_cursor(&encode_cursor(&place)), Ok(place.clone()));
    assert!(decode_cursor::<u64>(&encode_cursor(&place)).is_err());
    for cursor in ["", "!", "bnVsbA==", &"A".repeat(5_000), "_____w"] {
        assert!(decode_cursor::<(String, u64)>(cursor).is_err(), "{cursor}");
    }
}
