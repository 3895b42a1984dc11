use flight_contract::Admission;
use flight_core::{FlightDeleted, FlightDisembarked, FlightEvent, FlightLanded};
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

#[tokio::test]
async fn the_manifest_of_a_flight_that_has_ended_is_closed_once_more_as_the_flight_has_ended() {
    let landed = FlightEvent::Landed(FlightLanded { flight_id: flight_id() });
    let deleted = FlightEvent::Deleted(FlightDeleted { flight_id: flight_id() });
    let [departed] = in_the_air();
    for (events, admission, asked) in [
        (vec![], Admission::Open, &[][..]),
        (vec![departed.clone()], Admission::Departed, &[]),
        (vec![departed, landed], Admission::Arrived, &["close landed"]),
        (vec![deleted], Admission::UnknownFlight, &["close deleted"]),
    ] {
        let passengers = flight_after(events);
        let service = service(&passengers);
        assert_eq!(service.admissions(&[flight_id()]).await, Ok(vec![admission]));
        service.close_manifest(flight_id(), context().as_cause()).await.unwrap();
        assert_eq!(passengers.asked(), asked, "{admission:?}");
    }
}
