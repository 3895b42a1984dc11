//! An event store with users and rights, as far as `setup` speaks with one: who may do what is decided as EventStoreDB
//! does, from the metadata of streams and from `$settings`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use prost::Message;
use serde_json::Value;
use shared_eventstore_protocol::client::{self, Empty, StreamIdentifier, Uuid as ProtoUuid, WrongExpectedVersion};
use shared_eventstore_protocol::streams::batch_append_req::options::ExpectedStreamPosition;
use shared_eventstore_protocol::streams::batch_append_resp::{Result as BatchResult, Success};
use shared_eventstore_protocol::streams::read_req::options::{CountOption, StreamOption};
use shared_eventstore_protocol::streams::read_resp::{Content, StreamNotFound, SubscriptionConfirmation};
use shared_eventstore_protocol::streams::streams_server::{Streams, StreamsServer};
use shared_eventstore_protocol::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadEvent, ReadReq, ReadResp,
    RecordedEvent, TombstoneReq, TombstoneResp,
};
use shared_eventstore_protocol::users::users_server::{Users, UsersServer};
use shared_eventstore_protocol::users::{CreateReq, CreateResp, ResetPasswordReq, ResetPasswordResp};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;

/// The password of the administrator.
pub(crate) const ADMIN_PASSWORD: &str = "of-the-administrator";
const ADMIN: &str = "admin";
const ADMINISTRATORS: &str = "$admins";
const EVERYBODY: &str = "$all";

/// An event store, until the runtime of its test ends.
#[derive(Clone, Default)]
pub(crate) struct FakeEventStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Passwords by name.
    users: HashMap<String, String>,
    streams: HashMap<String, Vec<Stored>>,
}

#[derive(Clone)]
struct Stored {
    event_type: String,
    data: Vec<u8>,
}

impl FakeEventStore {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let fake = Self::default();
        fake.0.lock().unwrap().users.insert(ADMIN.to_owned(), ADMIN_PASSWORD.to_owned());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server =
            Server::builder().add_service(StreamsServer::new(fake.clone())).add_service(UsersServer::new(fake.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (fake, address)
    }

    /// How many events there are in all.
    pub(crate) fn events(&self) -> usize {
        self.0.lock().unwrap().streams.values().map(Vec::len).sum()
    }

    /// The data of a stream's newest event.
    pub(crate) fn newest(&self, stream: &str) -> Option<Value> {
        self.0.lock().unwrap().newest(stream)
    }

    fn permit(&self, metadata: &MetadataMap, stream: &str, right: &str) -> Result<(), Status> {
        let state = self.0.lock().unwrap();
        let user = state.user(metadata)?;
        if state.may(&user, stream, right) { Ok(()) } else { Err(denied()) }
    }

    fn administrator(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let user = self.0.lock().unwrap().user(metadata)?;
        if user == ADMIN { Ok(()) } else { Err(denied()) }
    }

    fn append(&self, metadata: &MetadataMap, request: BatchAppendReq) -> BatchAppendResp {
        let options = request.options.unwrap();
        let stream = name(options.stream_identifier);
        let error = |code: Code, message: &str, details| {
            BatchResult::Error(client::Status { code: code.into(), message: message.to_owned(), details })
        };
        let result =
            match self.permit(metadata, &stream, "$w") {
                Err(status) => error(status.code(), "AccessDenied", None),
                Ok(()) => {
                    let mut state = self.0.lock().unwrap();
                    let events = state.streams.entry(stream).or_default();
                    let next = events.len() as u64;
                    let fits = match options.expected_stream_position {
                        Some(ExpectedStreamPosition::StreamPosition(revision)) => revision + 1 == next,
                        Some(ExpectedStreamPosition::NoStream(_)) => next == 0,
                        _ => true,
                    };
                    if fits {
                        events.extend(request.proposed_messages.into_iter().map(|event| Stored {
                            event_type: event.metadata["type"].clone(),
                            data: event.data.to_vec(),
                        }));
                        BatchResult::Success(Success::default())
                    } else {
                        error(Code::AlreadyExists, "WrongExpectedVersion", Some(wrong_version(next)))
                    }
                }
            };
        BatchAppendResp { correlation_id: request.correlation_id, result: Some(result), stream_identifier: None }
    }
}

fn wrong_version(next: u64) -> prost_types::Any {
    use client::wrong_expected_version::CurrentStreamRevisionOption as Current;
    let current = match next.checked_sub(1) {
        Some(revision) => Current::CurrentStreamRevision(revision),
        None => Current::CurrentNoStream(Empty {}),
    };
    let detail = WrongExpectedVersion { current_stream_revision_option: Some(current), ..Default::default() };
    prost_types::Any {
        type_url: "type.googleapis.com/event_store.client.WrongExpectedVersion".to_owned(),
        value: detail.encode_to_vec(),
    }
}

fn name(stream: Option<StreamIdentifier>) -> String {
    String::from_utf8(stream.unwrap().stream_name.to_vec()).unwrap()
}

fn exception(code: Code, message: &str, exception: &'static str) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("exception", exception.parse().unwrap());
    Status::with_metadata(code, message, metadata)
}

fn denied() -> Status {
    exception(Code::PermissionDenied, "Access Denied", "access-denied")
}

impl State {
    /// Who asks. Somebody who is not known gets no further.
    fn user(&self, metadata: &MetadataMap) -> Result<String, Status> {
        let unknown = || Status::unauthenticated("Unauthenticated");
        let header = metadata.get("authorization").ok_or_else(unknown)?.to_str().unwrap();
        let decoded = BASE64_STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        let credentials = String::from_utf8(decoded).unwrap();
        let (user, password) = credentials.split_once(':').unwrap();
        if self.users.get(user).is_some_and(|known| known == password) { Ok(user.to_owned()) } else { Err(unknown()) }
    }

    fn newest(&self, stream: &str) -> Option<Value> {
        let event = self.streams.get(stream)?.last()?;
        Some(serde_json::from_slice(&event.data).unwrap())
    }

    fn may(&self, user: &str, stream: &str, right: &str) -> bool {
        if user == ADMIN {
            return true;
        }
        let (stream, right) = match (stream.strip_prefix("$$"), right) {
            (Some(of), "$r") => (of, "$mr"),
            (Some(of), _) => (of, "$mw"),
            (None, right) => (stream, right),
        };
        let is_systems = stream.starts_with('$');
        let own = self.newest(&format!("$${stream}")).and_then(|metadata| metadata.get("$acl")?.get(right).cloned());
        let default = if is_systems { "$systemStreamAcl" } else { "$userStreamAcl" };
        let by_default = || self.newest("$settings")?.get(default)?.get(right).cloned();
        let built_in = Value::from(if is_systems { ADMINISTRATORS } else { EVERYBODY });
        match own.or_else(by_default).unwrap_or(built_in) {
            Value::Array(names) => names.iter().any(|name| name == user || name == EVERYBODY),
            name => name == user || name == EVERYBODY,
        }
    }
}

#[tonic::async_trait]
impl Streams for FakeEventStore {
    type ReadStream = BoxStream<'static, Result<ReadResp, Status>>;
    type BatchAppendStream = BoxStream<'static, Result<BatchAppendResp, Status>>;

    /// The newest event of a stream, or the confirmation of a subscription to all.
    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let options = request.get_ref().options.clone().unwrap();
        let stream = match options.stream_option.unwrap() {
            StreamOption::Stream(stream) => name(stream.stream_identifier),
            StreamOption::All(_) => "$all".to_owned(),
        };
        self.permit(request.metadata(), &stream, "$r")?;
        if matches!(options.count_option, Some(CountOption::Subscription(_))) {
            let confirmation = SubscriptionConfirmation { subscription_id: Uuid::now_v7().to_string() };
            let first = Ok(ReadResp { content: Some(Content::Confirmation(confirmation)) });
            return Ok(Response::new(stream::iter([first]).chain(stream::pending()).boxed()));
        }
        let state = self.0.lock().unwrap();
        let content = match state.streams.get(&stream).and_then(|events| Some((events.len(), events.last()?))) {
            None => Content::StreamNotFound(StreamNotFound { stream_identifier: Some(stream.as_str().into()) }),
            Some((count, Stored { event_type, data })) => {
                let metadata = [("type", event_type.as_str()), ("created", "0"), ("content-type", "application/json")];
                let event = RecordedEvent {
                    id: Some(ProtoUuid::structured(Uuid::now_v7())),
                    stream_identifier: Some(stream.as_str().into()),
                    stream_revision: count as u64 - 1,
                    metadata: metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                    data: data.clone().into(),
                    ..RecordedEvent::default()
                };
                Content::Event(ReadEvent { event: Some(event), ..ReadEvent::default() }.encode_to_vec().into())
            }
        };
        Ok(Response::new(stream::iter([Ok(ReadResp { content: Some(content) })]).boxed()))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let (metadata, _, requests) = request.into_parts();
        self.0.lock().unwrap().user(&metadata)?;
        let fake = self.clone();
        let answers = requests.map(move |request| Ok(fake.append(&metadata, request?)));
        Ok(Response::new(answers.boxed()))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let stream = name(request.get_ref().options.clone().unwrap().stream_identifier);
        self.permit(request.metadata(), &stream, "$d")?;
        Ok(Response::new(DeleteResp::default()))
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        let stream = name(request.get_ref().options.clone().unwrap().stream_identifier);
        self.permit(request.metadata(), &stream, "$d")?;
        Ok(Response::new(TombstoneResp::default()))
    }

    async fn append(&self, _: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        Err(Status::unimplemented("appended in batches"))
    }
}

#[tonic::async_trait]
impl Users for FakeEventStore {
    async fn create(&self, request: Request<CreateReq>) -> Result<Response<CreateResp>, Status> {
        self.administrator(request.metadata())?;
        let options = request.into_inner().options.unwrap();
        let users = &mut self.0.lock().unwrap().users;
        if users.contains_key(&options.login_name) {
            return Err(exception(Code::FailedPrecondition, "Conflict.", "user-conflict"));
        }
        assert_eq!(options.groups, [""; 0], "a user of a service is of no group");
        users.insert(options.login_name, options.password);
        Ok(Response::new(CreateResp {}))
    }

    async fn reset_password(&self, request: Request<ResetPasswordReq>) -> Result<Response<ResetPasswordResp>, Status> {
        self.administrator(request.metadata())?;
        let options = request.into_inner().options.unwrap();
        let users = &mut self.0.lock().unwrap().users;
        let not_found = || exception(Code::NotFound, "User is not found.", "user-not-found");
        *users.get_mut(&options.login_name).ok_or_else(not_found)? = options.new_password;
        Ok(Response::new(ResetPasswordResp {}))
    }
}
