//! A flight ends while passengers are still being added, boarded and offloaded over many connections at once.

use std::collections::HashSet;
use std::sync::Arc;

use jetbridge_testing::{Answer, Api, Call, eventually, unique};
use reqwest::StatusCode;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::history::{Entry, History};
use crate::system::{LIMIT, System};

/// Connections over which people work on one flight.
const PEOPLE: usize = 32;
const ROUNDS: usize = 2;
/// What each of them tries on a flight that may be gone already.
const PASSENGERS_EACH: usize = 2;

/// What people were answered: the key of each command that was carried out, and what it led to.
type Done = Vec<(String, &'static str)>;

/// A command that is carried out, or refused by a rule.
async fn attempt(call: Call, event_type: &'static str, done: &mut Done) -> Option<Answer> {
    let key = unique();
    let answer = call.known_by(&key).send().await;
    if answer.status.is_success() {
        done.push((key, event_type));
        return Some(answer);
    }
    let refused = ["manifest-sealed", "manifest-closed", "flight-departed", "flight-arrived"];
    let gone = ["flight-not-found", "passenger-not-found"];
    assert!(refused.contains(&answer.slug()) || gone.contains(&answer.slug()), "{answer:?}");
    None
}

/// Adds passengers and boards them or takes them off again, so that everybody who was added leaves the manifest
/// complete.
async fn work(api: Api, flight: String, number: usize, start: Arc<Barrier>) -> Done {
    let mut done = Done::new();
    // Connected before it matters.
    api.get("/health/live").send().await;
    start.wait().await;
    for round in 0..PASSENGERS_EACH {
        let added = attempt(api.add(&flight, "Ada Lovelace"), "PassengerCheckedIn", &mut done).await;
        let Some(passenger) = added.map(|added| added.id()) else { return done };
        match (number + round) % 4 {
            0 => attempt(api.offload(&passenger), "PassengerOffloaded", &mut done).await,
            1 => {
                attempt(api.rename(&passenger, "Grace Hopper"), "PassengerNameCorrected", &mut done).await;
                attempt(api.board(&passenger), "PassengerBoarded", &mut done).await
            }
            2 => {
                attempt(api.board(&passenger), "PassengerBoarded", &mut done).await;
                attempt(api.offload(&passenger), "PassengerOffloaded", &mut done).await
            }
            _ => attempt(api.board(&passenger), "PassengerBoarded", &mut done).await,
        };
    }
    done
}

/// Lets a flight leave as soon as all have boarded at some moment.
async fn depart(api: Api, flight: String, start: Arc<Barrier>) -> Option<Answer> {
    start.wait().await;
    let depart = async || {
        let answer = api.disembark(&flight).send().await;
        match answer.slug() {
            "not-all-boarded" => Err(answer.text),
            _ => Ok(answer),
        }
    };
    let answer = eventually("all have boarded", LIMIT, depart).await;
    if answer.status.is_success() {
        return Some(answer);
    }
    assert!(["flight-not-found", "manifest-closed", "flight-departed"].contains(&answer.slug()), "{answer:?}");
    None
}

/// One round: how a flight ends while everybody works on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Departure,
    Landing,
    Deletion,
    /// Somebody lets it leave while somebody else deletes it.
    DepartureOrDeletion,
}

impl End {
    async fn bring_about(self, api: Api, flight: String, start: Arc<Barrier>) {
        match self {
            Self::Departure => {
                depart(api, flight, start).await.expect("it leaves");
            }
            Self::Landing => {
                depart(api.clone(), flight.clone(), start).await.expect("it leaves");
                api.land(&flight).send().await.expect(StatusCode::OK);
            }
            Self::Deletion => {
                start.wait().await;
                api.delete_flight(&flight).send().await.expect(StatusCode::NO_CONTENT);
            }
            Self::DepartureOrDeletion => {
                let delete = async {
                    let deleted = api.delete_flight(&flight).send().await;
                    assert!(deleted.status.is_success() || deleted.slug() == "flight-in-the-air", "{deleted:?}");
                    deleted
                };
                let (departed, deleted) = tokio::join!(depart(api.clone(), flight.clone(), start), delete);
                assert_ne!(departed.is_some(), deleted.status.is_success(), "{departed:?} {deleted:?}");
            }
        }
    }
}

/// A flight that could leave at once, and people who do not know that it ends.
async fn round(system: &System, end: End) -> Done {
    let api = system.api();
    let flight = api.new_flight().await;
    api.new_boarded(&flight).await;
    let start = Arc::new(Barrier::new(PEOPLE + 1));
    let mut people = JoinSet::new();
    for number in 0..PEOPLE {
        people.spawn(work(system.api(), flight.clone(), number, Arc::clone(&start)));
    }
    end.bring_about(api.clone(), flight.clone(), start).await;
    let done = people.join_all().await.concat();
    // Those who come too late are refused, whatever has happened.
    let mut late = Done::new();
    attempt(api.add(&flight, "Too Late"), "PassengerCheckedIn", &mut late).await;
    assert!(late.is_empty(), "{end:?}");
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rule_is_broken_by_those_who_race() {
    let system = System::start().await;
    let mut done = Done::new();
    for _ in 0..ROUNDS {
        for end in [End::Departure, End::Landing, End::Deletion, End::DepartureOrDeletion] {
            done.extend(round(&system, end).await);
        }
    }
    let api = system.api();
    // Folding checks every rule at every position.
    let (history, world) = History::settled(&api).await;
    for (key, event_type) in &done {
        let found: Vec<_> = history.with_key(key).filter(|entry| entry.event_type == *event_type).collect();
        assert_eq!(found.len(), 1, "{event_type} {key}: {found:?}");
    }
    let by_people = history.entries.iter().filter(|entry| entry.stream == "passenger-stream");
    let carried_out: HashSet<_> = by_people.filter_map(Entry::key).collect();
    assert_eq!(carried_out.len(), done.len(), "what was refused has left something");
    world.assert_shown(&api, &history.position).await;

    // It was a race: somebody was refused, and somebody was not.
    assert!(done.len() > ROUNDS * 4, "{}", done.len());
    assert!(done.len() < ROUNDS * 4 * PEOPLE * PASSENGERS_EACH * 2, "{}", done.len());
    assert!(!system.stderr().contains("panicked"), "{}", system.stderr());
}
