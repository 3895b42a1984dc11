//! Services with several instances.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::any;
use gateway::{Config, Limits, Resolver, Services};
use http::StatusCode;
use jetbridge_testing::{TestService, eventually};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared_service::ServerSettings;
use shared_service::settings::ServiceUrls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{LIMIT, all_at, config, expect_problem, gateway_of, listener, nobody, serve, start};

/// The services, each of which has instances at these addresses.
fn several(addresses: &[SocketAddr]) -> Services {
    services_at(&addresses.iter().map(|address| format!("http://{address}")).collect::<Vec<_>>().join(","))
}

fn services_at(urls: &str) -> Services {
    let urls: ServiceUrls = urls.parse().unwrap();
    let mut services = all_at(SocketAddr::from(([127, 0, 0, 1], 1)));
    for domain in &mut services.domains {
        domain.api = urls.clone();
    }
    Services { auditlog_api: urls, ..services }
}

/// Only the flight API has these.
fn flights_at(urls: &str) -> Services {
    let mut services = all_at(SocketAddr::from(([127, 0, 0, 1], 1)));
    services.domains[0].api = urls.parse().unwrap();
    services
}

/// An instance that says which one it is, and whether it is ready.
#[derive(Clone)]
struct Replica {
    name: &'static str,
    is_ready: Arc<AtomicBool>,
    /// What it answers a request that changes something with.
    status: StatusCode,
    requests: Arc<AtomicUsize>,
    /// Requests for `/api/flights/hold` wait for one of these.
    release: Arc<Semaphore>,
}

impl Replica {
    fn new(name: &'static str) -> Self {
        let (is_ready, requests, release) = (Arc::new(AtomicBool::new(true)), Arc::default(), Semaphore::new(0));
        Self { name, is_ready, status: StatusCode::OK, requests, release: Arc::new(release) }
    }

    fn router(&self) -> Router {
        let (ready, all) = (self.clone(), self.clone());
        let health = move || async move {
            let is_ready = ready.is_ready.load(Ordering::SeqCst);
            let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (code, axum::Json(json!({"status": if is_ready { "up" } else { "down" }})))
        };
        let answer = move |request: Request| async move {
            all.requests.fetch_add(1, Ordering::SeqCst);
            if request.uri().path().ends_with("/hold") {
                let _released = all.release.acquire().await.unwrap();
            }
            let status = if request.method().is_safe() { StatusCode::OK } else { all.status };
            (status, all.name).into_response()
        };
        Router::new().route("/health/ready", any(health)).fallback(answer)
    }

    async fn start(&self) -> TestService {
        serve(self.router()).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn two() -> ([Replica; 2], [TestService; 2]) {
    let replicas = [Replica::new("one"), Replica::new("other")];
    let services = [replicas[0].start().await, replicas[1].start().await];
    (replicas, services)
}

async fn ask(gateway: &TestService) -> String {
    let answer = reqwest::get(gateway.url("/api/flights")).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// Waits until ten requests in a row are answered by these, each at least once.
async fn answered_by(gateway: &TestService, names: &[&str]) {
    eventually(&format!("{names:?} answer"), LIMIT, async || {
        let mut found = Vec::new();
        for _ in 0..10 {
            found.push(ask(gateway).await);
        }
        found.sort();
        found.dedup();
        if found == names { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

#[tokio::test]
async fn the_instance_with_the_fewest_requests_in_flight_is_asked() {
    let (replicas, services) = two().await;
    let gateway = gateway_of(several(&services.each_ref().map(TestService::address)), Limits::default()).await;
    let held = tokio::spawn(reqwest::get(gateway.url("/api/flights/hold")));
    let requests = || replicas.iter().map(Replica::requests).sum::<usize>();
    eventually("the request has arrived", LIMIT, async || requests() == 1).await;
    let busy = replicas.iter().position(|replica| replica.requests() == 1).unwrap();
    for _ in 0..10 {
        assert_eq!(ask(&gateway).await, replicas[1 - busy].name);
    }
    replicas[busy].release.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap().text().await.unwrap(), replicas[busy].name);
    // Now they take turns.
    let before = replicas.each_ref().map(Replica::requests);
    for _ in 0..10 {
        ask(&gateway).await;
    }
    let after = replicas.each_ref().map(Replica::requests);
    assert_eq!([after[0] - before[0], after[1] - before[1]], [5, 5]);
}

#[tokio::test]
async fn one_that_is_not_ready_is_left_out_as_long_as_another_is() {
    let (replicas, services) = two().await;
    let gateway = gateway_of(several(&services.each_ref().map(TestService::address)), Limits::default()).await;
    answered_by(&gateway, &["one", "other"]).await;
    replicas[0].is_ready.store(false, Ordering::SeqCst);
    answered_by(&gateway, &["other"]).await;
    let health: Value = reqwest::get(gateway.url("/api/health")).await.unwrap().json().await.unwrap();
    let service = &health["services"][0];
    assert_eq!((&service["status"], &service["detail"]), (&json!("degraded"), &json!("1 of 2 instances work")));
    assert_eq!(service["instances"][0]["address"], services[0].address().to_string());
    let of_instances = |field| [&service["instances"][0][field], &service["instances"][1][field]];
    assert_eq!(of_instances("status"), ["down", "up"]);
    assert_eq!(of_instances("inUse"), [&json!(false), &json!(true)]);
    replicas[1].is_ready.store(false, Ordering::SeqCst);
    answered_by(&gateway, &["one", "other"]).await;
    replicas[1].is_ready.store(true, Ordering::SeqCst);
    answered_by(&gateway, &["other"]).await;
    replicas[0].is_ready.store(true, Ordering::SeqCst);
    answered_by(&gateway, &["one", "other"]).await;
}

/// An instance that is gone as soon as it has said that it is ready.
async fn goes_away() -> (SocketAddr, JoinHandle<()>) {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let once = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(head(&mut stream).await.starts_with("GET /health/ready "));
        drop(listener);
        say_ready(&mut stream).await;
    };
    (address, tokio::spawn(once))
}

async fn say_ready(stream: &mut TcpStream) {
    let body = r#"{"status":"up"}"#;
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 15\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn what_was_not_sent_is_sent_to_another_instance() {
    let good = Replica::new("good");
    let service = good.start().await;
    for (at, (method, key)) in
        [(Method::GET, None), (Method::POST, None), (Method::POST, Some("k"))].into_iter().enumerate()
    {
        let (gone, has_gone) = goes_away().await;
        let flights = flights_at(&format!("http://{gone},http://{}", service.address()));
        let gateway = gateway_of(flights, Limits::default()).await;
        timeout(LIMIT, has_gone).await.unwrap().unwrap();
        // It counts as ready until it is asked again, so it is its turn with one of these.
        for nth in 1..=2 {
            let request = Client::new().request(method.clone(), gateway.url("/api/flights")).body("{}");
            let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
            let answer = request.send().await.unwrap();
            assert_eq!((answer.status().as_u16(), good.requests()), (200, 2 * at + nth));
        }
    }
    let gateway = gateway_of(several(&[nobody().await, nobody().await]), Limits::default()).await;
    for _ in 0..3 {
        expect_problem(Client::new().get(gateway.url("/api/flights")), 503, "unavailable").await;
        expect_problem(Client::new().post(gateway.url("/api/flights")).body("{}"), 503, "unavailable").await;
    }
}

/// An instance that says that it is ready, and hangs up on everything else.
async fn rude() -> SocketAddr {
    rude_to(Arc::default()).await
}

/// The same, which counts what it hangs up on.
async fn rude_to(requests: Arc<AtomicUsize>) -> SocketAddr {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = head(&mut stream).await;
            if head.starts_with("GET /health/ready ") {
                say_ready(&mut stream).await;
            } else {
                requests.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    address
}

#[tokio::test]
async fn one_that_requests_fail_at_gets_fewer_of_them() {
    let (good, failed) = (Replica::new("good"), Arc::default());
    let service = good.start().await;
    let instances = [rude_to(Arc::clone(&failed)).await, service.address()];
    let gateway = gateway_of(several(&instances), Limits::default()).await;
    for _ in 0..40 {
        assert_eq!(ask(&gateway).await, "good");
    }
    // In turns it would be twenty. It is left alone for twice as long each time, so on the slowest machine it is a few.
    assert!((1..10).contains(&failed.load(Ordering::SeqCst)), "{failed:?}");
}

async fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test]
async fn what_may_have_been_done_is_sent_to_another_only_if_that_does_no_harm() {
    let good = Replica::new("good");
    let service = good.start().await;
    let both = async || gateway_of(several(&[rude().await, service.address()]), Limits::default()).await;
    assert_eq!(ask(&both().await).await, "good");
    let gateway = both().await;
    let keyed = Client::new().post(gateway.url("/api/flights")).header("idempotency-key", "k").body("{}");
    assert_eq!(keyed.send().await.unwrap().text().await.unwrap(), "good");
    let gateway = both().await;
    expect_problem(Client::new().post(gateway.url("/api/flights")).body("{}"), 504, "outcome-unknown").await;
    assert_eq!(good.requests(), 2, "a command without a key is not repeated");
}

/// The first may have done what the second has not.
#[tokio::test]
async fn a_second_instance_that_has_done_nothing_says_nothing_of_the_first() {
    let busy = Replica { status: StatusCode::SERVICE_UNAVAILABLE, ..Replica::new("busy") };
    let older = Replica { status: StatusCode::UNPROCESSABLE_ENTITY, ..Replica::new("of the release before") };
    let services = [busy.start().await, older.start().await];
    for second in [services[0].address(), services[1].address(), nobody().await] {
        let gateway = gateway_of(several(&[rude().await, second]), Limits::default()).await;
        let keyed = Client::new().post(gateway.url("/api/flights")).header("idempotency-key", "k").body("{}");
        expect_problem(keyed, 504, "outcome-unknown").await;
    }
    assert_eq!((busy.requests(), older.requests()), (1, 1));
}

/// Listeners for the same port, one on each of these addresses of this machine.
async fn on_one_port(last: [u8; 3]) -> [TcpListener; 3] {
    eventually("a port is free on all addresses", LIMIT, async || {
        let first = TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 0, last[0]), 0)).await.ok()?;
        let port = first.local_addr().ok()?.port();
        let second = TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 0, last[1]), port)).await.ok()?;
        let third = TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 0, last[2]), port)).await.ok()?;
        Some([first, second, third])
    })
    .await
}

#[tokio::test]
async fn every_address_of_a_name_is_an_instance_and_a_failure_has_it_looked_up_again() {
    let [first, second, third] = on_one_port([11, 12, 13]).await;
    let address = |listener: &TcpListener| listener.local_addr().unwrap();
    let (one, other, late) = (address(&first), address(&second), address(&third));
    let running = |listener, name| {
        let (router, stop) = (Replica::new(name).router(), tokio_util::sync::CancellationToken::new());
        let settings =
            ServerSettings { public_hosts: vec!["flights.test".parse().unwrap()], ..ServerSettings::default() };
        let serving = tokio::spawn(shared_service::serve_with(settings, listener, router, stop.clone()));
        (stop, serving)
    };
    let (stop, serving) = running(first, "one");
    let _others = [running(second, "other"), running(third, "late")];
    let found = Arc::new(Mutex::new(vec![one, other]));
    let looked_up: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let (names, times) = (Arc::clone(&found), Arc::clone(&looked_up));
    let resolver = Resolver::new(move |host: String, port| {
        assert_eq!((host.as_str(), port), ("flights.test", one.port()));
        times.lock().unwrap().push(Instant::now());
        let found = names.lock().unwrap().clone();
        async move { Ok(found) }
    });
    let services = flights_at(&format!("http://flights.test:{}", one.port()));
    let gateway = start(Config { resolver, ..config(services) }).await;
    eventually("the name was looked up", LIMIT, async || {
        let answer = reqwest::get(gateway.url("/api/flights")).await.unwrap();
        answer.status() == 200
    })
    .await;
    answered_by(&gateway, &["one", "other"]).await;
    // From here on it would be a while until it is looked up again.
    let before = looked_up.lock().unwrap().len();
    eventually("it is looked up now and then", LIMIT, async || looked_up.lock().unwrap().len() > before).await;
    *found.lock().unwrap() = vec![other, late];
    stop.cancel();
    serving.await.unwrap();
    answered_by(&gateway, &["late", "other"]).await;
    let times = looked_up.lock().unwrap()[before..].to_vec();
    assert!(times[1] - times[0] < Duration::from_secs(5), "{times:?}");
    found.lock().unwrap().clear();
    answered_by(&gateway, &["late", "other"]).await;
}
