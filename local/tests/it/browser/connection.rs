//! The server is slow, does not answer, or is killed: the page says so, goes on by itself, and does nothing twice.

use std::net::{Ipv4Addr, TcpListener};

use jetbridge_testing::{Api, eventually};
use nix::sys::signal::Signal;
use rand::RngExt;
use reqwest::StatusCode;
use serde_json::json;

use super::life::flight_number;
use super::page::Page;
use super::wire::Wire;
use super::{LIMIT, browse};
use crate::history::History;
use crate::system::System;

/// A port for a server that comes back to it. Systems do not choose it for connections of their own.
fn lasting_port() -> u16 {
    const OURS: std::ops::Range<u16> = 20_000..30_000;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..100).map(|_| rand::rng().random_range(OURS)).find(is_free).expect("a free port")
}

/// A system that has the same address after a restart.
pub(super) async fn start_at_lasting_port(arguments: &[&str]) -> System {
    let listen = format!("127.0.0.1:{}", lasting_port());
    System::start_with(&[&["--listen", &listen], arguments].concat()).await
}

/// Cuts the browser off the network, or connects it again.
async fn set_offline(page: &Page, offline: bool) {
    let no_limit = -1;
    let conditions = json!({
        "offline": offline, "latency": 0, "downloadThroughput": no_limit, "uploadThroughput": no_limit,
    });
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.emulateNetworkConditions", conditions).await;
}

#[tokio::test]
async fn the_audit_log_goes_on_after_the_server_was_killed() {
    browse(start_at_lasting_port(&[]), async |system, page| {
        let number = flight_number();
        let details = json!({"flightNumber": number, "origin": "HAM", "destination": "Oslo"});
        let add = async |api: &Api, flight: &str, names: &[&str]| {
            for name in names {
                api.add(flight, name).send().await.expect(StatusCode::CREATED);
            }
        };
        page.may_lose_the_server();
        page.opens("/audit-log").await;
        page.sees("#link-state[data-status=live]").await;
        let api = system.api();
        let flight = api.post("/api/flights").json(&details).send().await.expect(StatusCode::CREATED).id();
        add(&api, &flight, &["Ada", "Grace"]).await;
        page.counts(".sentence", 3).await;

        system.kill().await;
        page.sees("#link-state[data-status=lost]").await;
        page.sees(("#banner", "The connection is lost.")).await;
        // It stays away until everything that it is to miss has happened.
        set_offline(page, true).await;
        system.restart().await;
        let api = system.api();
        add(&api, &flight, &["Alan", "Edsger"]).await;
        page.counts(".sentence", 3).await;
        page.sees("#banner").await;

        set_offline(page, false).await;
        page.sees("#link-state[data-status=live]").await;
        page.sees_no("#banner").await;
        add(&api, &flight, &["Barbara"]).await;
        let mut sentences: Vec<_> = ["Barbara", "Edsger", "Alan", "Grace", "Ada"]
            .iter()
            .map(|name| format!("{name} was added to {number}"))
            .collect();
        sentences.push(format!("{number} from HAM to Oslo was announced"));
        page.shows(".sentence", &sentences).await;

        // The board, which was not on show, has not missed anything either.
        page.clicks(("header nav a", "Flights")).await;
        page.sees((".fraction", "0/5")).await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_was_open_comes_back_by_itself() {
    browse(start_at_lasting_port(&[]), async |system, page| {
        page.may_lose_the_server();
        let api = system.api();
        let flight = api.new_flight().await;
        let passenger = api.new_passenger(&flight).await;
        page.opens(&format!("/flights/{flight}")).await;
        page.counts(".passengers li[data-status=checkedIn]", 1).await;
        system.kill().await;
        page.sees("#banner").await;
        system.restart().await;
        page.sees("#link-state[data-status=live]").await;
        page.sees_no("#banner").await;
        let api = system.api();
        api.board(&passenger).send().await.expect(StatusCode::OK);
        page.sees(".summary .badge[data-status=allBoarded]").await;
    })
    .await;
}

/// How often this has happened to the passengers of a flight.
async fn count_of(api: &Api, flight: &str, event_type: &str) -> usize {
    let history = History::read(api).await;
    history.of_flight(flight).iter().filter(|entry| entry.event_type == event_type).count()
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        api.new_passenger(&flight).await;
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Board Ada Lovelace']").await;
        page.sees_no("#progress").await;

        system.signal(Signal::SIGSTOP);
        page.clicks("[aria-label='Board Ada Lovelace']").await;
        page.sees("#progress").await;
        // Who becomes impatient does no harm.
        page.clicks("[aria-label='Board Ada Lovelace']").await;
        page.counts(".passengers li[data-status=checkedIn]", 1).await;
        system.signal(Signal::SIGCONT);
        page.counts(".passengers li[data-status=boarded]", 1).await;
        page.sees_no("#progress").await;
        page.sees_no(".notice.error").await;
        assert_eq!(count_of(&api, &flight, "PassengerBoarded").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_is_carried_out_once() {
    browse(System::start(), async |system, page| {
        page.may_lose_the_server();
        let api = system.api();
        let flight = api.new_flight().await;
        let wire = Wire::to(system).await;
        page.opens(&wire.at(&format!("/flights/{flight}"))).await;
        page.sees((".summary .badge", "Waiting for boarding")).await;
        page.sees((".empty", "Nobody yet.")).await;

        wire.lose_answers();
        page.fills("#add-passenger", "Ada Lovelace").await;
        page.clicks((".adder button", "Add")).await;
        eventually("the passenger is added", LIMIT, async || count_of(&api, &flight, "PassengerCheckedIn").await == 1)
            .await;
        page.sees((".waiting li", "Ada Lovelace")).await;
        page.sees("#progress").await;
        page.counts(".passengers li", 0).await;

        // The page asks again by itself, and hears how it went.
        wire.renew();
        page.shows(".passengers a.name", &["Ada Lovelace"]).await;
        page.sees_no(".waiting li").await;
        page.sees_no("#progress").await;
        assert_eq!(count_of(&api, &flight, "PassengerCheckedIn").await, 1);
    })
    .await;
}
