//! What a query costs depends on what it finds, not on how many flights there have ever been.

use flight_core::FlightStatus::{AllBoarded, Arrived, Departed, WaitingForBoarding};
use jetbridge_testing::reversed;

use crate::support::{Tables, TestApi};

const ACTIVE: usize = 30;
const ARRIVED: usize = 20_000;

#[tokio::test]
async fn active_flights_are_found_among_many_that_have_arrived() {
    let tables = Tables::create().await;
    let active = tables.add("OSL", &[WaitingForBoarding, AllBoarded, Departed].repeat(ACTIVE / 3)).await;
    tables.add("OSL", &[Arrived; ARRIVED]).await;
    let ids = active.join(",");
    let expected = reversed(&active);
    let queries = [
        "status=waitingForBoarding,allBoarded,disembarked".to_owned(),
        "status=waitingForBoarding,allBoarded,disembarked&text=HAM".to_owned(),
        format!("ids={ids}"),
        format!("ids={ids}&status=waitingForBoarding,allBoarded,disembarked"),
    ];
    let ask = async |query: &str, times| {
        let api = TestApi::start(&tables).await;
        for _ in 0..times {
            assert_eq!(api.flights(&format!("{query}&order=newestFirst&limit=500")).await, expected);
        }
        api.stop().await;
    };
    tables.0.assert_cost("flights", ACTIVE, &queries, ask).await;
}

/// One that many flights have is found in the order of the page; one that few have would let all of them be read for it.
#[tokio::test]
async fn a_text_that_few_flights_have_is_found_without_reading_all_of_them() {
    const NEAREST: i64 = 2_500;
    let tables = Tables::create().await;
    let rare = tables.add("ZRH", &[Arrived; 3]).await;
    tables.add("OSL", &[Arrived; ARRIVED]).await;
    tables.0.client().await.batch_execute("ANALYZE flights").await.unwrap();
    for (text, expected) in [("ZRH", reversed(&rare)), ("nowhere", Vec::new())] {
        let before = tables.0.rows_looked_at("flights").await;
        let api = TestApi::start(&tables).await;
        assert_eq!(api.flights(&format!("text={text}&order=newestFirst&limit=50")).await, expected);
        api.stop().await;
        let looked_at = tables.0.rows_looked_at("flights").await - before;
        // Once for what is in them, and once for how many they are.
        assert!(looked_at < 2 * NEAREST + 100, "{text}: {looked_at} rows");
    }
}
