mod forgetting;

use std::convert::Infallible;

use jiff::{SignedDuration, Timestamp};
use shared_kernel::{Decider, DomainEvent, Idempotency, IdempotencyKey, Revision, UndecodableEvent};
use uuid::Uuid;

use super::{Fact, KeyedCommand, Ledger};

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

    fn decode(_: &str, _: u32, _: &[u8]) -> Result<Self, UndecodableEvent> {
        Ok(Self)
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

    fn evolve(state: &mut u64, _: &Counted, _: Revision) {
        *state += 1;
    }

    fn subject((): &()) {}

    fn subject_of_event(_: &Counted) {}

    fn outcome(state: &u64, (): &()) -> u64 {
        *state
    }
}

/// Folds the events of one command.
fn fold(ledger: &mut Ledger<Counter>, key: &str, minutes: i64, events: usize) {
    let command_id = Uuid::now_v7();
    let idempotency = Idempotency { key: IdempotencyKey::new(key).unwrap(), fingerprint: key.to_owned() };
    for _ in 0..events {
        ledger.fold_fact(&Fact {
            event_id: Uuid::nil(),
            event: &Counted,
            revision: ledger.next_revision(),
            created: Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes),
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

#[test]
fn a_restored_ledger_goes_on_as_the_one_that_was_saved() {
    let mut saved = Ledger::<Counter>::default();
    fold(&mut saved, "first", 0, 2);
    fold(&mut saved, "second", HOUR, 1);
    let mut restored = serde_json::from_slice::<Ledger<Counter>>(&serde_json::to_vec(&saved).unwrap()).unwrap();
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
    let expected = serde_json::json!({
        "state": 2,
        "revision": 1,
        "last_event": Uuid::nil(),
        "remembered": [["key", {
            "command_id": "another each time",
            "first_revision": 0,
            "subject": null,
            "fingerprint": "key",
            "outcome": 2,
            "revision": 1,
        }]],
        "by_age": [[["1970-01-01T00:01:00Z", 0], "key"]],
        "ended": [],
    });
    assert_eq!((crate::snapshot::LEDGER_FORMAT, stored), (5, expected), "raise LEDGER_FORMAT");
}

#[test]
fn what_is_no_snapshot_is_refused() {
    for snapshot in
        ["", "{}", "[1,2]", r#"{"state":-1,"revision":2,"last_event":null,"remembered":[],"by_age":[],"ended":[]}"#]
    {
        assert!(serde_json::from_str::<Ledger<Counter>>(snapshot).is_err(), "{snapshot}");
    }
}
