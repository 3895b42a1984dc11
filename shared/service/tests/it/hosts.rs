use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use shared_service::ServerSettings;
use tokio::net::TcpStream;

use crate::listening::{Server, start_with};

/// A server that answers with the `Host` that its handlers see.
async fn server() -> Server {
    let host = |headers: HeaderMap| async move {
        headers.get(header::HOST).map_or(Bytes::new(), |host| host.as_bytes().to_vec().into())
    };
    let settings = ServerSettings {
        public_hosts: vec!["app.example".parse().unwrap()],
        allowed_origins: vec!["https://partner.example".parse().unwrap()],
        ..ServerSettings::default()
    };
    start_with(settings, Router::new().fallback(any(host))).await
}

#[track_caller]
fn assert_status(answer: &str, status: u16, slug: &str, what: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")) || answer.starts_with(&format!("HTTP/1.0 {status} ")),
        "{what:?}: {answer}"
    );
    if status != 200 {
        assert!(answer.contains("content-type: application/problem+json"), "{what:?}: {answer}");
        assert!(answer.contains(&format!("\"/problems/{slug}\"")), "{what:?}: {answer}");
    }
}

#[tokio::test]
async fn only_its_own_names_and_addresses_are_answered_for() {
    let server = server().await;
    let machine = hostname();
    let own = server.address.to_string();
    for host in [
        "localhost",
        "LocalHost:1234",
        "localhost.",
        "127.0.0.1",
        "127.9.9.9:1",
        "[::1]",
        "[::1]:8080",
        "192.0.2.7",
        "0.0.0.0",
        "app.example",
        "APP.example:443",
        &machine,
        &own,
    ] {
        assert_status(&server.answer(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await, 200, "", host);
    }
    for host in
        ["evil.example", "www.app.example", "localhost.evil.example", "localhost.localhost", "2130706433", "x:80"]
    {
        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
            let answer = server.answer(&format!("{method} /rpc HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
            assert_status(&answer, 421, "misdirected-request", host);
            assert!(answer.contains("--public-host"), "{answer}");
        }
    }
}

fn hostname() -> String {
    let output = std::process::Command::new("uname").arg("-n").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_request_says_once_whom_it_is_for() {
    let server = server().await;
    for hosts in [
        "",
        "Host:\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: a b\r\n",
        "Host: user@localhost\r\n",
        "Host: localhost:x\r\n",
        "Host: localhost:99999\r\n",
        "Host: [::1\r\n",
        "Host: localhost/\r\n",
        "Host: b\u{e9}\r\n",
        "Host: localhost, localhost\r\n",
    ] {
        let answer = server.answer(&format!("GET / HTTP/1.1\r\n{hosts}\r\n")).await;
        assert_status(&answer, 400, "malformed-header", hosts);
    }
    assert_status(&server.answer("GET / HTTP/1.0\r\n\r\n").await, 200, "", "HTTP/1.0 does not have to");
    assert_status(
        &server.answer("GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n").await,
        421,
        "misdirected-request",
        "1.0",
    );
}

#[tokio::test]
async fn the_first_line_counts_more_than_the_host() {
    let server = server().await;
    let answer = server.answer("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_status(&answer, 421, "misdirected-request", "absolute form");
    let answer = server.answer("GET http://localhost:8080/ HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert_status(&answer, 200, "", "absolute form");
    assert!(answer.ends_with("localhost:8080"), "{answer}");
    let answer = server.answer("GET http://localhost/ HTTP/1.1\r\n\r\n").await;
    assert_status(&answer, 400, "malformed-header", "absolute form without Host");
    let answer = server.answer("GET http://user@localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_status(&answer, 400, "malformed-header", "absolute form with a user");
}

#[tokio::test]
async fn in_http2_the_authority_counts() {
    let server = server().await;
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (authority, host, status) in [
        ("localhost", None, 200),
        ("localhost:80", Some("LOCALHOST"), 200),
        ("evil.example", None, 421),
        ("localhost", Some("evil.example"), 400),
        ("evil.example", Some("localhost"), 400),
        ("localhost:8080", Some("localhost"), 400),
    ] {
        let mut request = Request::get(format!("http://{authority}/"));
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let answer = client.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap(), "{authority} {host:?}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let server = server().await;
    let own = format!("Origin: http://{}\r\n", server.address);
    let secure = own.replace("http:", "https:");
    let ask = async |method: &str, headers: &str| {
        let host = server.address;
        server.answer(&format!("{method} /parked/replay HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")).await
    };
    for headers in [
        "",
        &own,
        "Sec-Fetch-Site: same-origin\r\n",
        "Sec-Fetch-Site: none\r\n",
        "Origin: https://partner.example\r\n",
        "Origin: https://partner.example\r\nSec-Fetch-Site: cross-site\r\n",
        &format!("{own}Sec-Fetch-Site: same-origin\r\n"),
        &format!("{secure}Sec-Fetch-Site: same-origin\r\n"),
        &format!("{secure}X-Forwarded-Proto: https\r\n"),
    ] {
        assert_status(&ask("POST", headers).await, 200, "", headers);
    }
    for headers in [
        "Origin: https://evil.example\r\n",
        &secure,
        &format!("{secure}X-Forwarded-Proto: https\r\nSec-Fetch-Site: cross-site\r\n"),
        "Origin: null\r\n",
        "Origin:\r\n",
        "Origin: http://localhost\r\n",
        "Origin: http://partner.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: new\r\n",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n",
        "Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n",
        &format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        &format!("{own}{own}"),
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "PURGE"] {
            assert_status(&ask(method, headers).await, 403, "cross-site", headers);
        }
        for method in ["GET", "OPTIONS"] {
            assert_status(&ask(method, headers).await, 200, "", headers);
        }
    }
}
