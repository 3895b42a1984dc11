//! What a query costs depends on what it finds, not on how many flights there have ever been.

use flight_core::FlightStatus::{AllBoarded, Arrived, Departed, WaitingForBoarding};

use crate::support::{Tables, TestApi};

/// PostgreSQL plans a prepared statement anew five times; then it may take a plan that is to fit all values.
const REPETITIONS: usize = 10;
const ACTIVE: usize = 30;
const ARRIVED: usize = 20_000;

#[tokio::test]
async fn active_flights_are_found_among_many_that_have_arrived() {
    let tables = Tables::create().await;
    let active = tables.add("OSL", &[WaitingForBoarding, AllBoarded, Departed].repeat(ACTIVE / 3)).await;
    tables.add("OSL", &[Arrived; ARRIVED]).await;
    let ids = active.join(",");
    let expected: Vec<_> = active.iter().rev().cloned().collect();
    // As after a quick start, and once PostgreSQL knows the table.
    for knows_table in [false, true] {
        if knows_table {
            tables.0.client().await.batch_execute("ANALYZE flights").await.unwrap();
        }
        for query in [
            "status=waitingForBoarding,allBoarded,disembarked",
            "status=waitingForBoarding,allBoarded,disembarked&text=HAM",
            &format!("ids={ids}"),
            &format!("ids={ids}&status=waitingForBoarding,allBoarded,disembarked"),
        ] {
            let before = tables.rows_looked_at().await;
            let api = TestApi::start(&tables).await;
            for _ in 0..REPETITIONS {
                assert_eq!(api.page(&format!("{query}&order=newestFirst&limit=500")).await.0, expected);
            }
            api.stop().await;
            let looked_at = tables.rows_looked_at().await - before;
            // The planner itself looks at some more.
            let most = i64::try_from(2 * ACTIVE * REPETITIONS).unwrap();
            assert!(looked_at <= most, "{query} has looked at {looked_at} rows; analyzed: {knows_table}");
        }
    }
}
