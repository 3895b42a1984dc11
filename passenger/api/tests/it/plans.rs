//! What a query costs depends on what it finds, not on how many passengers there have ever been.

use jetbridge_testing::reversed;
use passenger_core::PassengerStatus::{Arrived, Boarded, CheckedIn};

use crate::support::{Tables, TestApi, new_flight};

const WAITING: usize = 30;
const ARRIVED: usize = 20_000;

#[tokio::test]
async fn passengers_at_the_gate_are_found_among_many_that_have_arrived() {
    let tables = Tables::create().await;
    let flight = new_flight();
    let waiting = tables.add(flight, &[CheckedIn, Boarded].repeat(WAITING / 2)).await;
    tables.add(new_flight(), &[Arrived; ARRIVED]).await;
    let expected = reversed(&waiting);
    let queries = [
        "status=checkedIn,boarded".to_owned(),
        format!("status=checkedIn,boarded&flightId={flight}"),
        format!("flightId={flight}"),
        format!("ids={}", waiting.join(",")),
    ];
    let ask = async |query: &str, times| {
        let api = TestApi::start(&tables).await;
        for _ in 0..times {
            let path = format!("/api/passengers?{query}&order=newestFirst&limit=500");
            assert_eq!(api.texts(&path, "id").await, expected);
        }
        api.stop().await;
    };
    tables.0.assert_cost("passengers", WAITING, &queries, ask).await;
}
