//! What holds after any sequence of commands.

use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use std::collections::{BTreeMap, BTreeSet};

use passenger_core::{
    Counts, Manifest, ManifestNews, ManifestState, PassengerCommand, PassengerEvent, PassengerOutcome,
    PassengerRejection, PassengerState, PassengerStatus, PassengerSubject, Passengers, is_legal,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use shared_kernel::testing::{Forgetting, History};
use shared_kernel::{Decider, DomainEvent, IfVersion, Revision};
use uuid::Uuid;

use crate::samples::{passenger, text};

/// Few flights, so that each of them sees much.
const FLIGHTS: u128 = 2;
const PASSENGERS: u128 = 6;

const fn flight(number: u128) -> FlightId {
    FlightId::new(Uuid::from_u128(number))
}

fn flight_id() -> impl Strategy<Value = FlightId> {
    (1..=FLIGHTS).prop_map(flight)
}

fn passenger_id() -> impl Strategy<Value = PassengerId> {
    (1..=PASSENGERS).prop_map(passenger)
}

fn version() -> impl Strategy<Value = Option<IfVersion>> {
    prop_oneof![6 => Just(None), 1 => (0..40_u64).prop_map(|number| Some(Revision(number).into()))]
}

fn ending() -> impl Strategy<Value = FlightEnding> {
    prop_oneof![Just(FlightEnding::Landed), Just(FlightEnding::Deleted)]
}

fn command() -> impl Strategy<Value = PassengerCommand> {
    let name = || prop_oneof![Just(text("Zoë")), Just(text("Max"))];
    prop_oneof![
        12 => (passenger_id(), flight_id(), name()).prop_map(|(passenger_id, flight_id, name)| {
            PassengerCommand::CheckIn { passenger_id, flight_id, name }
        }),
        3 => (passenger_id(), name(), version()).prop_map(|(passenger_id, name, if_version)| {
            PassengerCommand::CorrectName { passenger_id, name, if_version }
        }),
        16 => (passenger_id(), version())
            .prop_map(|(passenger_id, if_version)| PassengerCommand::Board { passenger_id, if_version }),
        6 => (passenger_id(), version()).prop_map(|(passenger_id, if_version)| {
            PassengerCommand::Offload { passenger_id, reason: text("no-show"), if_version }
        }),
        3 => flight_id().prop_map(|flight_id| PassengerCommand::Seal { flight_id }),
        1 => (flight_id(), ending())
            .prop_map(|(flight_id, ending)| PassengerCommand::Close { flight_id, ending }),
    ]
}

fn commands() -> impl Strategy<Value = Vec<PassengerCommand>> {
    prop::collection::vec(command(), 1..80)
}

fn manifests(state: &PassengerState) -> impl Iterator<Item = (FlightId, std::sync::Arc<Manifest>)> {
    (1..=FLIGHTS).map(flight).map(|flight_id| (flight_id, state.manifest(&flight_id)))
}

fn recount(manifest: &Manifest) -> Counts {
    let count = |status| manifest.passengers().filter(|passenger| passenger.status == status).count() as u64;
    Counts {
        checked_in: count(PassengerStatus::CheckedIn),
        boarded: count(PassengerStatus::Boarded),
        arrived: count(PassengerStatus::Arrived),
        offloaded: count(PassengerStatus::Offloaded),
    }
}

/// Checks every manifest after each command, with all that has happened until then.
fn after_each(
    commands: &[PassengerCommand],
    check: impl Fn(&PassengerState, FlightId, &Manifest) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut running = History::<Passengers>::default();
    for command in commands {
        let _ = running.run(command);
        manifests(&running.state).try_for_each(|(flight_id, manifest)| check(&running.state, flight_id, &manifest))?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_decided_is_legal(commands in commands()) {
        History::<Passengers>::of(&commands).assert_legal(is_legal);
    }

    #[test]
    fn the_stored_events_lead_to_the_same_state(commands in commands()) {
        History::<Passengers>::of(&commands).assert_restorable();
    }

    #[test]
    fn counts_and_completeness_are_those_of_a_recount(commands in commands()) {
        after_each(&commands, |state, flight_id, manifest| {
            let recount = recount(manifest);
            prop_assert_eq!(manifest.counts(), recount);
            prop_assert_eq!(manifest.is_complete(), recount.boarded > 0 && recount.checked_in == 0);
            for passenger in manifest.passengers() {
                prop_assert_eq!(passenger.flight_id, flight_id);
                prop_assert_eq!(state.passenger(&passenger.id), Some(passenger));
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_news_of_an_open_manifest_alternate_and_tell_whether_it_is_complete(commands in commands()) {
        let mut running = History::<Passengers>::default();
        let mut complete = BTreeMap::new();
        for command in &commands {
            for event in running.run(command).unwrap_or_default() {
                let Some(ManifestNews::Complete(news)) = event.news() else { continue };
                let known = complete.insert(event.flight_id(), news).unwrap_or(false);
                prop_assert_ne!(known, news, "told twice");
            }
            for (flight_id, manifest) in manifests(&running.state) {
                if !matches!(manifest.state(), ManifestState::Closed(_)) {
                    prop_assert_eq!(manifest.is_complete(), complete.get(&flight_id).copied().unwrap_or(false));
                }
            }
        }
    }

    #[test]
    fn only_a_complete_manifest_is_sealed_and_only_its_end_changes_it_then(commands in commands()) {
        let mut running = History::<Passengers>::default();
        for command in &commands {
            let before = running.state.clone();
            for event in running.run(command).unwrap_or_default() {
                let manifest = before.manifest(&event.flight_id());
                match manifest.state() {
                    ManifestState::Open => if matches!(event, PassengerEvent::ManifestSealed(_)) {
                        let counts = recount(&manifest);
                        prop_assert!(counts.boarded > 0 && counts.checked_in == 0, "sealed at {counts:?}");
                    },
                    ManifestState::Sealed | ManifestState::Closed(_) => {
                        prop_assert!(matches!(command, PassengerCommand::Close { .. }), "{command:?}: {event:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_deleted_flight_ends_with_nobody(commands in commands(), flight_id in flight_id(), late in commands()) {
        let mut running = History::<Passengers>::of(&commands);
        let close = PassengerCommand::Close { flight_id, ending: FlightEnding::Deleted };
        for _ in 0..=PASSENGERS {
            if running.run(&close).unwrap().is_empty() {
                break;
            }
        }
        prop_assert!(running.state.manifest(&flight_id).is_finished(FlightEnding::Deleted));
        for command in &late {
            let _ = running.run(command);
            let manifest = running.state.manifest(&flight_id);
            prop_assert_eq!(manifest.passengers().count(), 0);
            prop_assert_eq!(manifest.state(), ManifestState::Closed(FlightEnding::Deleted));
        }
    }

    #[test]
    fn a_manifest_is_finished_exactly_when_closing_it_decides_nothing(commands in commands()) {
        after_each(&commands, |state, flight_id, manifest| {
            for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
                let decided = Passengers::decide(state, &PassengerCommand::Close { flight_id, ending });
                prop_assert_eq!(decided.unwrap().is_empty(), manifest.is_finished(ending));
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_first_event_of_a_decision_tells_its_subject(commands in commands()) {
        let mut running = History::<Passengers>::default();
        for command in &commands {
            let subject = Passengers::subject(command);
            let Some(first) = running.run(command).unwrap_or_default().into_iter().next() else { continue };
            prop_assert_eq!(Passengers::subject_of_event(&first), subject);
            match (Passengers::outcome(&running.state, &subject), subject) {
                (PassengerOutcome::Passenger(outcome), PassengerSubject::Passenger(id)) => {
                    prop_assert_eq!(outcome.as_ref(), running.state.passenger(&id));
                    prop_assert!(outcome.is_some());
                }
                (PassengerOutcome::Manifest(outcome), PassengerSubject::Manifest(flight_id)) => {
                    prop_assert_eq!(outcome, running.state.manifest(&flight_id));
                }
                (outcome, subject) => prop_assert!(false, "{subject:?} gives {outcome:?}"),
            }
        }
    }

    /// Whenever a replica forgets: it decides the same. Only what is said about a passenger whom nobody remembers is left
    /// to the read model, and nobody can do anything with them.
    #[test]
    fn what_is_forgotten_changes_no_decision(commands in prop::collection::vec((command(), any::<bool>()), 1..120)) {
        let mut both = Forgetting::<Passengers>::default();
        let mut used = BTreeSet::new();
        for (command, forget) in &commands {
            // Identifiers are made for each passenger.
            if let PassengerCommand::CheckIn { passenger_id, .. } = command
                && !used.insert(*passenger_id)
            {
                continue;
            }
            match deleted_unlisted(&both, command) {
                Some(removed) => prop_assert!(remove_as_the_service_does(&mut both, command, removed)),
                None => {
                    let [remembered, forgotten] = both.run(command);
                    assert_same(&remembered, &forgotten, &both.forgetting.state)?;
                }
            }
            for (flight_id, remembered) in manifests(&both.remembering.state) {
                let forgotten = both.forgetting.state.manifest(&flight_id);
                prop_assert_eq!(forgotten.state(), remembered.state());
                prop_assert_eq!(
                    forgotten.unlisted() + forgotten.passengers().count() as u64,
                    remembered.passengers().count() as u64
                );
                for ending in [FlightEnding::Landed, FlightEnding::Deleted] {
                    prop_assert_eq!(forgotten.is_finished(ending), remembered.is_finished(ending));
                }
            }
            if *forget {
                both.forget();
                both.forgetting.assert_restorable_state();
            }
        }
    }

    #[test]
    fn any_sequence_of_facts_can_be_folded_and_forgotten(
        events in prop::collection::vec((fact(), any::<bool>()), 1..120),
    ) {
        let mut both = Forgetting::<Passengers>::default();
        for (event, forget) in events {
            let closed: Vec<_> = manifests(&both.forgetting.state)
                .filter(|(_, manifest)| matches!(manifest.state(), ManifestState::Closed(_)))
                .collect();
            let seals = matches!(event, PassengerEvent::ManifestSealed(_) | PassengerEvent::ManifestClosed(_));
            both.append([event]);
            for (flight_id, _) in closed.iter().filter(|_| !seals) {
                let state = both.forgetting.state.manifest(flight_id).state();
                prop_assert!(matches!(state, ManifestState::Closed(_)), "a closed manifest opens again");
            }
            if forget {
                both.forget();
            }
            both.forgetting.assert_restorable_state();
        }
    }

    #[test]
    fn any_sequence_of_facts_can_be_folded(events in prop::collection::vec(fact(), 1..80)) {
        let mut state = PassengerState::default();
        for (number, event) in (0..).zip(&events) {
            Passengers::evolve(&mut state, event, Revision(number));
        }
        for (_, manifest) in state.manifests() {
            prop_assert_eq!(manifest.counts(), recount(manifest));
        }
    }
}

/// Those whom deleting a flight removes, if the state that forgets does not list them any more.
fn deleted_unlisted(both: &Forgetting<Passengers>, command: &PassengerCommand) -> Option<Vec<PassengerId>> {
    let PassengerCommand::Close { flight_id, ending: FlightEnding::Deleted } = command else { return None };
    let listed = both.remembering.state.manifest(flight_id);
    let unlisted = both.forgetting.state.manifest(flight_id).unlisted();
    (unlisted > 0).then(|| listed.passengers().map(|passenger| passenger.id).collect())
}

/// Closes on the state that forgets, and removes those whom the other one knows, as the read model does; also whom it
/// shows although they were removed. Answers whether the same has happened.
fn remove_as_the_service_does(
    both: &mut Forgetting<Passengers>,
    command: &PassengerCommand,
    passengers: Vec<PassengerId>,
) -> bool {
    let PassengerCommand::Close { flight_id, .. } = *command else { return false };
    let expected = Passengers::decide(&both.remembering.state, command).unwrap();
    let mut done = Passengers::decide(&both.forgetting.state, command).unwrap();
    both.append(done.iter().cloned());
    for _ in 0..2 {
        let remove = PassengerCommand::RemoveUnlisted { flight_id, passengers: passengers.clone() };
        let removed = Passengers::decide(&both.forgetting.state, &remove).unwrap();
        both.append(removed.iter().cloned());
        done.extend(removed);
    }
    done == expected
}

/// The same is decided; and whoever is not remembered is said to be unknown, or on a flight that has ended.
fn assert_same(
    remembered: &Result<Vec<PassengerEvent>, PassengerRejection>,
    forgotten: &Result<Vec<PassengerEvent>, PassengerRejection>,
    state: &PassengerState,
) -> Result<(), TestCaseError> {
    let Err(PassengerRejection::NotRemembered { forgotten: newest }) = forgotten else {
        prop_assert_eq!(forgotten, remembered);
        return Ok(());
    };
    prop_assert_eq!(state.forgotten(), Some(*newest));
    match remembered {
        Err(PassengerRejection::NotFound | PassengerRejection::ManifestClosed { .. }) => {}
        Err(PassengerRejection::Stale { current }) => prop_assert!(current <= newest, "the read model may not show it"),
        other => prop_assert!(false, "{other:?} was possible before"),
    }
    Ok(())
}

/// A fact that need not fit those before it.
fn fact() -> impl Strategy<Value = PassengerEvent> {
    let ids = || {
        (flight_id(), passenger_id()).prop_map(
            |(flight_id, passenger_id)| serde_json::json!({ "flightId": flight_id, "passengerId": passenger_id }),
        )
    };
    let versions = prop::sample::select(PassengerEvent::VERSIONS);
    (ids(), versions, ending()).prop_map(|(mut data, (event_type, version), ending)| {
        data["name"] = "Zoë".into();
        data["reason"] = "no-show".into();
        data["boarded"] = 1.into();
        data["missing"] = 1.into();
        data["ending"] = ending.as_str().into();
        PassengerEvent::decode(event_type, version, data.to_string().as_bytes()).expect("a valid fact")
    })
}
