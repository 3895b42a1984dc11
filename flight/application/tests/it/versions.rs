//! A departure that is meant for one version of the flight.

use flight_application::FlightError;
use flight_core::{FlightDetailsCorrected, FlightEvent, FlightRejection};
use shared_kernel::{Interruption, Revision};

use crate::passenger_domain::{
    PassengerDomain, context, context_with_key, flight_after, flight_id, other_details, service, status,
};

const CREATED: Option<Revision> = Some(Revision(0));

fn corrected() -> FlightEvent {
    FlightEvent::DetailsCorrected(FlightDetailsCorrected { flight_id: flight_id(), details: other_details().into() })
}

fn is_stale<T>(outcome: &Result<T, FlightError>) -> bool {
    matches!(outcome, Err(FlightError::Rejected { rejection: FlightRejection::Stale { .. }, .. }))
}

#[tokio::test]
async fn a_correction_of_the_same_version_is_refused_once_the_departure_is_prepared() {
    let mut passengers = flight_after([]);
    passengers.correction_meanwhile = CREATED;
    let done = service(&passengers).depart(flight_id(), CREATED, context()).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
    assert_eq!(*passengers.correction_accepted.lock().unwrap(), Some(false));
}

#[tokio::test]
async fn a_correction_that_comes_before_the_preparation_keeps_the_flight_at_the_gate() {
    let mut passengers = flight_after([]);
    passengers.before_preparation = Some(corrected());
    let refused = service(&passengers).depart(flight_id(), CREATED, context()).await;
    assert!(is_stale(&refused), "{refused:?}");
    assert_eq!(passengers.asked(), ["preview"]);
    assert_eq!(passengers.flights.events().len(), 2);
}

#[tokio::test]
async fn a_departure_of_one_version_that_is_refused_leaves_nothing() {
    let mut passengers = flight_after([]);
    passengers.somebody_is_missing();
    let refused = service(&passengers).depart(flight_id(), CREATED, context()).await;
    assert!(matches!(refused, Err(FlightError::NotAllBoarded { .. })), "{refused:?}");
    assert_eq!(passengers.flights.events().len(), 1);
}

#[tokio::test]
async fn a_correction_that_names_no_version_between_seal_and_departure_leaves_with_the_flight() {
    let mut passengers = flight_after([]);
    passengers.meanwhile = Some(corrected());
    let done = service(&passengers).depart(flight_id(), CREATED, context()).await.unwrap();
    assert_eq!((done.value.details, done.value.status.as_str()), (other_details(), "disembarked"));
}

/// A departure of the created version that was prepared, and whose seal has not been answered.
async fn prepared() -> PassengerDomain {
    let mut passengers = flight_after([]);
    passengers.preview = passengers.seal.clone().ok();
    let sealed = passengers.seal.clone();
    passengers.seal = Err(Interruption::OutcomeUnknown("no answer".to_owned()));
    let lost = service(&passengers).depart(flight_id(), CREATED, context_with_key("k")).await;
    assert!(matches!(lost, Err(FlightError::Interrupted(Interruption::OutcomeUnknown(_)))), "{lost:?}");
    passengers.seal = sealed;
    passengers
}

#[tokio::test]
async fn a_repetition_does_not_stumble_over_its_own_preparation() {
    let mut passengers = prepared().await;
    let sealed = passengers.seal.clone();
    passengers.seal = Err(Interruption::Unavailable("away".to_owned()));
    assert!(service(&passengers).depart(flight_id(), CREATED, context_with_key("k")).await.is_err());
    passengers.seal = sealed;
    let done = service(&passengers).depart(flight_id(), CREATED, context_with_key("k")).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
}

#[tokio::test]
async fn a_repetition_is_refused_when_the_flight_was_corrected_after_its_preparation() {
    let passengers = prepared().await;
    passengers.flights.append(corrected());
    let refused = service(&passengers).depart(flight_id(), CREATED, context_with_key("k")).await;
    assert!(is_stale(&refused), "{refused:?}");
}

#[tokio::test]
async fn another_departure_of_a_version_that_was_prepared_is_refused() {
    let passengers = prepared().await;
    for context in [context_with_key("l"), context()] {
        let refused = service(&passengers).depart(flight_id(), CREATED, context).await;
        assert!(is_stale(&refused), "{refused:?}");
    }
    assert_eq!(status(&passengers), Some("allBoarded"));
}
