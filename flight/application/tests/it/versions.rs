//! A departure that is meant for one version of the flight.

use flight_application::FlightError;
use flight_core::{FlightDetailsCorrected, FlightEvent, FlightRejection};
use shared_kernel::{IfVersion, Interruption, Revision};

use crate::passenger_domain::{
    PassengerDomain, context, context_with_key, flight_after, flight_id, other_details, service, status,
};

const CREATED: Option<Revision> = Some(Revision(0));

fn created() -> Option<IfVersion> {
    CREATED.map(IfVersion::from)
}

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
    let done = service(&passengers).depart(flight_id(), created(), context()).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
    assert_eq!(*passengers.correction_accepted.lock().unwrap(), Some(false));
}

#[tokio::test]
async fn a_correction_that_comes_before_the_preparation_keeps_the_flight_at_the_gate() {
    let mut passengers = flight_after([]);
    passengers.before_preparation = Some(corrected());
    let refused = service(&passengers).depart(flight_id(), created(), context()).await;
    assert!(is_stale(&refused), "{refused:?}");
    assert_eq!(passengers.asked(), ["preview"]);
    assert_eq!(passengers.flights.events().len(), 2);
}

#[tokio::test]
async fn a_departure_of_one_version_that_is_refused_leaves_nothing() {
    let mut passengers = flight_after([]);
    passengers.somebody_is_missing();
    let refused = service(&passengers).depart(flight_id(), created(), context()).await;
    assert!(matches!(refused, Err(FlightError::NotAllBoarded { .. })), "{refused:?}");
    assert_eq!(passengers.flights.events().len(), 1);
}

#[tokio::test]
async fn a_correction_that_names_no_version_between_seal_and_departure_leaves_with_the_flight() {
    let mut passengers = flight_after([]);
    passengers.meanwhile = Some(corrected());
    let done = service(&passengers).depart(flight_id(), created(), context()).await.unwrap();
    assert_eq!((done.value.details, done.value.status.as_str()), (other_details(), "disembarked"));
}

/// A departure of the created version that was prepared, and whose seal has not been answered.
async fn prepared() -> PassengerDomain {
    let mut passengers = flight_after([]);
    passengers.preview = passengers.seal.clone().ok();
    let sealed = passengers.seal.clone();
    passengers.seal = Err(Interruption::OutcomeUnknown("no answer".to_owned()));
    let lost = service(&passengers).depart(flight_id(), created(), context_with_key("k")).await;
    assert!(matches!(lost, Err(FlightError::Interrupted(Interruption::OutcomeUnknown(_)))), "{lost:?}");
    passengers.seal = sealed;
    passengers
}

#[tokio::test]
async fn a_repetition_does_not_stumble_over_its_own_preparation() {
    let mut passengers = prepared().await;
    let sealed = passengers.seal.clone();
    passengers.seal = Err(Interruption::Unavailable("away".to_owned()));
    assert!(service(&passengers).depart(flight_id(), created(), context_with_key("k")).await.is_err());
    passengers.seal = sealed;
    let done = service(&passengers).depart(flight_id(), created(), context_with_key("k")).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
}

#[tokio::test]
async fn a_repetition_is_refused_when_the_flight_was_corrected_after_its_preparation() {
    let passengers = prepared().await;
    passengers.flights.append(corrected());
    let refused = service(&passengers).depart(flight_id(), created(), context_with_key("k")).await;
    assert!(is_stale(&refused), "{refused:?}");
}

#[tokio::test]
async fn another_departure_of_a_version_that_was_prepared_is_refused() {
    let passengers = prepared().await;
    for context in [context_with_key("l"), context()] {
        let refused = service(&passengers).depart(flight_id(), created(), context).await;
        assert!(is_stale(&refused), "{refused:?}");
    }
    assert_eq!(status(&passengers), Some("allBoarded"));
}

#[tokio::test]
async fn a_departure_of_one_of_several_versions_is_prepared_in_the_one_that_is_current() {
    let several = || Some(IfVersion::one_of([Revision(0), Revision(999)]));
    let mut passengers = flight_after([]);
    passengers.correction_meanwhile = CREATED;
    let done = service(&passengers).depart(flight_id(), several(), context()).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
    assert_eq!(*passengers.correction_accepted.lock().unwrap(), Some(false));

    let passengers = prepared().await;
    let done = service(&passengers).depart(flight_id(), several(), context_with_key("k")).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");

    let passengers = flight_after([corrected()]);
    let refused = service(&passengers).depart(flight_id(), several(), context()).await;
    assert!(is_stale(&refused), "{refused:?}");
}

#[tokio::test]
async fn a_departure_of_any_version_but_the_current_one_is_refused() {
    let passengers = flight_after([]);
    for excluded in [IfVersion::default().and_none_of([Revision(0)]), IfVersion::default().and_absent()] {
        let refused = service(&passengers).depart(flight_id(), Some(excluded), context()).await;
        assert!(is_stale(&refused), "{refused:?}");
    }
    let other = IfVersion::default().and_none_of([Revision(7)]);
    service(&passengers).depart(flight_id(), Some(other), context()).await.unwrap();
}

/// A release from before has prepared it, which recorded another digest of the same request.
#[tokio::test]
async fn a_repetition_finds_a_preparation_with_another_fingerprint() {
    let passengers = prepared().await;
    let mut context = context_with_key("k");
    let idempotency = context.idempotency.as_mut().unwrap();
    let recorded = std::mem::replace(&mut idempotency.fingerprint, "in another form".to_owned());
    let unknown = service(&passengers).depart(flight_id(), created(), context.clone()).await;
    assert!(is_stale(&unknown), "{unknown:?}");
    context.idempotency.as_mut().unwrap().other_fingerprints = vec!["of another secret".to_owned(), recorded];
    let done = service(&passengers).depart(flight_id(), created(), context).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
}
