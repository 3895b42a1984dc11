//! Calls to the other domain.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jetbridge_testing::{TestAuthority, TlsFront};
use jsonrpsee::RpcModule;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::http_client::{HeaderValue, HttpClientBuilder};
use jsonrpsee::rpc_params;
use jsonrpsee::server::{Server, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use shared_infrastructure::rpc::{Credential, Peers, RpcClient, Transport};
use shared_kernel::{Domain, Interruption, Stream};
use shared_rpc::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What the server has to say, call after call; the last of it for ever.
type Script = Vec<Result<u64, Interruption>>;

struct OtherDomain {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    _server: ServerHandle,
}

impl OtherDomain {
    async fn start(script: Script) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut module = RpcModule::new(Arc::clone(&calls));
        module
            .register_method("answer", move |_, calls, _| {
                let call = calls.fetch_add(1, Ordering::SeqCst).min(script.len() - 1);
                script[call].as_ref().copied().map_err(Fault::answer)
            })
            .unwrap();
        module
            .register_async_method("hang", |_, calls, _| async move {
                calls.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<Result<u64, ErrorObjectOwned>>().await
            })
            .unwrap();
        let server = Server::builder().build((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        Self { address, calls, _server: server.start(module) }
    }

    fn client(&self) -> RpcClient {
        client(self.address)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn credential() -> Credential {
    Arc::new(|| HeaderValue::from_static("Bearer token"))
}

fn client(address: SocketAddr) -> RpcClient {
    RpcClient::new("other domain", &format!("http://{address}"), credential()).unwrap()
}

async fn ask(client: impl ClientT, method: &'static str) -> Result<u64, ClientError> {
    client.request(method, rpc_params![]).await
}

#[tokio::test]
async fn what_the_service_itself_cannot_do_is_passed_on_at_once() {
    for interruption in [Interruption::Unavailable("away".to_owned()), Interruption::Overloaded] {
        let reason = interruption.to_string();
        let other = OtherDomain::start(vec![Err(interruption), Ok(7)]).await;
        let fault = other.client().call(|client| ask(client, "answer")).await.unwrap_err();
        assert_eq!(fault, Fault::Unavailable { service: "other domain".to_owned(), reason });
        assert_eq!(other.calls(), 1);
    }
}

/// An address where nobody listens.
async fn unreachable() -> SocketAddr {
    // The port is free again, and the system does not give it at once to the next who asks for any.
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_call_succeeds_once_the_service_can_be_reached() {
    let other = OtherDomain::start(vec![Ok(7)]).await;
    let nobody = HttpClientBuilder::default().build(format!("http://{}", unreachable().await)).unwrap();
    let attempts = AtomicUsize::new(0);
    let client = other.client();
    let answer = client.call(|client| {
        let (reachable, nobody) = (attempts.fetch_add(1, Ordering::SeqCst) == 3, nobody.clone());
        async move { if reachable { ask(client, "answer").await } else { ask(nobody, "answer").await } }
    });
    assert_eq!(answer.await, Ok(7));
    assert_eq!(other.calls(), 1);
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_tried_again() {
    let attempts = AtomicUsize::new(0);
    let started = Instant::now();
    let fault = client(unreachable().await)
        .call(|client| {
            attempts.fetch_add(1, Ordering::SeqCst);
            ask(client, "answer")
        })
        .await
        .unwrap_err();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault:?}");
    assert!(attempts.load(Ordering::SeqCst) > 1);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_call_without_an_answer_is_given_up_and_not_repeated() {
    let other = OtherDomain::start(vec![Ok(7)]).await;
    let started = Instant::now();
    let fault = other.client().call(|client| ask(client, "hang")).await.unwrap_err();
    assert!(matches!(fault, Fault::OutcomeUnknown { .. }), "{fault:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(other.calls(), 1);
}

#[tokio::test]
async fn what_asking_again_does_not_change_is_asked_once() {
    let (service, reason) = ("other domain".to_owned(), "bug".to_owned());
    for (interruption, expected) in [
        (
            Interruption::OutcomeUnknown("bug".to_owned()),
            Fault::OutcomeUnknown { service: service.clone(), reason: reason.clone() },
        ),
        (Interruption::Internal("bug".to_owned()), Fault::Internal { service, reason }),
    ] {
        let other = OtherDomain::start(vec![Err(interruption), Ok(7)]).await;
        let fault = other.client().call(|client| ask(client, "answer")).await.unwrap_err();
        assert_eq!(fault, expected);
        // Whoever asked for a change does not know whether it happened.
        assert!(matches!(Interruption::from(fault), Interruption::OutcomeUnknown(_)));
        assert_eq!(other.calls(), 1);
    }
    let other = OtherDomain::start(vec![Ok(7)]).await;
    let fault = other.client().call(|client| ask(client, "unheard of")).await.unwrap_err();
    assert!(matches!(fault, Fault::Invalid { .. }), "{fault:?}");
}

/// A server that takes one call, breaks the connection instead of an answer, and is gone.
async fn breaks_once() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        drop(listener);
        // As much as there is of the call, which is small.
        assert_ne!(connection.read(&mut [0; 4_096]).await.unwrap(), 0);
    });
    address
}

#[tokio::test]
async fn an_attempt_that_may_have_been_carried_out_is_not_forgotten_when_the_next_one_certainly_was_not() {
    let fault = client(breaks_once().await).call(|client| ask(client, "answer")).await.unwrap_err();
    assert!(matches!(fault, Fault::OutcomeUnknown { .. }), "{fault:?}");

    let other = OtherDomain::start(vec![Err(Interruption::Unavailable("away".to_owned()))]).await;
    let broken = HttpClientBuilder::default().build(format!("http://{}", breaks_once().await)).unwrap();
    let attempts = AtomicUsize::new(0);
    let client = other.client();
    let fault = client.call(|client| {
        let (first, broken) = (attempts.fetch_add(1, Ordering::SeqCst) == 0, broken.clone());
        async move { if first { ask(broken, "answer").await } else { ask(client, "answer").await } }
    });
    let fault = fault.await.unwrap_err();
    assert!(matches!(fault, Fault::OutcomeUnknown { .. }), "{fault:?}");
    assert_eq!(other.calls(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_the_outcome_unknown() {
    let other = OtherDomain::start(vec![Ok(7)]).await;
    let ask_for_a_text = |client: Transport| async move { client.request::<String, _>("answer", rpc_params![]).await };
    let fault = other.client().call(ask_for_a_text).await.unwrap_err();
    assert!(matches!(fault, Fault::OutcomeUnknown { .. }), "{fault:?}");
    assert_eq!(other.calls(), 1);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    assert!(RpcClient::new("other domain", "not an address", credential()).is_err());
}

const OTHER: Domain = Domain {
    name: "other",
    stream: Stream::new("other-stream", "o"),
    collections: &[],
    id_field: "otherId",
    calls: &[],
    problem_types: &[],
    api_port: 8081,
    processor_port: 8091,
};

#[tokio::test]
async fn over_tls_a_service_has_to_prove_its_name() {
    let (other, authority) = (OtherDomain::start(vec![Ok(7)]).await, TestAuthority::new());
    let front = TlsFront::of_server(other.address, &authority, "localhost").await;
    let late = TestAuthority::new().too_late();
    let late_front = TlsFront::of_server(other.address, &late, "localhost").await;
    let client = |host: &str, front: &TlsFront, vouching: Option<&TestAuthority>| {
        let trust = vouching.map(|authority| {
            let roots = shared_tls::from_file(&authority.file(), "test-authority").unwrap();
            shared_tls::trusting(roots).unwrap().with_no_client_auth()
        });
        let addresses = [(OTHER.name, vec![format!("https://{host}:{}", front.port())])];
        Peers::new(addresses, credential()).trusting(trust).client(&OTHER)
    };
    assert!(client("localhost", &front, None).is_err(), "there is nobody to believe");
    let ask_for_it = |client: RpcClient| async move { client.call(|transport| ask(transport, "answer")).await };
    assert_eq!(ask_for_it(client("localhost", &front, Some(&authority)).unwrap()).await.unwrap(), 7);
    let stranger = TestAuthority::new();
    for (host, front, vouching, why) in [
        ("localhost", &front, &stranger, ""),
        ("127.0.0.1", &front, &authority, ""),
        ("localhost", &late_front, &late, ": certificate expired"),
    ] {
        let fault = ask_for_it(client(host, front, Some(vouching)).unwrap()).await.unwrap_err();
        let Fault::Unavailable { reason, .. } = fault else { panic!("{fault:?}") };
        let expected = format!("it has not proved who it is: invalid peer certificate{why}");
        assert!(reason.starts_with(&expected), "{reason}");
    }
    assert_eq!(other.calls(), 1);
}

/// A service that refuses everybody, and what it was asked.
async fn refuses_everybody() -> (SocketAddr, UnboundedReceiver<String>) {
    let (asked, shown) = unbounded_channel();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let length = connection.read(&mut request).await.unwrap();
            // The test may have seen enough.
            let _ = asked.send(String::from_utf8_lossy(&request[..length]).to_ascii_lowercase());
            let answer = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            connection.write_all(answer).await.unwrap();
        }
    });
    (address, shown)
}

#[tokio::test]
async fn a_service_that_does_not_know_its_caller_has_done_nothing() {
    let (address, mut shown) = refuses_everybody().await;
    let fault = client(address).call(|client| ask(client, "answer")).await.unwrap_err();
    let Fault::Unavailable { reason, .. } = &fault else { panic!("{fault:?}") };
    assert!(reason.contains("--service-token-file"), "{reason}");
    let shown = shown.recv().await.unwrap();
    assert!(shown.contains("authorization: bearer token\r\n"), "{shown}");
}
