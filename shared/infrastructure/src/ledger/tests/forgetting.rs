//! When a ledger lets its state forget what has ended.

use std::time::Duration;

use imbl::OrdMap;

use super::*;
use crate::ledger::{FORGET_AFTER, FORGOTTEN_PER_EVENT};

/// Things that begin and end.
struct Things;

/// Whether each of them has ended.
type State = OrdMap<Uuid, bool>;

#[derive(Clone)]
struct Happened {
    thing: u128,
    ends: bool,
}

impl DomainEvent for Happened {
    const VERSIONS: &'static [(&'static str, u32)] = &[("Happened", 1)];
    const KEY_FIELD: &'static str = "id";

    fn key(&self) -> Uuid {
        Uuid::from_u128(self.thing)
    }

    fn event_type(&self) -> &'static str {
        "Happened"
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        Ok(b"{}".to_vec())
    }

    fn decode(event_type: &str, _: u32, _: &[u8]) -> Result<Self, UndecodableEvent> {
        Err(UndecodableEvent::UnknownType(event_type.to_owned()))
    }
}

impl Decider for Things {
    type State = State;
    type Command = ();
    type Event = Happened;
    type Rejection = Infallible;
    type Subject = ();
    type Outcome = ();

    const STATE_VERSION: u32 = 1;

    fn decide(_: &State, (): &()) -> Result<Vec<Happened>, Infallible> {
        Ok(Vec::new())
    }

    fn concerns(_: &State, (): &()) -> Vec<Uuid> {
        Vec::new()
    }

    fn evolve(state: &mut State, event: &Happened, _: Revision) {
        state.insert(event.key(), event.ends);
    }

    fn has_ended(state: &State, key: Uuid) -> bool {
        state.get(&key) == Some(&true)
    }

    fn forget(state: &mut State, key: Uuid) {
        if Self::has_ended(state, key) {
            state.remove(&key);
        }
    }

    fn subject((): &()) {}

    fn subject_of_event(_: &Happened) {}

    fn outcome(_: &State, (): &()) {}
}

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
}

fn happens(ledger: &mut Ledger<Things>, hours: i64, thing: u128, ends: bool) {
    fold(ledger, Some(at(hours)), thing, ends);
}

fn fold(ledger: &mut Ledger<Things>, created: Option<Timestamp>, thing: u128, ends: bool) {
    ledger.fold_fact(&Fact {
        event: &Happened { thing, ends },
        revision: ledger.next_revision(),
        event_id: Uuid::nil(),
        created,
        command: None,
    });
}

fn things(ledger: &Ledger<Things>) -> Vec<u128> {
    ledger.state().keys().map(Uuid::as_u128).collect()
}

#[test]
fn what_has_ended_is_forgotten_three_days_of_events_later() {
    let mut ledger = Ledger::<Things>::default();
    assert_eq!(FORGET_AFTER, Duration::from_secs(72 * 60 * 60));
    happens(&mut ledger, 0, 1, false);
    happens(&mut ledger, 1, 2, false);
    happens(&mut ledger, 1, 2, true);
    happens(&mut ledger, 72, 3, true);
    assert_eq!(things(&ledger), [1, 2, 3]);
    happens(&mut ledger, 73, 4, false);
    assert_eq!(things(&ledger), [1, 3, 4], "and what has not ended stays");
    // An earlier time changes nothing.
    happens(&mut ledger, 2, 5, true);
    assert_eq!(things(&ledger), [1, 3, 4, 5]);
    happens(&mut ledger, 74, 6, false);
    assert_eq!(things(&ledger), [1, 3, 4, 6]);
}

/// What this process has appended itself ends when the event store says so.
#[test]
fn only_the_time_of_the_event_store_counts() {
    let mut ledger = Ledger::<Things>::default();
    fold(&mut ledger, None, 1, true);
    fold(&mut ledger, None, 2, true);
    ledger.date(Revision(0), at(0));
    ledger.date(Revision(1), at(10));
    happens(&mut ledger, 72, 3, false);
    assert_eq!(things(&ledger), [2, 3]);
    fold(&mut ledger, None, 4, false);
    assert_eq!(things(&ledger), [2, 3, 4]);
    ledger.date(Revision(3), at(82));
    assert_eq!(things(&ledger), [3, 4]);
}

#[test]
fn what_began_again_is_not_forgotten() {
    let mut ledger = Ledger::<Things>::default();
    happens(&mut ledger, 0, 1, true);
    happens(&mut ledger, 10, 1, false);
    happens(&mut ledger, 100, 2, false);
    assert_eq!(things(&ledger), [1, 2]);
    happens(&mut ledger, 101, 1, true);
    happens(&mut ledger, 173, 2, false);
    assert_eq!(things(&ledger), [2]);
}

/// Nobody waits while everything that ended before a quiet time is forgotten at once.
#[test]
fn what_has_piled_up_goes_bit_by_bit() {
    let mut ledger = Ledger::<Things>::default();
    for thing in 0..100 {
        happens(&mut ledger, 0, thing, true);
    }
    for events in 1..=12 {
        happens(&mut ledger, 1_000, 1_000, false);
        assert_eq!(things(&ledger).len(), 101 - events * FORGOTTEN_PER_EVENT);
    }
    happens(&mut ledger, 1_000, 1_000, false);
    assert_eq!(things(&ledger), [1_000]);
    assert!(ledger.ended.is_empty());
}

#[test]
fn a_snapshot_forgets_as_the_ledger_that_was_saved() {
    let mut saved = Ledger::<Things>::default();
    happens(&mut saved, 0, 1, true);
    happens(&mut saved, 5, 2, true);
    let settings = Ledger::default().forgetting_after(Duration::from_secs(60 * 60 * 10));
    let restored = serde_json::from_slice(&serde_json::to_vec(&saved).unwrap()).unwrap();
    let mut restored = settings.or_from(Some(restored));
    happens(&mut restored, 10, 3, false);
    assert_eq!(things(&restored), [2, 3]);
    let mut anew = restored.emptied();
    happens(&mut anew, 0, 1, true);
    happens(&mut anew, 10, 2, false);
    assert_eq!(things(&anew), [2]);
}
