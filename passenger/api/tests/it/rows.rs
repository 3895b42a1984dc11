//! What the tables of passengers and manifests hold.

use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    ManifestClosed, ManifestCompleted, ManifestReopened, ManifestSealed, OffloadReason, PassengerArrived,
    PassengerBoarded, PassengerCheckedIn, PassengerEvent, PassengerName, PassengerNameCorrected, PassengerOffloaded,
    PassengerRemoved, PassengerStatus,
};
use serde_json::{Value, json};
use shared_infrastructure::reader::Numbered;
use shared_kernel::Revision;
use uuid::Uuid;

use crate::support::{Tables, TestApi, new_flight};

fn name(name: &str) -> PassengerName {
    PassengerName::new(name).unwrap()
}

/// Some of everything that can happen to these passengers of two flights, of which one lands and one is deleted.
fn history([landed, deleted]: [FlightId; 2], [ada, bob, cleo, dan]: [PassengerId; 4]) -> Vec<Numbered<PassengerEvent>> {
    let checked_in = |flight_id, passenger_id, of: &str| {
        PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id, passenger_id, name: name(of) })
    };
    let corrected = |passenger_id, to: &str| {
        let name = name(to);
        PassengerEvent::NameCorrected(PassengerNameCorrected { flight_id: landed, passenger_id, name })
    };
    let reason = OffloadReason::new("no-show").unwrap();
    let events = [
        checked_in(landed, ada, "Ada"),
        checked_in(deleted, dan, "Dan"),
        checked_in(landed, bob, "Bob"),
        corrected(ada, "Ada KING"),
        PassengerEvent::Boarded(PassengerBoarded { flight_id: landed, passenger_id: ada }),
        checked_in(landed, cleo, "Cleo"),
        PassengerEvent::Offloaded(PassengerOffloaded { flight_id: landed, passenger_id: bob, reason }),
        PassengerEvent::ManifestReopened(ManifestReopened { flight_id: landed, missing: 1 }),
        PassengerEvent::Boarded(PassengerBoarded { flight_id: landed, passenger_id: cleo }),
        PassengerEvent::ManifestCompleted(ManifestCompleted { flight_id: landed, boarded: 2 }),
        corrected(cleo, "Cléo"),
        PassengerEvent::ManifestClosed(ManifestClosed { flight_id: deleted, ending: FlightEnding::Deleted }),
        PassengerEvent::ManifestSealed(ManifestSealed { flight_id: landed, boarded: 2 }),
        PassengerEvent::Removed(PassengerRemoved { flight_id: deleted, passenger_id: dan }),
        PassengerEvent::Arrived(PassengerArrived { flight_id: landed, passenger_id: ada }),
        PassengerEvent::ManifestClosed(ManifestClosed { flight_id: landed, ending: FlightEnding::Landed }),
        checked_in(new_flight(), PassengerId::new(Uuid::now_v7()), "Eve"),
    ];
    events.into_iter().zip(0..).map(|(event, number)| Numbered { event, revision: Revision(number) }).collect()
}

/// However the events are divided into batches, and if they are projected once more.
#[tokio::test]
async fn rows_hold_what_the_events_say() {
    let flights = [(); 2].map(|()| new_flight());
    let ids = [(); 4].map(|()| PassengerId::new(Uuid::now_v7()));
    let history = history(flights, ids);
    let Some(PassengerEvent::CheckedIn(eve)) = history.last().map(|last| &last.event) else { unreachable!() };
    let row = |id: PassengerId, flight_id: FlightId, name: &str, status: &str, version: u64| {
        // With each key by which the name is found.
        let search = match name {
            "Cléo" => "\u{1} cléo \n cleo ".to_owned(),
            _ => format!("\u{1} {} ", name.to_lowercase()),
        };
        json!({
            "id": id, "flight_id": flight_id, "name": name, "search": search, "status": status, "version": version,
        })
    };
    let passengers = [
        row(ids[0], flights[0], "Ada KING", "arrived", 14),
        row(ids[1], flights[0], "Bob", "offloaded", 6),
        row(ids[2], flights[0], "Cléo", "boarded", 10),
        row(eve.passenger_id, eve.flight_id, "Eve", "checkedIn", 16),
    ];
    let manifest = |flight_id: FlightId, state: &str, ending: Option<&str>, version: u64| {
        let flight_id = flight_id.uuid();
        json!({"flight_id": flight_id, "state": state, "ending": ending, "version": version})
    };
    let manifests = [
        manifest(flights[0], "closed", Some("landed"), 15),
        manifest(flights[1], "closed", Some("deleted"), 13),
        manifest(eve.flight_id, "open", None, 16),
    ];
    for size in 1..=history.len() {
        let tables = Tables::create().await;
        for batch in history.chunks(size) {
            tables.project_batch(batch).await;
        }
        let rows = async || (tables.0.rows("passengers", "id").await, tables.0.rows("manifests", "flight_id").await);
        assert_eq!(rows().await, (passengers.to_vec(), manifests.to_vec()), "in batches of {size}");
        tables.project_batch(&history).await;
        assert_eq!(rows().await, (passengers.to_vec(), manifests.to_vec()), "in batches of {size}, and again");
    }
}

/// What was meant by it cannot be guessed, and a guess would let a passenger look as if they were somewhere else.
#[tokio::test]
async fn a_row_that_holds_what_is_not_known_here_is_an_error() {
    for (change, lists) in [
        ("UPDATE passengers SET status = 'asleep'", ["passengers", "manifests"]),
        ("UPDATE manifests SET state = 'shut'", ["manifests", "manifests?missing=0"]),
        ("UPDATE manifests SET ending = 'lost'", ["manifests", "manifests?missing=0"]),
        ("UPDATE manifests SET ending = NULL", ["manifests", "manifests?missing=0"]),
    ] {
        let tables = Tables::create().await;
        let flight = new_flight();
        let passenger = &tables.add(flight, &[PassengerStatus::Arrived]).await[0];
        tables.close(flight, FlightEnding::Landed).await;
        let api = TestApi::start(&tables).await;
        assert_eq!(api.get(&format!("/api/manifests/{flight}")).send().await.body["state"], "closed");
        tables.0.client().await.batch_execute(change).await.unwrap();
        let alone =
            if lists[0] == "passengers" { format!("passengers/{passenger}") } else { format!("manifests/{flight}") };
        for path in [lists[0], lists[1], &alone] {
            let response = api.get(&format!("/api/{path}")).response().await;
            let (status, body): (_, Value) = (response.status(), response.json().await.unwrap());
            assert_eq!((status.as_u16(), &body["type"]), (500, &"/problems/internal-error".into()), "{change}: {path}");
        }
    }
}
