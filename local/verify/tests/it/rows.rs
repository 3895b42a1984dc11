use jetbridge_testing::TestDatabase;

use crate::support::{FLIGHT, System, ZOE, all_boarded, boarded, checked_in, completed, created};

/// A system whose tables are as its streams say.
async fn projected() -> System {
    let system = System::start().await;
    let flights = vec![created(), all_boarded(2)];
    let passengers = vec![checked_in(ZOE), boarded(ZOE), completed()];
    system.append(flights[0].clone()).await;
    for event in &passengers {
        system.append(event.clone()).await;
    }
    system.append(flights[1].clone()).await;
    system.project(flights, passengers).await;
    system
}

async fn execute(database: &TestDatabase, sql: &str) {
    database.client().await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn rows_that_are_what_their_events_come_to_are_right() {
    let (summary, found) = projected().await.verify().await;
    assert_eq!(found, Vec::<String>::new());
    assert_eq!((summary.flight_events, summary.passenger_events, summary.rows), (2, 3, 3));
}

#[tokio::test]
async fn a_row_that_was_changed_is_found() {
    for (table, sql, place) in [
        ("flights", "UPDATE flights SET status = 'waitingForBoarding'", "flight-stream 1"),
        ("flights", "UPDATE flights SET destination = 'Paris'", "flight-stream 1"),
        ("passengers", "UPDATE passengers SET name = 'Somebody Else'", "passenger-stream 1"),
        ("passengers", "UPDATE passengers SET version = 0", "passenger-stream 1"),
        ("passengers", "UPDATE manifests SET state = 'sealed'", "passenger-stream 2"),
    ] {
        let system = projected().await;
        let database = if table == "flights" { &system.flights } else { &system.passengers };
        execute(database, sql).await;
        let expected = format!("{place}: flight {FLIGHT}: a row is not what its events come to");
        assert_eq!(system.violations().await, [expected], "{sql}");
    }
}

#[tokio::test]
async fn a_row_that_is_missing_is_found() {
    let system = projected().await;
    execute(&system.passengers, "DELETE FROM passengers").await;
    assert_eq!(system.violations().await, [format!("passenger-stream 1: flight {FLIGHT}: a row is missing")]);
}

#[tokio::test]
async fn a_row_that_is_left_over_is_found() {
    let system = projected().await;
    let copy = "INSERT INTO flights SELECT gen_random_uuid(), flight_number, origin, destination, scheduled_departure,
                status, 1, search FROM flights";
    execute(&system.flights, copy).await;
    let found = system.violations().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("a row is left of what is not there any more, or never was"), "{found:?}");
}

#[tokio::test]
async fn a_read_model_that_is_behind_is_compared_with_what_it_has_reached() {
    let system = projected().await;
    execute(
        &system.flights,
        "UPDATE checkpoints SET revision = 0; UPDATE flights SET status = 'waitingForBoarding', version = 0",
    )
    .await;
    assert_eq!(system.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_read_model_that_is_ahead_of_its_stream_is_found() {
    let system = projected().await;
    execute(&system.flights, "UPDATE checkpoints SET revision = 7").await;
    let expected = "flight-stream 7: the read model is said to have come to an event that is not in the stream";
    assert_eq!(system.violations().await, [expected]);
}

#[tokio::test]
async fn what_is_parked_is_found_and_its_row_not_compared() {
    let system = projected().await;
    let parked = format!(
        "INSERT INTO parked_events VALUES ('flight-projection', 1, '{FLIGHT}', gen_random_uuid(), 'FlightAllBoarded', 'it');
         UPDATE flights SET status = 'waitingForBoarding', version = 0"
    );
    execute(&system.flights, &parked).await;
    let expected = "flight-stream 1: it is parked, so that the read model is without it";
    assert_eq!(system.violations().await, [expected]);
}
