//! The small gRPC services: what the server can do, and that it has no persistent subscriptions.

use tonic::{Code, Request, Response, Status};

use crate::proto::client::Empty;
use crate::proto::persistent_subscriptions::list_req::options::ListOption;
use crate::proto::persistent_subscriptions::list_req::stream_option::StreamOption;
use crate::proto::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptions;
use crate::proto::persistent_subscriptions::{ListReq, ListResp};
use crate::proto::server_features::server_features_server::ServerFeatures;
use crate::proto::server_features::{SupportedMethod, SupportedMethods};
use crate::status;
use crate::wire;

/// The EventStoreDB version whose protocol this server speaks. Clients need three numeric parts.
pub(crate) const VERSION: &str = "24.6.0";

/// Service, method and features, in lower case as clients expect them. Only what works is listed: clients decide by it.
const METHODS: [(&str, &str, &[&str]); 8] = [
    ("event_store.client.streams.streams", "read", &["position", "events"]),
    ("event_store.client.streams.streams", "append", &[]),
    ("event_store.client.streams.streams", "batchappend", &["deadline_duration"]),
    ("event_store.client.streams.streams", "delete", &[]),
    ("event_store.client.streams.streams", "tombstone", &[]),
    ("event_store.client.persistent_subscriptions.persistentsubscriptions", "list", &["stream", "all"]),
    ("event_store.client.gossip.gossip", "read", &[]),
    ("event_store.client.server_features.serverfeatures", "getsupportedmethods", &[]),
];

/// Tells clients which methods they may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeaturesService;

#[tonic::async_trait]
impl ServerFeatures for FeaturesService {
    async fn get_supported_methods(&self, _request: Request<Empty>) -> Result<Response<SupportedMethods>, Status> {
        let methods = METHODS.iter().map(|(service, method, features)| SupportedMethod {
            method_name: (*method).to_owned(),
            service_name: (*service).to_owned(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
        });
        Ok(Response::new(SupportedMethods {
            methods: methods.collect(),
            event_store_server_version: VERSION.to_owned(),
        }))
    }
}

/// There are no persistent subscriptions. Clients list them when they tidy up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoPersistentSubscriptions;

#[tonic::async_trait]
impl PersistentSubscriptions for NoPersistentSubscriptions {
    async fn list(&self, request: Request<ListReq>) -> Result<Response<ListResp>, Status> {
        let option = request.into_inner().options.and_then(|options| options.list_option);
        let stream = match option {
            Some(ListOption::ListAllSubscriptions(_)) => return Ok(Response::new(ListResp {})),
            Some(ListOption::ListForStream(stream)) => stream.stream_option,
            None => return Err(Status::invalid_argument("the list option is missing")),
        };
        let stream = match stream {
            Some(StreamOption::Stream(identifier)) => wire::stream_name(Some(&identifier))?,
            Some(StreamOption::All(_)) => "$all".into(),
            None => return Err(Status::invalid_argument("the stream option is missing")),
        };
        Err(status::with_trailers(
            Code::NotFound,
            format!("Subscription group  on stream {stream} does not exist."),
            &[("exception", "persistent-subscription-does-not-exist"), ("stream-name", &stream), ("group-name", "")],
        ))
    }
}
