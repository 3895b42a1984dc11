//! Several replicas of the APIs, one of which knows less than the others. There are no processors: what is seen here is
//! what the APIs decide, and not what a reaction has mended.

mod departures;
mod keys;

use futures::future::join_all;
use jetbridge_testing::{
    Answer, Api, Call, SERVICE_TOKEN, TestDatabase, TestEventStore, TestProxy, TestService, flight_details,
};
use reqwest::StatusCode;
use serde_json::json;
use shared_api::DomainApi;
use shared_service::settings::{SecretUrl, ServiceUrl};

use flight_api::FlightApi;
use passenger_api::PassengerApi;

/// Two replicas of each API. The second of each has a proxy before the event store, and knows nothing new while its
/// connections are frozen.
struct Replicas {
    flights: Api,
    late_flights: Api,
    passengers: Api,
    late_passengers: Api,
    /// Between the second flight API and the event store.
    flight_events: TestProxy,
    /// Between the second passenger API and the event store.
    passenger_events: TestProxy,
    /// Between the second flight API and the first passenger API.
    seals: TestProxy,
    _others: [TestProxy; 2],
    _services: [TestService; 4],
    _store: TestEventStore,
    _databases: [TestDatabase; 2],
}

impl Replicas {
    async fn start() -> Self {
        let (store, flight_data, passenger_data) =
            tokio::join!(TestEventStore::start(), TestDatabase::create(), TestDatabase::create());
        let proxy = || TestProxy::start(store.address());
        let (flight_events, passenger_events) = (proxy().await, proxy().await);
        // Each domain calls the other, so the way is there before its end is.
        let (seals, to_passengers, to_flights) = (proxy().await, proxy().await, proxy().await);
        let direct = store.connection_string();
        let flights = start::<FlightApi>(&flight_data, direct, ("passenger", &to_passengers)).await;
        let behind = flight_events.connection_string();
        let late_flights = start::<FlightApi>(&flight_data, &behind, ("passenger", &seals)).await;
        let passengers = start::<PassengerApi>(&passenger_data, direct, ("flight", &to_flights)).await;
        let behind = passenger_events.connection_string();
        let late_passengers = start::<PassengerApi>(&passenger_data, &behind, ("flight", &to_flights)).await;
        seals.point_at(passengers.address());
        to_passengers.point_at(passengers.address());
        to_flights.point_at(flights.address());
        let replicas = Self {
            flights: flights.inner_api(),
            late_flights: late_flights.inner_api(),
            passengers: passengers.inner_api(),
            late_passengers: late_passengers.inner_api(),
            flight_events,
            passenger_events,
            seals,
            _others: [to_passengers, to_flights],
            _services: [flights, late_flights, passengers, late_passengers],
            _store: store,
            _databases: [flight_data, passenger_data],
        };
        replicas.warm_up().await;
        replicas
    }

    /// Waits until all of them take commands.
    async fn warm_up(&self) {
        let flight = self.flights.create_flight().send_once_available().await.expect(StatusCode::CREATED).id();
        self.late_flights.create_flight().send_once_available().await.expect(StatusCode::CREATED);
        for passengers in [&self.passengers, &self.late_passengers] {
            passengers.add(&flight, "Ada").send_once_available().await.expect(StatusCode::CREATED);
        }
    }

    /// From now on the second replicas hear of nothing by themselves.
    fn freeze(&self) {
        self.flight_events.freeze_connections();
        self.passenger_events.freeze_connections();
    }

    /// A flight that could leave at once, and its `ETag`.
    async fn complete_flight(&self) -> (String, String) {
        let flight = self.flights.new_flight().await;
        self.passengers.new_boarded(&flight).await;
        let etag = renumber(&self.flights, &flight, "JB 1").send().await.expect(StatusCode::OK).etag();
        (flight, etag)
    }

    async fn complete_flights(&self, count: usize) -> Vec<(String, String)> {
        join_all((0..count).map(|_| self.complete_flight())).await
    }

    /// Whether nobody can be added to the flight any more because it has left, or is about to.
    async fn is_sealed(&self, flight: &str) -> bool {
        let added = self.passengers.add(flight, "Too late").send().await;
        match added.slug() {
            "manifest-sealed" | "flight-departed" => true,
            _ => {
                added.expect(StatusCode::CREATED);
                false
            }
        }
    }
}

async fn start<A: DomainApi>(data: &TestDatabase, event_store: &str, peer: (&'static str, &TestProxy)) -> TestService {
    let apis = [(peer.0, ServiceUrl::at(peer.1.address()).expect("an address").into())].into();
    let config = shared_api::Config::new(
        SecretUrl::new(data.url()),
        SecretUrl::new(event_store),
        apis,
        SERVICE_TOKEN.parse().expect("a token"),
    );
    TestService::start(|listener, shutdown| async move {
        shared_api::run::<A>(config, listener, shutdown).await.expect("an API");
    })
    .await
}

/// A correction of a flight's number.
fn renumber(api: &Api, flight: &str, number: &str) -> Call {
    let mut details = flight_details();
    details["flightNumber"] = json!(number);
    api.put(&format!("/api/flights/{flight}")).json(&details)
}

/// The same answer, with everything that says what happened.
#[track_caller]
fn assert_same(first: &Answer, repeated: &Answer) {
    assert_eq!((repeated.status, &repeated.text), (first.status, &first.text), "{repeated:?}");
    assert_eq!(repeated.header("ETag"), first.header("ETag"), "{repeated:?}");
}
