//! What may be done with a flight, and when.

use flight_core::{
    FlightCommand, FlightDetails, FlightDetailsCorrected, FlightEvent, FlightRejection, FlightStatus, Flights,
    is_legal, may_depart,
};
use shared_kernel::testing::{Given, History, given};
use shared_kernel::{Decider, IfVersion, Revision};

use crate::samples::{
    FLIGHT, all_boarded, boarding_reopened, created, deleted, departed, details, details_corrected, landed,
    other_details,
};

const DEPART: FlightCommand = FlightCommand::Depart { flight_id: FLIGHT };
const COMPLETE_DEPARTURE: FlightCommand = FlightCommand::CompleteDeparture { flight_id: FLIGHT };
const LAND: FlightCommand = land(None);
const DELETE: FlightCommand = delete(None);

fn create() -> FlightCommand {
    FlightCommand::Create { flight_id: FLIGHT, details: details() }
}

const fn land(if_version: Option<IfVersion>) -> FlightCommand {
    FlightCommand::Land { flight_id: FLIGHT, if_version }
}

const fn delete(if_version: Option<IfVersion>) -> FlightCommand {
    FlightCommand::Delete { flight_id: FLIGHT, if_version }
}

fn correct(if_version: Option<IfVersion>) -> FlightCommand {
    FlightCommand::CorrectDetails { flight_id: FLIGHT, details: other_details(), if_version }
}

const fn news(complete: bool, manifest_revision: u64) -> FlightCommand {
    FlightCommand::NoteManifest { flight_id: FLIGHT, complete, manifest_revision: Revision(manifest_revision) }
}

fn unknown() -> Given<Flights> {
    given([])
}

fn at_gate() -> Given<Flights> {
    given([created()])
}

fn in_the_air() -> Given<Flights> {
    given([created(), all_boarded(7), departed()])
}

fn arrived() -> Given<Flights> {
    given([created(), all_boarded(7), departed(), landed()])
}

fn gone() -> Given<Flights> {
    given([created(), deleted()])
}

fn status(given: &Given<Flights>) -> Option<FlightStatus> {
    given.state.flight(&FLIGHT).map(|flight| flight.status)
}

#[test]
fn a_new_flight_waits_for_boarding() {
    unknown().when(create()).then_events([created()]);
    let flight = at_gate().state.flight(&FLIGHT).cloned().unwrap();
    assert_eq!(flight.status, FlightStatus::WaitingForBoarding);
    assert_eq!(flight.details, details());
    assert_eq!(flight.manifest_revision, None);
}

#[test]
fn an_identifier_is_given_once() {
    at_gate().when(create()).then_rejected(FlightRejection::AlreadyExists);
}

#[test]
fn details_are_corrected_at_the_gate_only() {
    at_gate().when(correct(None)).then_events([details_corrected()]);
    given::<Flights>([created(), all_boarded(7)]).when(correct(None)).then_events([details_corrected()]);
    in_the_air().when(correct(None)).then_rejected(FlightRejection::AlreadyDeparted);
    arrived().when(correct(None)).then_rejected(FlightRejection::AlreadyDeparted);
}

#[test]
fn a_correction_that_changes_nothing_is_no_event() {
    given::<Flights>([created(), details_corrected()]).when(correct(None)).then_nothing();
}

#[test]
fn only_a_correction_that_changes_nothing_is_recorded_for_its_key() {
    let corrected = given::<Flights>([created(), details_corrected()]);
    assert_eq!(Flights::restate(&corrected.state, &correct(None)), [details_corrected()]);
    for command in [create(), news(true, 7), DEPART, COMPLETE_DEPARTURE, LAND, DELETE] {
        assert_eq!(Flights::restate(&corrected.state, &command), []);
        assert_eq!(Flights::concerns(&corrected.state, &command), [FLIGHT.uuid()]);
    }
    assert_eq!(Flights::restate(&gone().state, &correct(None)), []);
}

#[test]
fn the_same_departure_with_another_offset_is_a_correction() {
    let elsewhere = || FlightDetails {
        scheduled_departure: Some("2026-04-30T22:30:00Z".parse().expect("a valid time")),
        ..details()
    };
    let correct = || FlightCommand::CorrectDetails { flight_id: FLIGHT, details: elsewhere(), if_version: None };
    let corrected =
        || FlightEvent::DetailsCorrected(FlightDetailsCorrected { flight_id: FLIGHT, details: elsewhere().into() });
    at_gate().when(correct()).then_events([corrected()]);
    given::<Flights>([created(), corrected()]).when(correct()).then_nothing();
}

#[test]
fn a_correction_replaces_all_details() {
    let given = given::<Flights>([created(), details_corrected()]);
    assert_eq!(given.state.flight(&FLIGHT).unwrap().details, other_details());
}

#[test]
fn news_from_the_manifest_changes_the_status() {
    at_gate().when(news(true, 7)).then_events([all_boarded(7)]);
    let boarded = given::<Flights>([created(), all_boarded(7)]);
    assert_eq!(status(&boarded), Some(FlightStatus::AllBoarded));
    boarded.when(news(false, 8)).then_events([boarding_reopened(8)]);
    let reopened = given::<Flights>([created(), all_boarded(7), boarding_reopened(8)]);
    assert_eq!(status(&reopened), Some(FlightStatus::WaitingForBoarding));
}

#[test]
fn old_and_repeated_news_is_ignored() {
    let boarded = given::<Flights>([created(), all_boarded(7)]);
    boarded.when(news(true, 7)).then_nothing();
    boarded.when(news(false, 7)).then_nothing();
    boarded.when(news(false, 6)).then_nothing();
}

#[test]
fn news_that_was_overtaken_never_wins() {
    given::<Flights>([created(), all_boarded(3)]).when(news(true, 5)).then_events([all_boarded(5)]);
    given::<Flights>([created(), all_boarded(3), all_boarded(5)]).when(news(false, 4)).then_nothing();
    at_gate().when(news(false, 4)).then_events([boarding_reopened(4)]);
    given::<Flights>([created(), boarding_reopened(4)]).when(news(true, 3)).then_nothing();
}

#[test]
fn news_for_a_flight_that_is_not_at_the_gate_is_ignored() {
    for given in [unknown(), in_the_air(), arrived(), gone()] {
        given.when(news(true, 99)).then_nothing();
        given.when(news(false, 99)).then_nothing();
    }
}

#[test]
fn the_seal_decides_whether_a_flight_departs_not_the_boarding_status() {
    at_gate().when(DEPART).then_events([departed()]);
    given::<Flights>([created(), all_boarded(7)]).when(DEPART).then_events([departed()]);
}

#[test]
fn a_flight_departs_once() {
    in_the_air().when(DEPART).then_rejected(FlightRejection::AlreadyDeparted);
    arrived().when(DEPART).then_rejected(FlightRejection::AlreadyDeparted);
}

#[test]
fn before_the_seal_a_flight_has_to_be_at_the_gate_in_the_expected_version() {
    let may = |given: Given<Flights>, version: Option<u64>| {
        may_depart(&given.state, &FLIGHT, version.map(|version| Revision(version).into()).as_ref())
    };
    assert_eq!(may(at_gate(), None), Ok(()));
    assert_eq!(may(at_gate(), Some(0)), Ok(()));
    assert_eq!(may(at_gate(), Some(1)), Err(FlightRejection::Stale { current: Revision(0) }));
    assert_eq!(may(in_the_air(), Some(1)), Err(FlightRejection::Stale { current: Revision(2) }));
    assert_eq!(may(in_the_air(), Some(2)), Err(FlightRejection::AlreadyDeparted));
    assert_eq!(may(arrived(), None), Err(FlightRejection::AlreadyDeparted));
    assert_eq!(may(gone(), Some(0)), Err(FlightRejection::NotFound));
}

const fn prepare(manifest_revision: u64, if_version: u64) -> FlightCommand {
    let (manifest_revision, if_version) = (Revision(manifest_revision), Revision(if_version));
    FlightCommand::PrepareDeparture { flight_id: FLIGHT, manifest_revision, if_version }
}

#[test]
fn a_prepared_departure_makes_another_version() {
    at_gate().when(prepare(7, 0)).then_events([all_boarded(7)]);
    let boarded = given::<Flights>([created(), all_boarded(7)]);
    boarded.when(prepare(7, 1)).then_events([all_boarded(7)]);
    boarded.when(prepare(8, 1)).then_events([all_boarded(8)]);
    boarded.when(prepare(8, 0)).then_rejected(FlightRejection::Stale { current: Revision(1) });
    History::<Flights>::after(&[created(), all_boarded(7), all_boarded(7), departed()]).assert_legal(is_legal);
    boarded.when(correct(Some(Revision(0).into()))).then_rejected(FlightRejection::Stale { current: Revision(1) });
}

#[test]
fn a_departure_is_not_prepared_with_news_that_was_overtaken() {
    let reopened = given::<Flights>([created(), all_boarded(7), boarding_reopened(8)]);
    for overtaken in [7, 8] {
        reopened.when(prepare(overtaken, 2)).then_rejected(FlightRejection::Stale { current: Revision(2) });
    }
}

#[test]
fn a_command_may_be_meant_for_one_of_several_versions_or_for_any_but_some() {
    let stale = || FlightRejection::Stale { current: Revision(0) };
    let one_of = |versions: &[u64]| Some(IfVersion::one_of(versions.iter().copied().map(Revision)));
    at_gate().when(delete(one_of(&[0, 999]))).then_events([deleted()]);
    at_gate().when(delete(one_of(&[1, 999]))).then_rejected(stale());
    at_gate().when(delete(one_of(&[]))).then_rejected(stale());
    let none_of = |version| Some(IfVersion::default().and_none_of([Revision(version)]));
    at_gate().when(delete(none_of(0))).then_rejected(stale());
    at_gate().when(delete(none_of(1))).then_events([deleted()]);
    at_gate().when(delete(Some(IfVersion::default().and_absent()))).then_rejected(stale());
    let both = IfVersion::from(Revision(0)).and_none_of([Revision(0)]);
    at_gate().when(delete(Some(both))).then_rejected(stale());
}

#[test]
fn only_a_flight_at_the_gate_is_prepared() {
    in_the_air().when(prepare(9, 2)).then_rejected(FlightRejection::AlreadyDeparted);
    gone().when(prepare(9, 0)).then_rejected(FlightRejection::NotFound);
}

#[test]
fn a_departure_is_completed_once_and_never_refused() {
    at_gate().when(COMPLETE_DEPARTURE).then_events([departed()]);
    for given in [unknown(), in_the_air(), arrived(), gone()] {
        given.when(COMPLETE_DEPARTURE).then_nothing();
    }
}

#[test]
fn only_a_flight_in_the_air_lands() {
    in_the_air().when(LAND).then_events([landed()]);
    at_gate().when(LAND).then_rejected(FlightRejection::NotDeparted);
    given::<Flights>([created(), all_boarded(7)]).when(LAND).then_rejected(FlightRejection::NotDeparted);
    arrived().when(LAND).then_rejected(FlightRejection::AlreadyArrived);
}

#[test]
fn a_flight_is_deleted_before_or_after_it_was_in_the_air() {
    at_gate().when(DELETE).then_events([deleted()]);
    in_the_air().when(DELETE).then_rejected(FlightRejection::InTheAir);
    arrived().when(DELETE).then_events([deleted()]);
}

#[test]
fn what_is_unknown_or_deleted_is_not_found() {
    for given in [unknown(), gone()] {
        for command in [correct(None), DEPART, LAND, DELETE, delete(Some(Revision(0).into()))] {
            given.when(command).then_rejected(FlightRejection::NotFound);
        }
        assert_eq!(Flights::outcome(&given.state, &FLIGHT), None);
    }
}

#[test]
fn a_command_for_an_older_version_is_stale_before_any_rule_is_asked() {
    let stale = FlightRejection::Stale { current: Revision(2) };
    for version in [0, 1, 3] {
        let version = Some(Revision(version));
        let wanted = || version.map(IfVersion::from);
        for command in [correct(wanted()), land(wanted()), delete(wanted())] {
            in_the_air().when(command).then_rejected(stale.clone());
        }
    }
    in_the_air().when(land(Some(Revision(2).into()))).then_events([landed()]);
}

#[test]
fn a_version_is_the_number_of_the_last_event_about_the_flight() {
    let events = [created(), details_corrected(), all_boarded(7), boarding_reopened(8), departed(), landed()];
    for number in 0..events.len() {
        let given = given::<Flights>(events[..=number].to_vec());
        assert_eq!(given.state.flight(&FLIGHT).unwrap().version, Revision(number as u64));
    }
}
