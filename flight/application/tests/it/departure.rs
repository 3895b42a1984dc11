use flight_application::FlightError;
use flight_core::{FlightDeleted, FlightDisembarked, FlightEvent, FlightRejection};
use passenger_contract::SealAnswer;
use shared_kernel::{Cause, CommandContext, ExecuteError, Interruption, Position, Revision};

use crate::passenger_domain::{
    context, context_of, context_with_key, flight_after, flight_id, keyed, other_details, service, status,
};

fn departed() -> FlightEvent {
    FlightEvent::Departed(FlightDisembarked { flight_id: flight_id() })
}

fn departures(events: &[FlightEvent]) -> usize {
    events.iter().filter(|event| **event == departed()).count()
}

#[tokio::test]
async fn a_flight_departs_once_its_manifest_is_sealed() {
    let passengers = flight_after([]);
    let done = service(&passengers).depart(flight_id(), None, context()).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
    assert_eq!(done.position.to_string(), "f1.p7");
}

#[tokio::test]
async fn a_flight_stays_when_the_seal_is_refused() {
    let mut passengers = flight_after([]);
    passengers.somebody_is_missing();
    let refused = service(&passengers).depart(flight_id(), None, context()).await;
    assert!(matches!(refused, Err(FlightError::NotAllBoarded { missing: 2, .. })), "{refused:?}");
    assert_eq!(status(&passengers), Some("waitingForBoarding"));
}

#[tokio::test]
async fn a_flight_stays_when_the_passenger_domain_is_away() {
    let mut passengers = flight_after([]);
    passengers.seal = Err(Interruption::Unavailable("away".to_owned()));
    let failed = service(&passengers).depart(flight_id(), None, context()).await;
    assert_eq!(failed, Err(FlightError::Interrupted(Interruption::Unavailable("away".to_owned()))));
    assert_eq!(status(&passengers), Some("waitingForBoarding"));
}

#[tokio::test]
async fn no_seal_is_asked_for_when_the_flight_has_left_already() {
    let passengers = flight_after([departed()]);
    let refused = service(&passengers).depart(flight_id(), None, context()).await;
    let rejection = FlightRejection::AlreadyDeparted;
    assert_eq!(
        refused,
        Err(FlightError::Rejected { rejection, position: Position::at(flight_contract::STREAM, Some(Revision(1))) })
    );
    assert!(passengers.asked().is_empty());
}

#[tokio::test]
async fn no_seal_is_asked_for_when_the_version_is_stale() {
    let passengers = flight_after([]);
    let refused = service(&passengers).depart(flight_id(), Some(Revision(5).into()), context()).await;
    let stale = matches!(refused, Err(FlightError::Rejected { rejection: FlightRejection::Stale { .. }, .. }));
    assert!(stale, "{refused:?}");
    assert!(passengers.asked().is_empty());
}

#[tokio::test]
async fn the_answer_is_the_same_when_the_reaction_to_the_seal_is_faster() {
    for context in [context(), context_with_key("k")] {
        let mut passengers = flight_after([]);
        passengers.reaction_is_faster = true;
        let done = service(&passengers).depart(flight_id(), None, context).await.unwrap();
        assert_eq!(done.value.status.as_str(), "disembarked");
        assert_eq!(departures(&passengers.flights.events()), 1);
    }
}

#[tokio::test]
async fn a_repeated_departure_gets_the_first_outcome_without_another_seal() {
    let passengers = flight_after([]);
    let first = service(&passengers).depart(flight_id(), None, context_with_key("k")).await.unwrap();
    let second = service(&passengers).depart(flight_id(), None, context_with_key("k")).await.unwrap();
    assert_eq!(first.value, second.value);
    assert_eq!(passengers.asked(), ["seal"]);
    assert_eq!(departures(&passengers.flights.events()), 1);
}

#[tokio::test]
async fn another_departure_of_the_same_flight_is_refused() {
    let passengers = flight_after([]);
    service(&passengers).depart(flight_id(), None, context_with_key("k")).await.unwrap();
    let second = service(&passengers).depart(flight_id(), None, context_with_key("l")).await;
    let refused = matches!(second, Err(FlightError::Rejected { rejection: FlightRejection::AlreadyDeparted, .. }));
    assert!(refused, "{second:?}");
}

#[tokio::test]
async fn a_flight_deleted_between_seal_and_departure_never_departs() {
    let mut passengers = flight_after([]);
    passengers.meanwhile = Some(FlightEvent::Deleted(FlightDeleted { flight_id: flight_id() }));
    passengers.reaction_is_faster = true;
    let refused = service(&passengers).depart(flight_id(), None, context()).await;
    let not_found = matches!(refused, Err(FlightError::Rejected { rejection: FlightRejection::NotFound, .. }));
    assert!(not_found, "{refused:?}");
    assert_eq!(departures(&passengers.flights.events()), 0);
}

#[tokio::test(start_paused = true)]
async fn after_the_seal_nothing_that_says_nothing_was_done_is_answered() {
    let interruptions = [
        Interruption::Overloaded,
        Interruption::Unavailable("away".to_owned()),
        Interruption::Refused("no right".to_owned()),
        Interruption::OutcomeUnknown("late".to_owned()),
        Interruption::Internal("a fault".to_owned()),
    ];
    for newly in [true, false] {
        for interruption in interruptions.clone() {
            let mut passengers = flight_after([]);
            passengers.seal = Ok(SealAnswer::Sealed { revision: Some(Revision(7)), newly });
            *passengers.flights.next_departure.lock().unwrap() = Some(interruption.into());
            let unknown = service(&passengers).depart(flight_id(), None, context_with_key("k")).await;
            let is_unknown = matches!(unknown, Err(FlightError::Interrupted(Interruption::OutcomeUnknown(_))));
            assert!(is_unknown, "{unknown:?}");
            // The same request, again, finds out.
            let done = service(&passengers).depart(flight_id(), None, context_with_key("k")).await.unwrap();
            assert_eq!(done.value.status.as_str(), "disembarked");
        }
    }
}

/// The key was used for another request between the question whether it was and the seal.
#[tokio::test]
async fn a_sealed_flight_departs_although_its_key_was_used_for_something_else() {
    let passengers = flight_after([]);
    *passengers.flights.next_departure.lock().unwrap() = Some(ExecuteError::KeyReused);
    let done = service(&passengers).depart(flight_id(), None, context_with_key("k")).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
    assert_eq!(departures(&passengers.flights.events()), 1);
}

#[tokio::test]
async fn the_reaction_completes_a_departure_whose_key_was_used_for_something_else() {
    let mut passengers = flight_after([]);
    passengers.is_sealed();
    let correction = CommandContext { idempotency: Some(keyed("k", "correct")), ..context() };
    service(&passengers).correct_details(flight_id(), other_details(), None, correction).await.unwrap();
    let cause = Cause { step_of: Some(keyed("k", "disembark")), ..context().cause };
    for _ in 0..2 {
        let completed = service(&passengers).complete_departure(flight_id(), context_of(cause.clone())).await;
        assert_eq!(completed, Ok(Some(Revision(2))));
    }
    assert_eq!(departures(&passengers.flights.events()), 1);
}

/// Whoever says so: the manifest knows.
#[tokio::test]
async fn a_departure_is_completed_only_if_the_manifest_is_sealed() {
    let missing = SealAnswer::NotAllBoarded { missing: 1, passengers: Vec::new(), revision: None };
    let complete = SealAnswer::Sealed { revision: Some(Revision(7)), newly: true };
    for answer in [missing, complete, SealAnswer::Closed] {
        let mut passengers = flight_after([]);
        passengers.preview = Some(answer);
        let refused = service(&passengers).complete_departure(flight_id(), context()).await;
        assert!(matches!(refused, Err(FlightError::Interrupted(Interruption::Unavailable(_)))), "{refused:?}");
        assert_eq!(departures(&passengers.flights.events()), 0);
    }
    // One that has left, or is not there, is not asked about.
    let mut departed = flight_after([departed()]);
    departed.somebody_is_missing();
    service(&departed).complete_departure(flight_id(), context()).await.unwrap();
    assert_eq!((departures(&departed.flights.events()), departed.asked()), (1, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_departure_that_somebody_else_completed_is_refused_unless_its_own_seal_allowed_it() {
    for newly in [true, false] {
        let mut passengers = flight_after([]);
        passengers.seal = Ok(SealAnswer::Sealed { revision: Some(Revision(7)), newly });
        passengers.meanwhile = Some(departed());
        let answer = service(&passengers).depart(flight_id(), None, context_with_key("k")).await;
        let rejection = FlightRejection::AlreadyDeparted;
        match answer {
            Ok(done) => assert!(newly && done.value.status.as_str() == "disembarked", "{done:?}"),
            Err(FlightError::Rejected { rejection: found, .. }) => assert!(!newly && found == rejection, "{found}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_seal_that_nobody_completes_is_completed_by_the_next_departure() {
    let mut passengers = flight_after([]);
    passengers.seal = Ok(SealAnswer::Sealed { revision: Some(Revision(7)), newly: false });
    let done = service(&passengers).depart(flight_id(), None, context()).await.unwrap();
    assert_eq!(done.value.status.as_str(), "disembarked");
}
