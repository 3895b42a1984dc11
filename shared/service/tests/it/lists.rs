use http::StatusCode;
use serde_json::{Value, json};
use shared_service::paging::{decode_cursor, encode_cursor};

use crate::support::get_path;

/// The items of the pages that lead through a list, of which each but the last has a hundred.
async fn whole(query: &str) -> Vec<Value> {
    let mut path = format!("/things?{query}limit=100");
    let mut seen = Vec::new();
    for expected in [100, 100, 50] {
        let answer = get_path(&path).await;
        let items = answer.body["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), expected);
        seen.extend(items);
        path = format!("/things?{query}limit=100&after={}", answer.body["next"].as_str().unwrap_or_default());
    }
    assert!(path.ends_with("after="), "the last page has no next");
    seen
}

#[tokio::test]
async fn pages_lead_through_the_whole_list() {
    assert_eq!(whole("").await, (0..250).map(Value::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_can_be_read_from_its_end() {
    assert_eq!(whole("order=newestFirst&").await, (0..250).rev().map(Value::from).collect::<Vec<_>>());
    assert_eq!(get_path("/things?order=oldestFirst").await.body, get_path("/things").await.body);
}

#[tokio::test]
async fn a_cursor_is_of_one_order() {
    for (order, other) in [("oldestFirst", "newestFirst"), ("newestFirst", "oldestFirst")] {
        let page = get_path(&format!("/things?order={order}&limit=1")).await;
        let next = page.body["next"].as_str().unwrap();
        assert_eq!(get_path(&format!("/things?order={order}&after={next}")).await.status, StatusCode::OK);
        get_path(&format!("/things?order={other}&after={next}")).await.assert_faults(&[
            "after is not a cursor of this list in this order; send the `next` of an earlier page unchanged",
        ]);
    }
    for order in ["", "newest", "NewestFirst", "newestFirst,oldestFirst"] {
        get_path(&format!("/things?order={order}&after=x"))
            .await
            .assert_faults(&["order must be one of oldestFirst, newestFirst"]);
    }
}

#[tokio::test]
async fn a_parameter_can_be_a_list() {
    assert_eq!(get_path("/things?numbers=7").await.body["items"], json!([7]));
    assert_eq!(get_path("/things?numbers=7,249,7,0").await.body["items"], json!([7, 249, 0]));
    for numbers in ["", "1,", ",", "1,,2", "1,+2", "1,250", "1;2", "-1", "+1"] {
        get_path(&format!("/things?numbers={numbers}"))
            .await
            .assert_faults(&["numbers must be a whole number from 0 to 249; separate several with commas"]);
    }
    let hundred = vec!["1"; 100].join(",");
    assert_eq!(get_path(&format!("/things?numbers={hundred}")).await.body["items"], json!([1]));
    get_path(&format!("/things?numbers={hundred},1"))
        .await
        .assert_faults(&["numbers must have at most 100 values, but has 101"]);
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
        "after is not a cursor of this list in this order; send the `next` of an earlier page unchanged",
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
