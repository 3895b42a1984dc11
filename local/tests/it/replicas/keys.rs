//! The same key gives the first outcome, over whichever replica it is repeated.

use jetbridge_testing::{Answer, Call, unique};
use reqwest::StatusCode;

use super::{Replicas, assert_same, renumber};

/// Commands that one replica carries out, and that another one gets again.
struct Repeated {
    key: String,
    first: Answer,
}

impl Repeated {
    async fn first(command: Call) -> Self {
        let key = unique();
        let first = command.key(&key).send().await;
        assert!(first.status.is_success(), "{first:?}");
        Self { key, first }
    }

    async fn again(&self, command: Call) {
        assert_same(&self.first, &command.key(&self.key).send_once_available().await);
    }
}

#[tokio::test]
async fn a_replica_that_is_behind_gives_the_first_outcome_although_the_flight_is_gone() {
    let replicas = Replicas::start().await;
    let (flights, passengers) = (&replicas.flights, &replicas.passengers);
    let (late_flights, late_passengers) = (&replicas.late_flights, &replicas.late_passengers);
    let (flight, etag) = replicas.complete_flight().await;
    renumber(late_flights, &flight, "JB 1").send().await.expect(StatusCode::OK);
    late_passengers.new_passenger(&late_flights.new_flight().await).await;
    replicas.freeze();

    let created = Repeated::first(flights.create_flight()).await;
    let corrected = Repeated::first(renumber(flights, &flight, "JB 1").if_match(&etag)).await;
    let added = Repeated::first(passengers.add(&flight, "Ada")).await;
    let boarded = Repeated::first(passengers.board(&added.first.id())).await;
    let departed = Repeated::first(flights.disembark(&flight)).await;
    let landed = Repeated::first(flights.land(&flight)).await;
    flights.delete_flight(&flight).send().await.expect(StatusCode::NO_CONTENT);

    // The first of these is what brings it up to date, so each domain begins with what is asked for most.
    departed.again(late_flights.disembark(&flight)).await;
    added.again(late_passengers.add(&flight, "Ada")).await;
    boarded.again(late_passengers.board(&added.first.id())).await;
    landed.again(late_flights.land(&flight)).await;
    corrected.again(renumber(late_flights, &flight, "JB 1")).await;
    created.again(late_flights.create_flight()).await;
}

#[tokio::test]
async fn repeating_a_correction_that_changed_nothing_does_not_undo_what_others_have_done() {
    let replicas = Replicas::start().await;
    let (flights, late_flights) = (&replicas.flights, &replicas.late_flights);
    let (passengers, late_passengers) = (&replicas.passengers, &replicas.late_passengers);
    let flight = flights.new_flight().await;
    let passenger = passengers.add(&flight, "Ada").send().await.expect(StatusCode::CREATED).id();
    renumber(flights, &flight, "JB 1").send().await.expect(StatusCode::OK);

    let renumbered = Repeated::first(renumber(flights, &flight, "JB 1")).await;
    let renamed = Repeated::first(passengers.rename(&passenger, "Ada")).await;
    renumber(flights, &flight, "JB 2").send().await.expect(StatusCode::OK);
    passengers.rename(&passenger, "Grace").send().await.expect(StatusCode::OK);
    for (flights, passengers) in [(flights, passengers), (late_flights, late_passengers)] {
        renumbered.again(renumber(flights, &flight, "JB 1")).await;
        renamed.again(passengers.rename(&passenger, "Ada")).await;
    }
    // Without a key nothing is recorded: this only looks.
    let unchanged = renumber(late_flights, &flight, "JB 2").send().await.expect(StatusCode::OK);
    assert_eq!(unchanged.body["flightNumber"], "JB 2");
    let unchanged = late_passengers.rename(&passenger, "Grace").send().await.expect(StatusCode::OK);
    assert_eq!(unchanged.body["name"], "Grace");
}
