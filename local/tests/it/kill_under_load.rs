//! A crash in the middle of many commands: what was acknowledged is kept, what was not is repeated, and nothing is
//! there twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jetbridge_testing::{Answer, Api, Call, unique};
use reqwest::StatusCode;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::history::History;
use crate::system::System;

/// Clients that send their commands one after the other, each about a flight of its own.
const CLIENTS: usize = 64;
const PASSENGERS: usize = 8;
/// After how many answers the process is killed.
const KILL_AFTER: usize = 500;

/// What one client wants, and what it has been answered so far.
#[derive(Clone, Default)]
struct Plan {
    commands: Vec<Planned>,
}

#[derive(Clone)]
struct Planned {
    key: String,
    kind: Kind,
    answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Create,
    Add,
    /// Boards the passenger whom the command with this index has added.
    Board(usize),
}

impl Plan {
    fn new() -> Self {
        let adds = (0..PASSENGERS).map(|_| Kind::Add);
        let boards = (0..PASSENGERS).map(|passenger| Kind::Board(1 + passenger));
        let kinds = std::iter::once(Kind::Create).chain(adds).chain(boards);
        Self { commands: kinds.map(|kind| Planned { key: unique(), kind, answer: None }).collect() }
    }

    fn call(&self, api: &Api, index: usize) -> Call {
        let id_of = |index: usize| self.commands[index].answer.as_ref().expect("an answer to an earlier command").id();
        let call = match self.commands[index].kind {
            Kind::Create => api.create_flight(),
            Kind::Add => api.add(&id_of(0), &format!("Passenger {index}")),
            Kind::Board(added) => api.board(&id_of(added)),
        };
        call.known_by(&self.commands[index].key)
    }

    /// Sends all commands, those that were answered before again, until one is not answered.
    async fn carry_out(mut self, api: Api, answers: Arc<Answers>) -> Self {
        for index in 0..self.commands.len() {
            let Ok(answer) = self.call(&api, index).try_send().await else { return self };
            if !answer.status.is_success() {
                // A process that is being killed may still say that it does not know.
                assert!(matches!(answer.status.as_u16(), 503 | 504), "{answer:?}");
                return self;
            }
            match &self.commands[index].answer {
                Some(first) => {
                    assert_eq!((answer.status, &answer.text), (first.status, &first.text), "{}", answer.what);
                    assert_eq!(answer.header("Location"), first.header("Location"));
                    assert_eq!(answer.etag(), first.etag());
                }
                None => {
                    self.commands[index].answer = Some(answer);
                    answers.count();
                }
            }
        }
        self
    }
}

/// Counts first answers, and tells when there are enough.
struct Answers {
    left: AtomicUsize,
    enough: Notify,
}

impl Answers {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.enough.notify_one();
        }
    }
}

/// Lets all clients go on, and kills the system when they have got so many new answers.
async fn run(system: &mut System, plans: Vec<Plan>, kill_after: Option<usize>) -> Vec<Plan> {
    let left = AtomicUsize::new(kill_after.unwrap_or(usize::MAX));
    let answers = Arc::new(Answers { left, enough: Notify::new() });
    let api = system.api();
    let mut clients = JoinSet::new();
    for plan in plans {
        clients.spawn(plan.carry_out(api.clone(), Arc::clone(&answers)));
    }
    if kill_after.is_some() {
        answers.enough.notified().await;
        system.kill().await;
    }
    clients.join_all().await
}

/// Every command that was acknowledged has happened, once; one that was not has happened once or not at all.
fn assert_once(plans: &[Plan], history: &History) {
    for planned in plans.iter().flat_map(|plan| &plan.commands) {
        let of_kind = match planned.kind {
            Kind::Create => "FlightCreated",
            Kind::Add => "PassengerCheckedIn",
            Kind::Board(_) => "PassengerBoarded",
        };
        let done: Vec<_> = history.with_key(&planned.key).filter(|entry| entry.event_type == of_kind).collect();
        match &planned.answer {
            Some(answer) => {
                assert_eq!(done.len(), 1, "{:?} {}", planned.kind, planned.key);
                let subject =
                    if planned.kind == Kind::Create { done[0].flight() } else { done[0].passenger().unwrap() };
                assert_eq!(subject, answer.id());
            }
            None => assert!(done.len() <= 1, "{done:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_kept_and_what_is_repeated_happens_once() {
    let mut system = System::start().await;
    let plans: Vec<_> = std::iter::repeat_with(Plan::new).take(CLIENTS).collect();
    let plans = run(&mut system, plans, Some(KILL_AFTER)).await;
    let answered = plans.iter().flat_map(|plan| &plan.commands).filter(|planned| planned.answer.is_some()).count();
    assert!((KILL_AFTER..CLIENTS * (1 + 2 * PASSENGERS)).contains(&answered), "{answered} answers");

    system.restart().await;
    let api = system.api();
    let (history, world) = History::settled(&api).await;
    assert_once(&plans, &history);
    world.assert_shown(&api, &history.position).await;

    let plans = run(&mut system, plans, None).await;
    assert!(plans.iter().flat_map(|plan| &plan.commands).all(|planned| planned.answer.is_some()));
    let api = system.api();
    let (history, world) = History::settled(&api).await;
    assert_once(&plans, &history);
    assert_eq!(count(&history, "FlightCreated"), CLIENTS);
    assert_eq!(count(&history, "PassengerCheckedIn"), CLIENTS * PASSENGERS);
    assert_eq!(count(&history, "PassengerBoarded"), CLIENTS * PASSENGERS);
    assert_eq!(count(&history, "ManifestCompleted"), CLIENTS);
    world.assert_shown(&api, &history.position).await;
    let all_boarded = api.walk("/api/flights?status=allBoarded", 100, &history.position).await;
    assert_eq!(all_boarded.len(), CLIENTS);
    assert!(!system.stderr().contains("panicked"), "{}", system.stderr());
}

fn count(history: &History, event_type: &str) -> usize {
    history.entries.iter().filter(|entry| entry.event_type == event_type).count()
}

/// What was repeated after a crash is answered as it was before.
#[tokio::test]
async fn departures_and_deletions_are_remembered_across_a_crash() {
    let mut system = System::start().await;
    let api = system.api();
    let (first, second) = (api.new_departed().await.0, api.new_landed().await.0);
    let waiting = api.new_flight().await;
    api.new_boarded(&waiting).await;
    let commands = [
        (&waiting, Api::disembark as fn(&Api, &str) -> Call, StatusCode::OK),
        (&first, Api::land, StatusCode::OK),
        (&second, Api::delete_flight, StatusCode::NO_CONTENT),
    ];
    let mut answers = Vec::new();
    for (flight, command, status) in commands {
        let key = unique();
        answers.push((key.clone(), command(&api, flight).known_by(&key).send().await.expect(status)));
    }
    system.restart().await;
    let api = system.api();
    for ((flight, command, _), (key, answer)) in commands.iter().zip(&answers) {
        let again = command(&api, flight).key(key).send().await;
        assert_eq!(
            (again.status, &again.text, again.header("ETag")),
            (answer.status, &answer.text, answer.header("ETag"))
        );
        let other = api.create_flight().key(key).send().await;
        other.expect_problem(422, "idempotency-key-reused");
    }
    let (history, world) = History::settled(&api).await;
    for (key, _) in &answers {
        assert_eq!(history.with_key(key).count(), 1);
    }
    world.assert_shown(&api, &history.position).await;
}
