use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use shared_kernel::{CommandContext, Idempotency, PublicKey, Revision};
use uuid::Uuid;

use crate::body;
use crate::fields::{BodyRule, Fields, FromFields, NoBody};
use crate::headers::{self, IfMatch};
use crate::path::PathId;
use crate::problem::Problem;
use crate::problem_type;

/// Extracts a command from a request: its input from the JSON body, and what comes with it from the headers.
///
/// Anything wrong with it is answered with a problem: 400, 413, 415 or 422.
///
/// ```
/// # use shared_service::{Command, NoBody, Reply, problem::Problem};
/// # use shared_kernel::{Position, Revision};
/// async fn close(command: Command<NoBody>) -> Result<Reply<()>, Problem> {
///     let _expected = command.if_match.expected_revision();
///     let _context = command.context;
///     # let (revision, position) = (Revision(1), Position::default());
///     Ok(Reply::ok(()).revision(revision).position(position))
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Command<T> {
    /// A fresh command id, the idempotency key with the request's fingerprint, and where the request comes from.
    pub context: CommandContext,
    /// What `If-Match` demands.
    pub if_match: IfMatch,
    /// The command's own fields.
    pub input: T,
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let body = body::read(&parts.headers, body).await?;
        if let Some(read) = parts.extensions.get::<ReadBody>() {
            read.keep(&body);
        }
        let key = headers::idempotency_key(&parts.headers)?;
        let if_match = IfMatch::from_headers(&parts.headers)?;
        check_media_type(T::BODY, &parts.headers, &body)?;
        let input = Fields::parse(&body)?;
        let context = CommandContext {
            command_id: Uuid::now_v7(),
            idempotency: key.map(|key| Idempotency { key, fingerprint: fingerprint(&parts, &body) }),
            cause: headers::cause(&parts.headers),
        };
        Ok(Self { context, if_match, input })
    }
}

/// The body of a command, once it has been read: for whoever has put this among the extensions of its request.
#[derive(Debug, Clone, Default)]
pub struct ReadBody(Arc<OnceLock<Bytes>>);

impl ReadBody {
    fn keep(&self, body: &Bytes) {
        // Once read, it is the same for ever.
        let _ = self.0.set(body.clone());
    }

    /// The body, if it has been read.
    #[must_use]
    pub fn get(&self) -> Option<&Bytes> {
        self.0.get()
    }
}

/// Extracts a command about one thing: the thing's key from the path, as [`PathId`] does, and the command, as
/// [`Command`] does.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandOn<I, T = NoBody> {
    /// The key.
    pub id: I,
    /// The version that the thing has to have, if `If-Match` demands one.
    pub if_version: Option<Revision>,
    /// The command's own fields.
    pub input: T,
    /// As [`Command::context`].
    pub context: CommandContext,
}

impl<S: Send + Sync, I: PublicKey + Send, T: FromFields> FromRequest<S> for CommandOn<I, T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let PathId(id) = PathId::from_request_parts(&mut parts, state).await?;
        let request = Request::from_parts(parts, body);
        let Command { context, if_match, input } = Command::from_request(request, state).await?;
        Ok(Self { id, if_version: if_match.expected_revision(), input, context })
    }
}

fn check_media_type(rule: BodyRule, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let nothing_to_read = body.is_empty() && rule != BodyRule::Required;
    if rule == BodyRule::Empty || nothing_to_read || is_json(headers) {
        return Ok(());
    }
    Err(Problem::of(problem_type::UNSUPPORTED_MEDIA_TYPE))
}

/// Whether the Content-Type is `application/json` or any `application/…+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// A digest of what makes two requests the same command: method, path and body.
fn fingerprint(parts: &Parts, body: &[u8]) -> String {
    let path = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.path(), |uri| uri.0.path());
    let mut digest = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), path.as_bytes()] {
        digest.update(part);
        digest.update([0]);
    }
    digest.update(body);
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
