//! What a command means for the other domain happens although the API that carried it out could not see to it itself.
//!
//! The services are those of Jetbridge, and each API calls the other one through a proxy, which is cut; the processors
//! are not disturbed. So nothing but a reaction can lead to what these tests wait for.

use std::net::SocketAddr;
use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use flight_api::FlightApi;
use flight_processor::FlightProcessor;
use jetbridge_testing::{Api, SERVICE_TOKEN, TestDatabase, TestEventStore, TestProxy, TestService, eventually};
use passenger_api::PassengerApi;
use passenger_processor::PassengerProcessor;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared_api::DomainApi;
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::reader::LOOK_INTERVAL;
use shared_processor::DomainProcessor;
use shared_service::domain_service::ApiUrls;
use shared_service::settings::SecretUrl;

/// How long a reaction may take on a busy machine. Less than what finds things without an event waits.
const LIMIT: Duration = Duration::from_secs(30);

/// The services of both domains.
struct Airport {
    flights: Api,
    passengers: Api,
    /// What the flight API calls the passenger API through.
    to_passengers: TestProxy,
    /// What the passenger API calls the flight API through.
    to_flights: TestProxy,
    /// What the flight processor calls the passenger API through.
    processor_to_passengers: TestProxy,
    flight_api: SocketAddr,
    databases: [TestDatabase; 2],
    store: TestEventStore,
    _apis: [TestService; 2],
}

/// The processors of both domains.
struct Processors {
    flight: TestService,
    passenger: TestService,
}

/// Where the API of a domain is.
fn apis(domain: &'static str, address: SocketAddr) -> ApiUrls {
    [(domain, format!("http://{address}").parse().unwrap())].into()
}

async fn api<A: DomainApi>(store: &TestEventStore, database: &TestDatabase, apis: ApiUrls) -> TestService {
    let config = shared_api::Config::new(
        url(&database.url()),
        url(store.connection_string()),
        apis,
        SERVICE_TOKEN.parse().unwrap(),
    );
    TestService::start(|listener, stop| async move { shared_api::run::<A>(config, listener, stop).await.unwrap() })
        .await
}

/// A processor that looks so often for what is missing.
async fn processor<P: DomainProcessor>(
    store: &TestEventStore,
    database: &TestDatabase,
    apis: ApiUrls,
    look_interval: Duration,
) -> TestService {
    let config = shared_processor::Config::new(
        url(&database.url()),
        url(store.connection_string()),
        apis,
        SERVICE_TOKEN.parse().unwrap(),
    );
    let config = shared_processor::Config { look_interval, ..config };
    let running = |listener, stop| async move { shared_processor::run::<P>(config, listener, stop).await.unwrap() };
    TestService::start(running).await
}

fn url(address: &str) -> SecretUrl {
    SecretUrl::new(address.to_owned())
}

impl Airport {
    async fn open() -> (Self, Processors) {
        let airport = Self::without_processors().await;
        let processors = airport.start_processors(LOOK_INTERVAL).await;
        (airport, processors)
    }

    async fn without_processors() -> Self {
        let (store, flight, passenger) =
            tokio::join!(TestEventStore::start(), TestDatabase::create(), TestDatabase::create());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let (to_passengers, to_flights) = (TestProxy::start(nowhere).await, TestProxy::start(nowhere).await);
        let calls = |domain, proxy: &TestProxy| apis(domain, proxy.address());
        let flight_api = api::<FlightApi>(&store, &flight, calls("passenger", &to_passengers)).await;
        let passenger_api = api::<PassengerApi>(&store, &passenger, calls("flight", &to_flights)).await;
        to_passengers.point_at(passenger_api.address());
        to_flights.point_at(flight_api.address());
        Self {
            flights: flight_api.inner_api(),
            passengers: passenger_api.inner_api(),
            to_passengers,
            to_flights,
            processor_to_passengers: TestProxy::start(passenger_api.address()).await,
            flight_api: flight_api.address(),
            databases: [flight, passenger],
            store,
            _apis: [flight_api, passenger_api],
        }
    }

    /// Processors that look so often for what is missing.
    async fn start_processors(&self, look_interval: Duration) -> Processors {
        let [flight, passenger] = &self.databases;
        let called = apis("passenger", self.processor_to_passengers.address());
        let flight = processor::<FlightProcessor>(&self.store, flight, called, look_interval).await;
        let called = apis("flight", self.flight_api);
        let passenger = processor::<PassengerProcessor>(&self.store, passenger, called, look_interval).await;
        Processors { flight, passenger }
    }

    /// As if all that has happened up to now had been reacted to.
    async fn skip_reactions(&self) {
        let event_store = EventStore::new(self.store.connection_string()).unwrap();
        let readers = [("flight-reactions", "flight-stream"), ("passenger-reactions", "passenger-stream")];
        for (database, (reader, stream)) in self.databases.iter().zip(readers) {
            let last = i64::try_from(event_store.last_revision(stream).await.unwrap().unwrap().0).unwrap();
            let sql = "UPDATE checkpoints SET revision = $1 WHERE name = $2";
            assert_eq!(database.client().await.execute(sql, &[&last, &reader]).await.unwrap(), 1);
        }
    }

    /// The first event of a deletion in the passenger domain, without those that should follow.
    async fn begin_deleting(&self, flight: &str) {
        let data = json!({ "flightId": flight, "ending": "deleted" });
        let event = EventData::json("ManifestClosed", &data).unwrap();
        let event = event.metadata_as_json(&json!({ "schemaVersion": 1 })).unwrap();
        let client = Client::new(self.store.connection_string().parse().unwrap()).unwrap();
        client.append_to_stream("passenger-stream", &AppendToStreamOptions::default(), event).await.unwrap();
    }

    async fn new_flight(&self) -> String {
        let created = eventually("a flight is created", LIMIT, async || {
            let answer = self.flights.create_flight().send().await;
            if answer.status == StatusCode::CREATED { Ok(answer) } else { Err(answer.text) }
        })
        .await;
        created.id()
    }

    /// A flight with one passenger, who has not boarded.
    async fn new_waiting(&self) -> (String, String) {
        let flight = self.new_flight().await;
        let passenger = self.new_passenger(&flight).await;
        (flight, passenger)
    }

    async fn new_passenger(&self, flight: &str) -> String {
        let added = eventually("a passenger is added", LIMIT, async || {
            let answer = self.passengers.add(flight, "Ada Lovelace").send().await;
            if answer.status == StatusCode::CREATED { Ok(answer) } else { Err(answer.text) }
        })
        .await;
        added.id()
    }

    async fn new_boarded(&self, flight: &str) -> String {
        let passenger = self.new_passenger(flight).await;
        self.passengers.board(&passenger).send().await.expect(StatusCode::OK);
        passenger
    }

    /// A flight with one passenger on board, and both of them. Everybody knows that all have boarded.
    async fn new_complete(&self) -> (String, String) {
        let flight = self.new_flight().await;
        let passenger = self.new_boarded(&flight).await;
        self.flight_becomes(&flight, "allBoarded").await;
        (flight, passenger)
    }

    async fn flight_becomes(&self, flight: &str, status: &str) {
        shows(&self.flights, &format!("/api/flights/{flight}"), &["status"], status).await;
    }

    async fn manifest_becomes(&self, flight: &str, state: &str) {
        shows(&self.passengers, &format!("/api/manifests/{flight}"), &["state"], state).await;
    }
}

/// Waits until what is at this path has this value.
async fn shows(api: &Api, path: &str, field: &[&str], value: &str) {
    eventually(&format!("{path} becomes {value}"), LIMIT, async || {
        let answer = api.get(path).send().await;
        let shown = field.iter().fold(&answer.body, |shown: &Value, field| &shown[field]);
        if shown == value { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_whose_manifest_is_sealed_departs() {
    let (airport, _processors) = Airport::open().await;
    let (flight, _) = airport.new_complete().await;
    // The seal is asked for, and the flight API never hears that it is there.
    airport.to_passengers.hold_answers(true);
    let answer = airport.flights.disembark(&flight).send().await;
    assert!(!answer.status.is_success(), "{answer:?}");
    airport.manifest_becomes(&flight, "sealed").await;
    // Whoever completes it, the flight API asks whether it is sealed.
    airport.to_passengers.hold_answers(false);
    airport.flight_becomes(&flight, "disembarked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passengers_of_a_flight_that_has_landed_arrive() {
    let (airport, _processors) = Airport::open().await;
    let (flight, passenger) = airport.new_complete().await;
    airport.flights.disembark(&flight).send().await.expect(StatusCode::OK);
    airport.to_passengers.cut();
    airport.flights.land(&flight).send().await.expect(StatusCode::OK);
    airport.manifest_becomes(&flight, "closed").await;
    shows(&airport.passengers, &format!("/api/passengers/{passenger}"), &["status"], "arrived").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passengers_of_a_deleted_flight_are_removed() {
    let (airport, _processors) = Airport::open().await;
    let flight = airport.new_flight().await;
    let passengers = [airport.new_boarded(&flight).await, airport.new_passenger(&flight).await];
    airport.to_passengers.cut();
    airport.flights.delete_flight(&flight).send().await.expect(StatusCode::NO_CONTENT);
    for passenger in passengers {
        eventually("the passenger is removed", LIMIT, async || {
            let answer = airport.passengers.get(&format!("/api/passengers/{passenger}")).send().await;
            if answer.slug() == "passenger-not-found" { Ok(()) } else { Err(answer.text) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_hears_that_the_last_passenger_has_boarded() {
    let (airport, _processors) = Airport::open().await;
    let (flight, passenger) = airport.new_waiting().await;
    airport.to_flights.cut();
    airport.passengers.board(&passenger).send().await.expect(StatusCode::OK);
    airport.flight_becomes(&flight, "allBoarded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_hears_that_the_last_passenger_missing_was_offloaded() {
    let (airport, _processors) = Airport::open().await;
    let flight = airport.new_flight().await;
    airport.new_boarded(&flight).await;
    let missing = airport.new_passenger(&flight).await;
    airport.flight_becomes(&flight, "waitingForBoarding").await;
    airport.to_flights.cut();
    airport.passengers.offload(&missing).send().await.expect(StatusCode::OK);
    airport.flight_becomes(&flight, "allBoarded").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flight_hears_that_it_has_to_wait_again() {
    let (airport, _processors) = Airport::open().await;
    let (flight, only) = airport.new_complete().await;
    airport.to_flights.cut();
    airport.passengers.offload(&only).send().await.expect(StatusCode::OK);
    airport.flight_becomes(&flight, "waitingForBoarding").await;
}

/// What a processor says is missing: what, of which flight.
async fn missing(processor: &TestService) -> Vec<(String, String)> {
    let answer = processor.inner_api().get("/unfinished").send_once_available().await.expect(StatusCode::OK);
    let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
    let mut missing: Vec<_> = answer.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (text(item, "kind"), text(item, "flightId")))
        .collect();
    missing.sort();
    missing
}

async fn comes_to_miss(processor: &TestService, expected: &[(&str, &String)]) {
    let expected: Vec<_> = expected.iter().map(|(kind, flight)| ((*kind).to_owned(), (*flight).clone())).collect();
    eventually(&format!("{expected:?} are missing"), LIMIT, async || {
        let missing = missing(processor).await;
        if missing == expected { Ok(()) } else { Err(format!("{missing:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reaction_cannot_bring_about_yet_is_listed() {
    let (airport, processors) = Airport::open().await;
    let (flight, _) = airport.new_complete().await;
    airport.flights.disembark(&flight).send().await.expect(StatusCode::OK);
    airport.processor_to_passengers.cut();
    airport.to_passengers.cut();
    airport.flights.land(&flight).send().await.expect(StatusCode::OK);
    comes_to_miss(&processors.flight, &[("landingWithoutArrivals", &flight)]).await;
    airport.processor_to_passengers.mend();
    airport.manifest_becomes(&flight, "closed").await;
    comes_to_miss(&processors.flight, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_event_announces_any_more_is_found_listed_and_brought_about() {
    let (airport, processors) = Airport::open().await;
    let (sealed, _) = airport.new_complete().await;
    let (landed, passenger) = airport.new_complete().await;
    let deleted = airport.new_flight().await;
    let removed = airport.new_boarded(&deleted).await;
    airport.flights.disembark(&landed).send().await.expect(StatusCode::OK);
    let Processors { flight, passenger: other } = processors;
    flight.stop().await;
    other.stop().await;

    airport.to_passengers.hold_answers(true);
    assert!(!airport.flights.disembark(&sealed).send().await.status.is_success());
    airport.to_passengers.cut();
    airport.to_passengers.hold_answers(false);
    airport.flights.land(&landed).send().await.expect(StatusCode::OK);
    airport.flights.delete_flight(&deleted).send().await.expect(StatusCode::NO_CONTENT);
    airport.skip_reactions().await;

    let processors = airport.start_processors(Duration::from_millis(500)).await;
    // The flight API brings it about, which is still cut off from the passengers.
    let expected =
        [("deletionWithPassengers", &deleted), ("landingWithoutArrivals", &landed), ("sealWithoutDeparture", &sealed)];
    comes_to_miss(&processors.passenger, &expected).await;
    airport.to_passengers.mend();
    airport.flight_becomes(&sealed, "disembarked").await;
    airport.manifest_becomes(&landed, "closed").await;
    airport.manifest_becomes(&deleted, "closed").await;
    shows(&airport.passengers, &format!("/api/passengers/{passenger}"), &["status"], "arrived").await;
    eventually("the passenger is removed", LIMIT, async || {
        airport.passengers.get(&format!("/api/passengers/{removed}")).send().await.slug() == "passenger-not-found"
    })
    .await;
    comes_to_miss(&processors.passenger, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passengers_who_were_left_on_a_deleted_flight_are_found_and_removed() {
    let (airport, processors) = Airport::open().await;
    let (flight, passenger) = airport.new_complete().await;
    let Processors { flight: first, passenger: second } = processors;
    first.stop().await;
    second.stop().await;
    airport.to_passengers.cut();
    airport.flights.delete_flight(&flight).send().await.expect(StatusCode::NO_CONTENT);
    airport.begin_deleting(&flight).await;
    airport.skip_reactions().await;

    let processors = airport.start_processors(Duration::from_millis(500)).await;
    comes_to_miss(&processors.passenger, &[("deletionWithPassengers", &flight)]).await;
    airport.to_passengers.mend();
    eventually("the passenger is removed", LIMIT, async || {
        airport.passengers.get(&format!("/api/passengers/{passenger}")).send().await.slug() == "passenger-not-found"
    })
    .await;
    comes_to_miss(&processors.passenger, &[]).await;
}
