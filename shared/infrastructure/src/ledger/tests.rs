mod forgetting;

use std::convert::Infallible;

use jiff::{SignedDuration, Timestamp};
use shared_kernel::{Decider, DomainEvent, Idempotency, IdempotencyKey, Revision, UndecodableEvent};
use uuid::Uuid;

use super::{Fact, KeyedCommand, Ledger};
use crate::event_store::{AllPosition, Recorded};

/// Counts events; the outcome of a command is the count after it.
struct Counter;

#[derive(Clone)]
struct Counted;

impl DomainEvent for Counted {
    const VERSIONS: &'static [(&'static str, u32)] = &[("Counted", 1)];
    const KEY_FIELD: &'static str = "id";

    fn key(&self) -> Uuid {
        Uuid::nil()
    }

    fn event_type(&self) -> &'static str {
        "Counted"
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        Ok(b"{}".to_vec())
    }

    fn decode(event_type: &str, _: u32, _: &[u8]) -> Result<Self, UndecodableEvent> {
        if event_type == "Counted" { Ok(Self) } else { Err(UndecodableEvent::UnknownType(event_type.to_owned())) }
    }
}

impl Decider for Counter {
    type State = u64;
    type Command = ();
    type Event = Counted;
    type Rejection = Infallible;
    type Subject = ();
    type Outcome = u64;

    const STATE_VERSION: u32 = 1;

    fn decide(_: &u64, (): &()) -> Result<Vec<Counted>, Infallible> {
        Ok(vec![Counted])
    }

    fn concerns(_: &u64, (): &()) -> Vec<Uuid> {
        Vec::new()
    }

    fn evolve(state: &mut u64, _: &Counted, _: Revision) {
        *state += 1;
    }

    fn subject((): &()) {}

    fn subject_of_event(_: &Counted) {}

    fn outcome(state: &u64, (): &()) -> u64 {
        *state
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

/// Folds the events of one command.
fn fold(ledger: &mut Ledger<Counter>, key: &str, minutes: i64, events: usize) {
    fold_at(ledger, key, Some(at(minutes)), events);
}

/// Folds the events of a command that this process has appended.
fn fold_own(ledger: &mut Ledger<Counter>, key: &str, events: usize) -> Revision {
    fold_at(ledger, key, None, events);
    ledger.revision().unwrap()
}

fn fold_at(ledger: &mut Ledger<Counter>, key: &str, created: Option<Timestamp>, events: usize) {
    let command_id = Uuid::now_v7();
    let idempotency = Idempotency::new(IdempotencyKey::new(key).unwrap(), key.to_owned());
    for _ in 0..events {
        ledger.fold_fact(&Fact {
            event_id: Uuid::nil(),
            event: &Counted,
            revision: ledger.next_revision(),
            created,
            command: Some(KeyedCommand { id: command_id, idempotency: &idempotency }),
        });
    }
}

fn outcome(ledger: &Ledger<Counter>, key: &str) -> Option<u64> {
    ledger.remembered(&IdempotencyKey::new(key).unwrap()).map(|remembered| remembered.outcome)
}

const HOUR: i64 = 60;

#[test]
fn a_command_is_remembered_for_a_day_and_then_forgotten() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "first", 0, 1);
    fold(&mut ledger, "second", HOUR, 1);
    fold(&mut ledger, "third", 24 * HOUR + 59, 1);
    assert_eq!(outcome(&ledger, "first"), Some(1));

    fold(&mut ledger, "fourth", 25 * HOUR + 1, 1);
    assert_eq!(outcome(&ledger, "first"), None);
    assert_eq!(outcome(&ledger, "second"), Some(2));
}

#[test]
fn a_command_with_several_events_is_forgotten_as_well() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "first", 0, 3);
    assert_eq!(outcome(&ledger, "first"), Some(3));

    fold(&mut ledger, "second", 26 * HOUR, 1);
    assert_eq!(outcome(&ledger, "first"), None);
    assert_eq!((ledger.remembered.len(), ledger.by_age.len()), (1, 1));
}

#[test]
fn a_key_that_is_used_again_belongs_to_the_newer_command() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "key", 0, 2);
    fold(&mut ledger, "key", 20 * HOUR, 2);
    fold(&mut ledger, "other", 26 * HOUR, 1);
    assert_eq!(outcome(&ledger, "key"), Some(4));

    fold(&mut ledger, "other", 46 * HOUR, 1);
    assert_eq!(outcome(&ledger, "key"), None);
}

#[test]
fn a_clock_that_goes_back_forgets_nothing() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "first", 30 * HOUR, 1);
    fold(&mut ledger, "second", 0, 1);
    assert_eq!((outcome(&ledger, "first"), outcome(&ledger, "second")), (Some(1), Some(2)));
}

#[test]
fn memory_does_not_grow_beyond_a_day() {
    let mut ledger = Ledger::<Counter>::default();
    for minute in 0..(60 * HOUR) {
        fold(&mut ledger, &format!("key {minute}"), minute, 1 + usize::from(minute % 2 == 0));
    }
    assert_eq!((ledger.remembered.len(), ledger.by_age.len()), (25 * 60 + 1, 25 * 60 + 1));
}

/// As it comes back from what is stored of it.
fn restored(ledger: &Ledger<Counter>) -> Ledger<Counter> {
    serde_json::from_slice(&serde_json::to_vec(ledger).unwrap()).unwrap()
}

#[test]
fn a_restored_ledger_goes_on_as_the_one_that_was_saved() {
    let mut saved = Ledger::<Counter>::default();
    fold(&mut saved, "first", 0, 2);
    fold(&mut saved, "second", HOUR, 1);
    let mut restored = restored(&saved);
    assert_eq!((*restored.state(), restored.last_event()), (3, Some((Revision(2), Uuid::nil()))));
    assert_eq!((outcome(&restored, "first"), outcome(&restored, "second")), (Some(2), Some(3)));

    fold(&mut restored, "third", 25 * HOUR + 1, 1);
    assert_eq!((outcome(&restored, "first"), outcome(&restored, "second")), (None, Some(3)));
}

/// What is stored of a ledger is read by the next release, unless it is of another format.
#[test]
fn a_ledger_is_stored_as_its_format_says() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "key", 1, 2);
    let mut stored = serde_json::to_value(&ledger).unwrap();
    stored["remembered"][0][1]["command_id"] = "another each time".into();
    let digest = "2c70e12b-7a06-46f9-2279-f427c7b38e73";
    let expected = serde_json::json!({
        "state": 2,
        "revision": 1,
        "last_event": Uuid::nil(),
        "remembered": [[digest, {
            "command_id": "another each time",
            "first_revision": 0,
            "subject": null,
            "fingerprint": digest,
            "outcome": 2,
            "revision": 1,
        }]],
        "by_age": [[["1970-01-01T00:01:00Z", 0], digest]],
        "ended": [],
        "unreadable": [],
    });
    assert_eq!((crate::snapshot::LEDGER_FORMAT, stored), (6, expected), "raise LEDGER_FORMAT");
}

#[test]
fn what_is_no_snapshot_is_refused() {
    for snapshot in
        ["", "{}", "[1,2]", r#"{"state":-1,"revision":2,"last_event":null,"remembered":[],"by_age":[],"ended":[]}"#]
    {
        assert!(serde_json::from_str::<Ledger<Counter>>(snapshot).is_err(), "{snapshot}");
    }
}

/// Whatever the clock of this machine says.
#[test]
fn what_this_process_has_appended_ages_by_the_time_of_the_event_store() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "old", 0, 1);
    let first = fold_own(&mut ledger, "first", 2);
    let second = fold_own(&mut ledger, "second", 1);
    assert_eq!((outcome(&ledger, "old"), outcome(&ledger, "first")), (Some(1), Some(3)));

    ledger.date(first, at(HOUR));
    ledger.date(second, at(3 * HOUR));
    ledger.date(Revision(second.0 + 1), at(26 * HOUR));
    assert_eq!((outcome(&ledger, "old"), outcome(&ledger, "first")), (None, Some(3)));
    ledger.date(Revision(second.0 + 2), at(27 * HOUR));
    assert_eq!((outcome(&ledger, "first"), outcome(&ledger, "second")), (None, Some(4)));
    ledger.date(Revision(second.0 + 3), at(29 * HOUR));
    assert_eq!((ledger.remembered.len(), ledger.by_age.len()), (0, 0));
}

#[test]
fn what_is_not_read_back_is_at_most_as_old_as_what_comes_after_it() {
    let mut ledger = Ledger::<Counter>::default();
    fold(&mut ledger, "old", 0, 1);
    fold_own(&mut ledger, "own", 1);
    let mut ledger = restored(&ledger);
    let next = ledger.next_revision();
    ledger.date(next, at(30 * HOUR));
    assert_eq!((outcome(&ledger, "old"), outcome(&ledger, "own")), (None, Some(2)));
    ledger.date(next, at(55 * HOUR + 1));
    assert_eq!((ledger.remembered.len(), ledger.by_age.len()), (0, 0));
}

fn recorded(revision: Revision, event_type: &str, data: &'static str) -> Recorded {
    Recorded {
        stream: "counter-stream".to_owned(),
        revision,
        position: AllPosition { commit: 0, prepare: 0 },
        event_id: Uuid::now_v7(),
        event_type: event_type.to_owned(),
        created: Timestamp::UNIX_EPOCH,
        data: data.into(),
        custom_metadata: r#"{"schemaVersion":1}"#.into(),
    }
}

#[test]
fn a_snapshot_remembers_what_cannot_be_read() {
    let mut ledger = Ledger::<Counter>::default();
    let data = r#"{"id":"01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01","other":"01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d02","n":1}"#;
    ledger.fold(&recorded(Revision(0), "Invented", data));
    ledger.fold(&recorded(Revision(1), "Invented", "{"));
    let restored = restored(&ledger);
    for ledger in [&ledger, &restored] {
        let is_readable =
            |last: u128| ledger.is_readable(&Uuid::from_u128(0x01926e2a_7c3e_7b52_8f6d_0a4f6b1c9d00 + last));
        assert_eq!([is_readable(1), is_readable(2), is_readable(3)], [false, false, true]);
        assert_eq!(ledger.revision(), Some(Revision(1)));
    }
}
