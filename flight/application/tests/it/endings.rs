use flight_core::{FlightDisembarked, FlightEvent};
use shared_kernel::{Interruption, Position, Revision};

use crate::passenger_domain::{context, flight_after, flight_id, service, status};

fn in_the_air() -> [FlightEvent; 1] {
    [FlightEvent::Departed(FlightDisembarked { flight_id: flight_id() })]
}

#[tokio::test]
async fn the_answer_to_a_landing_covers_the_arrivals() {
    let passengers = flight_after(in_the_air());
    let done = service(&passengers).land(flight_id(), None, context()).await.unwrap();
    assert_eq!(done.position.to_string(), "f2.p9");
    assert_eq!(passengers.asked(), ["close landed"]);
}

#[tokio::test]
async fn a_flight_lands_although_the_passenger_domain_is_away() {
    let mut passengers = flight_after(in_the_air());
    passengers.close = Err(Interruption::Unavailable("away".to_owned()));
    let done = service(&passengers).land(flight_id(), None, context()).await.unwrap();
    assert_eq!(done.position, Position::at(flight_contract::STREAM, Some(Revision(2))));
    assert_eq!(status(&passengers), Some("arrived"));
}

#[tokio::test]
async fn the_answer_to_a_deletion_covers_the_removals() {
    let passengers = flight_after([]);
    let done = service(&passengers).delete(flight_id(), None, context()).await.unwrap();
    assert_eq!(done.position.to_string(), "f1.p9");
    assert_eq!(passengers.asked(), ["close deleted"]);
    assert_eq!(status(&passengers), None);
}

#[tokio::test]
async fn nothing_is_closed_when_a_deletion_is_refused() {
    let passengers = flight_after(in_the_air());
    assert!(service(&passengers).delete(flight_id(), None, context()).await.is_err());
    assert!(passengers.asked().is_empty());
}
