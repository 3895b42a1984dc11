//! Every service is restarted, one instance after the other, while clients work through the gateway. They notice nothing.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flight_api::FlightApi;
use flight_processor::FlightProcessor;
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt};
use gateway::{DomainServices, Services};
use jetbridge_testing::{Answer, Api, SERVICE_TOKEN, TestDatabase, TestEventStore, TestService, eventually, unique};
use passenger_api::PassengerApi;
use passenger_processor::PassengerProcessor;
use reqwest::{Client, StatusCode};
use shared_api::DomainApi;
use shared_kernel::Domain;
use shared_processor::DomainProcessor;
use shared_service::domain_service::ApiUrls;
use shared_service::settings::{SecretUrl, ServiceUrls};
use shared_service::{Drain, ServerSettings, ServiceTokens};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// How long an instance that goes away still answers: longer than the gateway takes to notice.
const DRAIN: Duration = Duration::from_millis(1_600);
const CLIENTS: usize = 6;
const DOMAINS: &[&Domain] = &[flight_contract::DOMAIN, passenger_contract::DOMAIN];

type Run = Arc<dyn Fn(TcpListener, CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>;

/// An instance of a service, which can be started again at the same address.
struct Instance {
    address: SocketAddr,
    run: Run,
    running: Option<TestService>,
}

impl Instance {
    async fn start(address: SocketAddr, run: &Run) -> Self {
        let mut instance = Self { address, run: Arc::clone(run), running: None };
        instance.start_again().await;
        instance
    }

    async fn start_again(&mut self) {
        let run = Arc::clone(&self.run);
        self.running = Some(TestService::start_at(self.address, move |listener, stop| run(listener, stop)).await);
    }

    /// As an orchestrator does it: it is told to stop, started anew once it has, and ready before anything else happens.
    async fn restart(&mut self) {
        self.running.take().expect("it runs").stop().await;
        self.start_again().await;
        self.ready().await;
    }

    async fn ready(&self) {
        let url = format!("http://{}/health/ready", self.address);
        eventually("an instance is ready", LIMIT, async || {
            reqwest::get(&url).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
    }
}

/// Everything, with two instances of each service behind a gateway.
struct Airport {
    first: Vec<Instance>,
    second: Vec<Instance>,
    gateway: TestService,
    _store: TestEventStore,
    _databases: [TestDatabase; 2],
}

/// Two addresses at which nobody listens yet.
async fn two_addresses() -> [SocketAddr; 2] {
    let free = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (first, second) = (free().await, free().await);
    [first.local_addr().unwrap(), second.local_addr().unwrap()]
}

fn urls(addresses: [SocketAddr; 2]) -> ServiceUrls {
    addresses.map(|address| format!("http://{address}")).join(",").parse().unwrap()
}

fn tokens() -> ServiceTokens {
    SERVICE_TOKEN.parse().unwrap()
}

fn draining() -> ServerSettings {
    ServerSettings { drain: Drain::new(DRAIN), ..ServerSettings::default() }
}

fn api<A: DomainApi>(database: &TestDatabase, store: &TestEventStore, apis: &ApiUrls) -> Run {
    let (database, store) = (SecretUrl::new(database.url()), SecretUrl::new(store.connection_string()));
    let config = shared_api::Config::new(database, store, apis.clone(), tokens());
    Arc::new(move |listener, stop| {
        let config = shared_api::Config { server: draining(), ..config.clone() };
        async move { shared_api::run::<A>(config, listener, stop).await.expect("an API") }.boxed()
    })
}

fn processor<P: DomainProcessor>(database: &TestDatabase, store: &TestEventStore, apis: &ApiUrls) -> Run {
    let (database, store) = (SecretUrl::new(database.url()), SecretUrl::new(store.connection_string()));
    let config = shared_processor::Config::new(database, store, apis.clone(), tokens());
    Arc::new(move |listener, stop| {
        let config = config.clone();
        async move { shared_processor::run::<P>(config, listener, stop).await.expect("a processor") }.boxed()
    })
}

fn audit_log(store: &TestEventStore) -> Run {
    let event_store = SecretUrl::new(store.connection_string());
    Arc::new(move |listener, stop| {
        let config = auditlog_api::Config {
            domains: DOMAINS,
            event_store: event_store.clone(),
            event_store_in_process: None,
            max_followers: auditlog_api::Config::DEFAULT_MAX_FOLLOWERS,
            tokens: tokens(),
            server: draining(),
        };
        async move { auditlog_api::run(config, listener, stop).await.expect("the audit log API") }.boxed()
    })
}

impl Airport {
    async fn open() -> Self {
        let (store, flight, passenger) =
            tokio::join!(TestEventStore::start(), TestDatabase::create(), TestDatabase::create());
        let addresses = [(); 5].map(|()| two_addresses());
        let [flights, passengers, auditlog, flight_work, passenger_work] =
            join_all(addresses).await.try_into().unwrap();
        let apis: ApiUrls = [("flight", urls(flights)), ("passenger", urls(passengers))].into();
        let services = [
            (flight_work, processor::<FlightProcessor>(&flight, &store, &apis)),
            (passenger_work, processor::<PassengerProcessor>(&passenger, &store, &apis)),
            (flights, api::<FlightApi>(&flight, &store, &apis)),
            (passengers, api::<PassengerApi>(&passenger, &store, &apis)),
            (auditlog, audit_log(&store)),
        ];
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for ([one, other], run) in &services {
            first.push(Instance::start(*one, run).await);
            second.push(Instance::start(*other, run).await);
        }
        join_all(first.iter().chain(&second).map(Instance::ready)).await;
        let domain =
            |domain, api, processor| DomainServices { domain, api: urls(api), processor: Some(urls(processor)) };
        let services = Services {
            domains: vec![
                domain(flight_contract::DOMAIN, flights, flight_work),
                domain(passenger_contract::DOMAIN, passengers, passenger_work),
            ],
            auditlog_api: urls(auditlog),
        };
        let config = gateway::Config::new(services, tokens());
        let gateway = TestService::start(|listener, stop| gateway::run(config, listener, stop)).await;
        Self { first, second, gateway, _store: store, _databases: [flight, passenger] }
    }

    fn api(&self) -> Api {
        Api::of_gateway(self.gateway.url(""))
    }
}

/// What clients have got done.
#[derive(Default)]
struct Work {
    is_over: AtomicBool,
    answers: AtomicUsize,
    flights: Mutex<Vec<String>>,
}

impl Work {
    #[track_caller]
    fn expect(&self, answer: Answer, status: StatusCode) -> Answer {
        self.answers.fetch_add(1, Ordering::Relaxed);
        answer.expect(status)
    }

    /// One client, for as long as there is work: half of its commands have keys.
    async fn of_client(self: Arc<Self>, api: Api) {
        while !self.is_over.load(Ordering::Relaxed) {
            let created = self.expect(api.create_flight().send().await, StatusCode::CREATED);
            let flight = created.id();
            self.flights.lock().unwrap().push(flight.clone());
            let added = self.expect(api.add(&flight, "Ada").key(&unique()).send().await, StatusCode::CREATED);
            let boarded = self.expect(api.board(&added.id()).send().await, StatusCode::OK);
            let path = format!("/api/flights/{flight}");
            self.expect(api.get(&path).position(&boarded.position()).send().await, StatusCode::OK);
            self.expect(api.get("/api/passengers?limit=3").send().await, StatusCode::OK);
            self.expect(api.get("/api/auditlog/all?limit=3").send().await, StatusCode::OK);
            self.expect(api.disembark(&flight).key(&unique()).send().await, StatusCode::OK);
        }
    }
}

/// Reads the live audit log, again from where it was when it ends, and notes the flights that are created from when it
/// has said that it has begun.
async fn follow(url: String, created: Arc<Mutex<Vec<String>>>, has_begun: Arc<Notify>) {
    let (client, mut cursor) = (Client::new(), None::<String>);
    loop {
        let request = client.get(&url).header("Accept", "text/event-stream");
        let request = cursor.iter().fold(request, |request, cursor| request.header("Last-Event-ID", cursor));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let (mut chunks, mut text) = (Box::pin(answer.bytes_stream()), String::new());
        while let Some(Ok(chunk)) = chunks.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
            while let Some(end) = text.find("\n\n") {
                let message: String = text.drain(..end + 2).collect();
                let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let Some(data) = field("data:") {
                    let entry: serde_json::Value = serde_json::from_str(data).expect("an entry");
                    if entry["eventType"] == "FlightCreated" {
                        created.lock().unwrap().push(entry["data"]["flightId"].as_str().unwrap().to_owned());
                    }
                }
                if let Some(id) = field("id:") {
                    cursor = Some(id.to_owned());
                    has_begun.notify_one();
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_every_service_fails_no_request() {
    let mut airport = Airport::open().await;
    let (work, created) = (Arc::new(Work::default()), Arc::new(Mutex::new(Vec::new())));
    let feed = airport.gateway.url("/api/auditlog/events");
    let has_begun = Arc::new(Notify::new());
    let following = tokio::spawn(follow(feed, Arc::clone(&created), Arc::clone(&has_begun)));
    tokio::time::timeout(LIMIT, has_begun.notified()).await.expect("the feed begins");
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&work).of_client(airport.api().another_connection()))).collect();
    for instances in [&mut airport.first, &mut airport.second] {
        join_all(instances.iter_mut().map(Instance::restart)).await;
        let before = work.answers.load(Ordering::Relaxed);
        eventually("work goes on", LIMIT, async || work.answers.load(Ordering::Relaxed) > before + CLIENTS).await;
    }
    work.is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no request has failed");
    }
    let flights = std::mem::take(&mut *work.flights.lock().unwrap());
    eventually("every flight is in the feed", LIMIT, async || created.lock().unwrap().len() >= flights.len()).await;
    assert!(!following.is_finished(), "the feed could be followed all the time");
    following.abort();
    let created = created.lock().unwrap();
    assert_eq!(created.len(), flights.len(), "none is there twice");
    assert_eq!(created.iter().collect::<HashSet<_>>(), flights.iter().collect());
}
