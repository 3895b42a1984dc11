use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use shared_kernel::{Cause, CommandContext, IfVersion, PublicKey};
use uuid::Uuid;

use crate::fields::{BodyRule, Fields, FromFields, NoBody};
use crate::path::PathId;
use crate::problem::Problem;
use crate::{body, cause, fingerprint, headers, preconditions};

/// Extracts a command that adds something to a list from a request: its input from the JSON body, and what comes with it
/// from the headers.
///
/// Anything wrong with it is answered with a problem: 400, 408, 412, 413, 415 or 422.
///
/// ```
/// # use shared_service::{Command, NoBody, Reply, problem::Problem};
/// # use shared_kernel::{Position, Revision};
/// async fn add(command: Command<NoBody>) -> Result<Reply<()>, Problem> {
///     let _context = command.context;
///     # let (revision, position) = (Revision(1), Position::default());
///     Ok(Reply::ok(()).revision(revision).position(position))
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Command<T> {
    /// A fresh command id, the idempotency key with the request's fingerprint, and where the request comes from.
    pub context: CommandContext,
    /// The command's own fields.
    pub input: T,
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let command = Self::read(&parts, body).await?;
        preconditions::of_addition(&parts.headers)?;
        Ok(command)
    }
}

impl<T: FromFields> Command<T> {
    async fn read(parts: &Parts, body: Body) -> Result<Self, Problem> {
        let body = body::read(&parts.headers, body).await?;
        let key = headers::idempotency_key(&parts.headers)?;
        let cause = cause::cause(&parts.headers, &parts.extensions)?;
        ReadCommand::keep(parts, &cause, &body);
        body::check_encoding(&parts.headers)?;
        check_media_type(T::BODY, &parts.headers, &body)?;
        let (input, content) = Fields::parse(&body)?;
        let idempotency =
            key.map(|key| fingerprint::idempotency(key, cause.subject.as_ref(), parts, (&content, &body)));
        Ok(Self { context: CommandContext { command_id: Uuid::now_v7(), idempotency, cause }, input })
    }
}

/// What was read of a command, whatever became of it: for whoever has put this among the extensions of its request.
#[derive(Debug, Clone, Default)]
pub struct ReadCommand(Arc<OnceLock<(Cause, Bytes)>>);

impl ReadCommand {
    fn keep(parts: &Parts, cause: &Cause, body: &Bytes) {
        if let Some(Self(read)) = parts.extensions.get() {
            // A request is one command.
            let _ = read.set((cause.clone(), body.clone()));
        }
    }

    /// Where the command comes from, and its body, which is empty if there was no use in reading it. `None` if it was not
    /// said as it has to be.
    #[must_use]
    pub fn get(&self) -> Option<&(Cause, Bytes)> {
        self.0.get()
    }
}

/// Extracts a command about one thing: the thing's key from the path, as [`PathId`] does, and the command, as
/// [`Command`] does.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandOn<I, T = NoBody> {
    /// The key.
    pub id: I,
    /// Which versions of the thing it is meant for, if `If-Match` or `If-None-Match` says so.
    pub if_version: Option<IfVersion>,
    /// The command's own fields.
    pub input: T,
    /// As [`Command::context`].
    pub context: CommandContext,
}

impl<S: Send + Sync, I: PublicKey + Send, T: FromFields> FromRequest<S> for CommandOn<I, T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let PathId(id) = match PathId::from_request_parts(&mut parts, state).await {
            Ok(id) => id,
            Err(nothing_there) => {
                if let Ok(cause) = cause::cause(&parts.headers, &parts.extensions) {
                    ReadCommand::keep(&parts, &cause, &Bytes::new());
                }
                return Err(nothing_there);
            }
        };
        let Command { context, input } = Command::read(&parts, body).await?;
        Ok(Self { id, if_version: preconditions::of_command(&parts.headers)?, input, context })
    }
}

fn check_media_type(rule: BodyRule, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let nothing_to_read = body.is_empty() && rule != BodyRule::Required;
    if rule == BodyRule::Empty || nothing_to_read { Ok(()) } else { body::check_is_json(headers) }
}
