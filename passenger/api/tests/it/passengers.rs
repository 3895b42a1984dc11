//! What is in a list of passengers, and in which order.

use jetbridge_testing::{at, reversed};
use passenger_core::PassengerStatus::{Arrived, Boarded, CheckedIn, Offloaded};
use uuid::Uuid;

use crate::support::{Tables, TestApi, new_flight};

#[tokio::test]
async fn a_list_is_read_from_either_end() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let (first, second) = (new_flight(), new_flight());
    let on_first = tables.add(first, &[CheckedIn, Boarded, Boarded]).await;
    let on_second = tables.add(second, &[Offloaded, CheckedIn]).await;
    let all = [on_first, on_second.clone()].concat();
    for limit in [1, 2, 4, 5, 6] {
        let found = api.texts(&format!("/api/passengers?limit={limit}&order=newestFirst"), "id").await;
        assert_eq!(found, reversed(&all), "{limit}");
        assert_eq!(api.texts(&format!("/api/passengers?limit={limit}"), "id").await, all, "{limit}");
    }
    let found = api.texts(&format!("/api/passengers?flightId={second}&order=newestFirst&limit=1"), "id").await;
    assert_eq!(found, reversed(&on_second));

    let page = api.found("/api/passengers?limit=1&order=newestFirst").await;
    let next = page["next"].as_str().unwrap();
    for query in [format!("after={next}"), format!("order=oldestFirst&after={next}")] {
        assert_eq!(api.fault(&format!("/api/passengers?{query}")).await.0, "after");
    }
}

#[tokio::test]
async fn passengers_with_any_of_several_statuses_are_found() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let (first, second) = (new_flight(), new_flight());
    let on_first = tables.add(first, &[Arrived, Boarded, CheckedIn, Boarded, Offloaded]).await;
    let on_second = tables.add(second, &[CheckedIn, Arrived, Boarded]).await;
    let all = [on_first.clone(), on_second].concat();
    let there = at(&all, &[1, 2, 3, 5, 7]);
    for limit in [1, 2, 5, 100] {
        let query = format!("/api/passengers?limit={limit}&status=checkedIn,boarded");
        assert_eq!(api.texts(&query, "id").await, there, "{limit}");
        assert_eq!(api.texts(&format!("{query}&order=newestFirst"), "id").await, reversed(&there), "{limit}");
        let found = api.texts(&format!("{query}&order=newestFirst&flightId={first}"), "id").await;
        assert_eq!(found, at(&on_first, &[3, 2, 1]), "{limit}");
    }
    let found = api.texts(&format!("/api/passengers?status=boarded,offloaded&text={second}&limit=1"), "id").await;
    assert_eq!(found, at(&all, &[7]));
}

#[tokio::test]
async fn passengers_are_looked_up_by_their_ids() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let (first, second) = (new_flight(), new_flight());
    let on_first = tables.add(first, &[Arrived, Boarded]).await;
    let on_second = tables.add(second, &[Boarded, CheckedIn]).await;
    let ids = [&on_second[..], &on_first, &[Uuid::now_v7().to_string()]].concat().join(",");
    let query = format!("/api/passengers?ids={ids}&limit=2");
    let all = [on_first, on_second].concat();
    assert_eq!(api.texts(&query, "id").await, all);
    assert_eq!(api.texts(&format!("{query}&order=newestFirst"), "id").await, reversed(&all));
    assert_eq!(api.texts(&format!("{query}&flightId={first}"), "id").await, all[..2]);
    assert_eq!(api.texts(&format!("{query}&status=boarded,checkedIn"), "id").await, all[1..]);
    assert_eq!(api.texts(&format!("{query}&text={second}&status=boarded"), "id").await, all[2..3]);
}

#[tokio::test]
async fn what_is_not_allowed_is_said() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let statuses = "must be one of checkedIn, boarded, arrived, offloaded; separate several with commas";
    for status in ["", "disembarked", "boarded,", "boarded,,arrived"] {
        let fault = api.fault(&format!("/api/passengers?status={status}")).await;
        assert_eq!(fault, ("status".to_owned(), statuses.to_owned()));
    }
    let id = "must be a UUID, such as 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b; separate several with commas";
    assert_eq!(api.fault("/api/passengers?ids=x").await, ("ids".to_owned(), id.to_owned()));
    let many = vec![Uuid::now_v7().to_string(); 101].join(",");
    let too_many = "must have at most 100 values, but has 101";
    assert_eq!(api.fault(&format!("/api/passengers?ids={many}")).await, ("ids".to_owned(), too_many.to_owned()));
    assert_eq!(api.fault("/api/passengers?order=newest").await.0, "order");
}
