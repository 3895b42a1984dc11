//! Requests that no client library sends, over bare HTTP/2.

use axum::body::{Body, Bytes};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message;

use crate::frames::write;
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::{DeleteReq, ReadReq};
use crate::grpc::{append_options, read_req, read_stream};
use crate::support::{TestServer, within_limit};

const READ: &str = "/event_store.client.streams.Streams/Read";
const APPEND: &str = "/event_store.client.streams.Streams/Append";
const BATCH_APPEND: &str = "/event_store.client.streams.Streams/BatchAppend";
const DELETE: &str = "/event_store.client.streams.Streams/Delete";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    trailers: HeaderMap,
}

impl Answer {
    /// The gRPC code and message, wherever they are.
    fn grpc(&self) -> (&str, String) {
        let header = |name| {
            let value = self.headers.get(name).or_else(|| self.trailers.get(name));
            value.map_or("", |value| value.to_str().expect("text"))
        };
        let message = percent_decoded(header("grpc-message"));
        (header("grpc-status"), message)
    }
}

fn percent_decoded(text: &str) -> String {
    text.replace("%20", " ").replace("%22", "\"").replace("%27", "'")
}

async fn call(server: &TestServer, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let mut request = Request::post(format!("http://{}{path}", server.address()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(Bytes::from(body))).expect("a request");
    let response = within_limit(client.request(request)).await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = within_limit(response.into_body().collect()).await.expect("a body");
    Answer { status, headers, trailers: body.trailers().cloned().unwrap_or_default() }
}

async fn grpc(server: &TestServer, path: &str, body: Vec<u8>) -> Answer {
    call(server, path, &[("content-type", "application/grpc"), ("te", "trailers")], body).await
}

fn message(flag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a length");
    [&[flag][..], &length.to_be_bytes(), content].concat()
}

fn delete_of(stream: &str) -> Vec<u8> {
    let options = Some(append_options(stream, Expected::Any(Empty {})));
    message(0, &DeleteReq { options }.encode_to_vec())
}

fn read_of(stream: &str) -> Vec<u8> {
    let request: ReadReq = read_req(read_stream(stream, 0, 1));
    message(0, &request.encode_to_vec())
}

#[tokio::test]
async fn an_unreadable_message_is_an_unhandled_exception() {
    let server = TestServer::start().await;
    for path in [READ, APPEND, DELETE] {
        let answer = grpc(&server, path, message(0, &[0xff, 0xff, 0xff])).await;
        assert_eq!(answer.grpc(), ("2", "Exception was thrown by handler.".to_owned()), "{path}");
    }
    let answer = grpc(&server, BATCH_APPEND, message(0, &[0xff, 0xff, 0xff])).await;
    assert_eq!(answer.grpc().0, "0", "it ends the session");
}

#[tokio::test]
async fn a_unary_call_has_exactly_one_message() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    for (path, one) in [(DELETE, delete_of("s")), (READ, read_of("s"))] {
        assert_eq!(grpc(&server, path, Vec::new()).await.grpc().0, "13", "{path} without a message");
        let two = [&one[..], &one[..]].concat();
        assert_eq!(grpc(&server, path, two).await.grpc().0, "13", "{path} with two");
        assert_eq!(grpc(&server, path, one[..one.len() - 1].to_vec()).await.grpc().0, "13", "{path} with a part");
        assert_eq!(grpc(&server, path, one).await.grpc().0, "0", "{path} with one");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_exhausts_the_resource() {
    const LIMIT: usize = 16_767_216;
    let server = TestServer::start().await;
    for (size, code) in [(LIMIT + 1, "8"), (LIMIT, "2")] {
        let mut announced = message(0, &[]);
        announced[1..].copy_from_slice(&u32::try_from(size).expect("a length").to_be_bytes());
        if size == LIMIT {
            announced.resize(size + 5, 0xff);
        }
        for path in [APPEND, DELETE] {
            assert_eq!(grpc(&server, path, announced.clone()).await.grpc().0, code, "{path} with {size} bytes");
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_told_in_the_language_that_was_spoken() {
    let server = TestServer::start().await;
    let streams = "/event_store.client.streams.Streams/Nothing";
    assert_eq!(grpc(&server, streams, Vec::new()).await.grpc(), ("12", "Method is unimplemented.".to_owned()));
    let nothing = grpc(&server, "/nothing.Nothing/Read", Vec::new()).await;
    assert_eq!(nothing.grpc(), ("12", "Service is unimplemented.".to_owned()));
    assert_eq!(grpc(&server, "/nothing", Vec::new()).await.status, StatusCode::NOT_FOUND);
    for content_type in ["application/json", "application/grpc-web"] {
        let answer = call(&server, DELETE, &[("content-type", content_type)], delete_of("s")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    write(&server, "s", 1).await;
    let headers = [("content-type", "application/grpc+proto"), ("te", "trailers"), ("grpc-encoding", "unheard-of")];
    assert_eq!(call(&server, DELETE, &headers, delete_of("s")).await.grpc().0, "0");
}

#[tokio::test]
async fn an_answer_has_only_the_usual_headers() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    for path in [READ, DELETE] {
        let body = if path == READ { read_of("s") } else { delete_of("s") };
        let answer = grpc(&server, path, body).await;
        let mut names: Vec<_> = answer.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "date", "server"]);
        assert_eq!(answer.headers["content-type"], "application/grpc");
    }
}
