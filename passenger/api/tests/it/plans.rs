//! What a query costs depends on what it finds, not on how many passengers there have ever been.

use passenger_core::PassengerStatus::{Arrived, Boarded, CheckedIn};

use crate::support::{Tables, TestApi, new_flight, reversed};

/// PostgreSQL plans a prepared statement anew five times; then it may take a plan that is to fit all values.
const REPETITIONS: usize = 10;
const WAITING: usize = 30;
const ARRIVED: usize = 20_000;

#[tokio::test]
async fn passengers_at_the_gate_are_found_among_many_that_have_arrived() {
    let tables = Tables::create().await;
    let flight = new_flight();
    let waiting = tables.add(flight, &[CheckedIn, Boarded].repeat(WAITING / 2)).await;
    tables.add(new_flight(), &[Arrived; ARRIVED]).await;
    let ids = waiting.join(",");
    let expected = reversed(&waiting);
    // As after a quick start, and once PostgreSQL knows the table.
    for knows_table in [false, true] {
        if knows_table {
            tables.0.client().await.batch_execute("ANALYZE passengers").await.unwrap();
        }
        for query in [
            "status=checkedIn,boarded".to_owned(),
            format!("status=checkedIn,boarded&flightId={flight}"),
            format!("flightId={flight}"),
            format!("ids={ids}"),
        ] {
            let before = tables.rows_looked_at().await;
            let api = TestApi::start(&tables).await;
            for _ in 0..REPETITIONS {
                let found = api.whole(&format!("passengers?{query}&order=newestFirst&limit=500"), "id").await;
                assert_eq!(found, expected);
            }
            api.stop().await;
            let looked_at = tables.rows_looked_at().await - before;
            // The planner itself looks at some more.
            let most = i64::try_from(2 * WAITING * REPETITIONS).unwrap();
            assert!(looked_at <= most, "{query} has looked at {looked_at} rows; analyzed: {knows_table}");
        }
    }
}
