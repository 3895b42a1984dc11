//! What is in a list of flights, and in which order.

use flight_core::FlightStatus::{AllBoarded, Arrived, Departed, WaitingForBoarding};
use jetbridge_testing::{at, reversed};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Tables, TestApi};

#[tokio::test]
async fn a_list_is_read_from_either_end() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    assert_eq!(api.flights_on_page("order=newestFirst").await, (Vec::new(), None));
    let flights = tables.add("OSL", &[WaitingForBoarding; 7]).await;
    for limit in [1, 2, 6, 7, 8] {
        assert_eq!(api.flights(&format!("limit={limit}&order=newestFirst")).await, reversed(&flights), "{limit}");
        assert_eq!(api.flights(&format!("limit={limit}&order=oldestFirst")).await, flights, "{limit}");
    }
}

/// Newest first, what is added comes before a page that is read already: the next ones do not change.
#[tokio::test]
async fn what_is_added_does_not_disturb_a_walk_to_the_oldest() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flights = tables.add("OSL", &[WaitingForBoarding; 4]).await;
    let (first, next) = api.flights_on_page("order=newestFirst&limit=2").await;
    tables.add("OSL", &[WaitingForBoarding; 3]).await;
    let (second, end) = api.flights_on_page(&format!("order=newestFirst&limit=2&after={}", next.unwrap())).await;
    assert_eq!(([first, second].concat(), end), (reversed(&flights), None));
}

#[tokio::test]
async fn cursors_belong_to_one_order() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    tables.add("OSL", &[Arrived; 2]).await;
    for (order, other) in [("newestFirst", "oldestFirst"), ("oldestFirst", "newestFirst")] {
        let (_, next) = api.flights_on_page(&format!("limit=1&order={order}")).await;
        let (parameter, detail) = api.fault(&format!("order={other}&after={}", next.unwrap())).await;
        assert_eq!(parameter, "after");
        assert!(detail.starts_with("is not a cursor of this list in this order"), "{detail}");
    }
}

#[tokio::test]
async fn flights_with_any_of_several_statuses_are_found() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let statuses = [Arrived, AllBoarded, WaitingForBoarding, Departed, AllBoarded, Arrived, WaitingForBoarding];
    let flights = tables.add("OSL", &statuses).await;
    let active = at(&flights, &[1, 2, 3, 4, 6]);
    for limit in [1, 2, 4, 5, 100] {
        let query = format!("limit={limit}&status=waitingForBoarding,allBoarded,disembarked");
        assert_eq!(api.flights(&query).await, active, "{limit}");
        assert_eq!(api.flights(&format!("{query}&order=newestFirst")).await, reversed(&active), "{limit}");
    }
    assert_eq!(api.flights("status=arrived").await, at(&flights, &[0, 5]));
    assert_eq!(api.flights("status=allBoarded,allBoarded").await, at(&flights, &[1, 4]));
    assert_eq!(api.flights("status=arrived,disembarked,allBoarded,waitingForBoarding&limit=3").await, flights);
}

#[tokio::test]
async fn flights_are_looked_up_by_their_ids() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let flights = tables.add("OSL", &[Arrived, AllBoarded, Arrived, WaitingForBoarding]).await;
    let unknown = Uuid::now_v7();
    let ids = format!("{},{unknown},{},{},{}", flights[3], flights[0], flights[1], flights[3]);
    let found = at(&flights, &[0, 1, 3]);
    assert_eq!(api.flights(&format!("ids={ids}")).await, found);
    assert_eq!(api.flights(&format!("ids={ids}&order=newestFirst&limit=2")).await, reversed(&found));
    assert_eq!(api.flights(&format!("ids={ids}&status=arrived,allBoarded&limit=1")).await, found[..2]);
    assert!(api.flights(&format!("ids={unknown}")).await.is_empty());

    let many: Vec<_> = (0..99).map(|_| Uuid::now_v7().to_string()).chain([flights[2].clone()]).collect();
    assert_eq!(api.flights(&format!("ids={}", many.join(","))).await, at(&flights, &[2]));
}

#[tokio::test]
async fn all_filters_apply_together() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let oslo = tables.add("Oslo", &[Arrived, AllBoarded, Departed, AllBoarded]).await;
    let bergen = tables.add("Bergen", &[AllBoarded, Arrived]).await;
    let query = "text=oslo&status=allBoarded,arrived";
    assert_eq!(api.flights(&format!("{query}&limit=1")).await, at(&oslo, &[0, 1, 3]));
    assert_eq!(api.flights(&format!("{query}&limit=1&order=newestFirst")).await, at(&oslo, &[3, 1, 0]));
    let ids = [&oslo[1..], &bergen].concat().join(",");
    assert_eq!(api.flights(&format!("{query}&ids={ids}&order=newestFirst")).await, at(&oslo, &[3, 1]));
    assert_eq!(api.flights(&format!("ids={ids}&text=BERG")).await, bergen);
}

#[tokio::test]
async fn what_is_not_allowed_is_said() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let statuses = "must be one of waitingForBoarding, allBoarded, disembarked, arrived; separate several with commas";
    for status in ["", "flying", "arrived,", "arrived,,allBoarded", "arrived,%20allBoarded", "arrived;allBoarded"] {
        assert_eq!(api.fault(&format!("status={status}")).await, ("status".to_owned(), statuses.to_owned()));
    }
    let id = "must be a UUID, such as 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b; separate several with commas";
    let known = Uuid::now_v7();
    for ids in ["", "1", &format!("{known},"), &format!("{known},x"), &known.simple().to_string()] {
        assert_eq!(api.fault(&format!("ids={ids}")).await, ("ids".to_owned(), id.to_owned()));
    }
    let many = vec![known.to_string(); 101].join(",");
    let too_many = "must have at most 100 values, but has 101";
    assert_eq!(api.fault(&format!("ids={many}")).await, ("ids".to_owned(), too_many.to_owned()));
    let orders = "must be one of oldestFirst, newestFirst";
    for order in ["", "newest", "newestFirst,oldestFirst", "NEWESTFIRST"] {
        assert_eq!(api.fault(&format!("order={order}")).await, ("order".to_owned(), orders.to_owned()));
    }
}

/// What was meant by it cannot be guessed, and a guess would let a flight look as if it were at the gate.
#[tokio::test]
async fn a_row_that_holds_what_is_not_known_here_is_an_error() {
    let tables = Tables::create().await;
    let ids = tables.add("LIS", &[Departed]).await;
    let api = TestApi::start(&tables).await;
    tables.execute("UPDATE flights SET status = 'boardingSoon'").await;
    for path in [format!("/api/flights/{}", ids[0]), "/api/flights".to_owned()] {
        let response = api.get(&path).response().await;
        assert_eq!(response.status(), 500, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["type"], "/problems/internal-error", "{path}: {body}");
    }
    api.stop().await;
}
