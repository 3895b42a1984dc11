//! What holds after any sequence of commands.

use flight_contract::FlightId;
use std::collections::BTreeMap;

use flight_core::{
    FlightCommand, FlightDetails, FlightEvent, FlightStatus, Flights, OffsetDateTime, is_legal, may_depart,
};
use jiff::Timestamp;
use proptest::prelude::*;
use shared_kernel::testing::{Forgetting, History};
use shared_kernel::{Decider, IfVersion, Revision};
use uuid::Uuid;

use crate::samples::{details, other_details};

fn flight_id() -> impl Strategy<Value = FlightId> {
    (1..=3_u128).prop_map(|number| FlightId::new(Uuid::from_u128(number)))
}

fn version() -> impl Strategy<Value = Option<IfVersion>> {
    prop_oneof![4 => Just(None), 1 => (0..40_u64).prop_map(|number| Some(Revision(number).into()))]
}

fn command() -> impl Strategy<Value = FlightCommand> {
    let details = || prop_oneof![Just(details()), Just(other_details()), rescheduled()];
    prop_oneof![
        3 => (flight_id(), details()).prop_map(|(flight_id, details)| FlightCommand::Create { flight_id, details }),
        1 => (flight_id(), details(), version()).prop_map(|(flight_id, details, if_version)| {
            FlightCommand::CorrectDetails { flight_id, details, if_version }
        }),
        4 => news(),
        1 => (flight_id(), 0..30_u64, 0..40_u64).prop_map(|(flight_id, manifest_revision, version)| {
            let (manifest_revision, if_version) = (Revision(manifest_revision), Revision(version));
            FlightCommand::PrepareDeparture { flight_id, manifest_revision, if_version }
        }),
        1 => flight_id().prop_map(|flight_id| FlightCommand::Depart { flight_id }),
        1 => flight_id().prop_map(|flight_id| FlightCommand::CompleteDeparture { flight_id }),
        1 => (flight_id(), version())
            .prop_map(|(flight_id, if_version)| FlightCommand::Land { flight_id, if_version }),
        1 => (flight_id(), version())
            .prop_map(|(flight_id, if_version)| FlightCommand::Delete { flight_id, if_version }),
    ]
}

/// Details with any departure in any offset.
fn rescheduled() -> impl Strategy<Value = FlightDetails> {
    let (seconds, minutes) = (0..7_258_118_400_i64, -1_439..=1_439_i16);
    (seconds, minutes).prop_map(|(seconds, minutes)| {
        let at = Timestamp::from_second(seconds).unwrap();
        FlightDetails { scheduled_departure: Some(OffsetDateTime::with_offset_minutes(at, minutes)), ..details() }
    })
}

/// News about a manifest as they happen: completed at odd revisions, reopened at even ones.
fn news() -> impl Strategy<Value = FlightCommand> {
    (flight_id(), 0..30_u64).prop_map(|(flight_id, revision)| FlightCommand::NoteManifest {
        flight_id,
        complete: revision % 2 == 1,
        manifest_revision: Revision(revision),
    })
}

proptest! {
    #[test]
    fn whatever_is_decided_is_legal(commands in prop::collection::vec(command(), 1..60)) {
        History::<Flights>::of(&commands).assert_legal(is_legal);
    }

    #[test]
    fn the_stored_events_lead_to_the_same_state(commands in prop::collection::vec(command(), 1..60)) {
        History::<Flights>::of(&commands).assert_restorable();
    }

    /// Whenever a replica forgets: it decides the same, in the same words.
    #[test]
    fn what_is_forgotten_changes_no_decision(
        commands in prop::collection::vec((command(), prop::bool::weighted(0.3)), 1..80),
    ) {
        let mut both = Forgetting::<Flights>::default();
        for (command, forget) in &commands {
            let [remembered, forgotten] = both.run(command);
            prop_assert_eq!(forgotten, remembered);
            let id = command.flight_id();
            prop_assert_eq!(both.forgetting.state.status(&id), both.remembering.state.status(&id));
            prop_assert_eq!(may_depart(&both.forgetting.state, &id, None), may_depart(&both.remembering.state, &id, None));
            if *forget {
                both.forget();
                both.forgetting.assert_restorable_state();
            }
        }
    }

    #[test]
    fn an_identifier_is_never_taken_twice(commands in prop::collection::vec(command(), 1..80)) {
        let mut both = Forgetting::<Flights>::default();
        let mut created = std::collections::BTreeSet::new();
        for command in &commands {
            for event in both.run(command)[1].clone().unwrap_or_default() {
                if matches!(event, FlightEvent::Created(_)) {
                    prop_assert!(created.insert(event.flight_id()), "created twice");
                }
            }
            both.forget();
        }
    }

    #[test]
    fn a_decision_is_about_one_subject_and_gives_its_newest_version(
        commands in prop::collection::vec(command(), 1..60),
    ) {
        let mut running = History::<Flights>::default();
        let mut newest = BTreeMap::new();
        for command in &commands {
            let subject = Flights::subject(command);
            for event in running.run(command).unwrap_or_default() {
                prop_assert_eq!(Flights::subject_of_event(&event), subject);
                newest.insert(subject, Revision(running.events.len() as u64 - 1));
            }
            if let Some(flight) = Flights::outcome(&running.state, &subject) {
                prop_assert_eq!(flight.id, subject);
                prop_assert_eq!(Some(&flight.version), newest.get(&subject));
            }
        }
    }

    #[test]
    fn a_flight_never_goes_backwards(commands in prop::collection::vec(command(), 1..60)) {
        let stage = |status: FlightStatus| match status {
            FlightStatus::WaitingForBoarding | FlightStatus::AllBoarded => 0,
            FlightStatus::Departed => 1,
            FlightStatus::Arrived => 2,
        };
        let mut running = History::<Flights>::default();
        for command in &commands {
            let before = running.state.flight(&command.flight_id()).map(|flight| stage(flight.status));
            let _ = running.run(command);
            let after = running.state.flight(&command.flight_id()).map(|flight| stage(flight.status));
            match (before, after) {
                (Some(before), Some(after)) => prop_assert!(after == before || after == before + 1),
                (Some(before), None) => prop_assert_ne!(before, 1, "deleted in the air"),
                (None, after) => prop_assert!(after.is_none_or(|after| after == 0)),
            }
        }
    }

    #[test]
    fn at_the_gate_the_newest_news_counts_in_whatever_order_they_come(
        news in prop::collection::vec(news(), 1..30),
    ) {
        let mut running = History::<Flights>::default();
        let mut newest = BTreeMap::new();
        for command in &news {
            let FlightCommand::NoteManifest { flight_id, manifest_revision, .. } = *command else { continue };
            let _ = running.run(&FlightCommand::Create { flight_id, details: details() });
            running.run(command).unwrap();
            let newest = newest.entry(flight_id).or_insert(manifest_revision);
            *newest = manifest_revision.max(*newest);
            let expected = if newest.0 % 2 == 1 { FlightStatus::AllBoarded } else { FlightStatus::WaitingForBoarding };
            prop_assert_eq!(running.state.flight(&flight_id).unwrap().status, expected);
        }
    }
}
