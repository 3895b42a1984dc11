//! Why something could not be done, and how the program ends then.

use std::fmt;
use std::io;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

use super::connection::is_temporary;
use super::output::visible;
use super::server::Server;

/// Done.
pub(super) const EXIT_DONE: u8 = 0;
/// Refused, or failed.
pub(super) const EXIT_FAILED: u8 = 1;
/// The command line is not one.
const EXIT_USAGE: u8 = 2;
/// The server cannot be reached, or does not answer.
const EXIT_NO_ANSWER: u8 = 3;
/// The server wants another access key, or one at all.
const EXIT_NOT_ALLOWED: u8 = 4;
/// A command may have been carried out.
const EXIT_OUTCOME_UNKNOWN: u8 = 5;
/// A signal came first.
const EXIT_INTERRUPTED: u8 = 130;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server says no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No connection was made, so that nothing was done.
    #[error("{server} cannot be reached: {why}")]
    Unreachable {
        /// Where it should be.
        server: String,
        /// Why.
        why: String,
    },
    /// The request was sent, and no whole answer came.
    #[error("{what} was not answered: {why}")]
    NoAnswer {
        /// Method and path.
        what: String,
        /// Why.
        why: String,
    },
    /// The command was sent, and may have been carried out.
    #[error("{what} may have been carried out or not; repeat it with --idempotency-key '{key}': {why}")]
    OutcomeUnknown {
        /// Method and path.
        what: String,
        /// With which it can be repeated.
        key: String,
        /// What became of it at last.
        why: Box<Failure>,
    },
    /// The server says something else than it should.
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The command line or a file that it names is not usable.
    #[error("{0}")]
    Usage(String),
    /// Nobody reads what is written, or it has no place.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    /// A rebuild was given up.
    #[error("the rebuild has failed; what was shown before still is: {0}")]
    NotRebuilt(String),
    /// A signal came first.
    #[error("interrupted")]
    Interrupted,
}

/// How the server says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    retry_after: Option<Duration>,
    problem: Option<Problem>,
}

/// What is said of a problem (RFC 9457).
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    r#type: String,
    title: String,
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Value>,
}

impl Failure {
    pub(super) fn unreachable(server: &Server, why: String) -> Self {
        Self::Unreachable { server: server.to_string(), why }
    }

    pub(super) fn no_answer(what: String, why: String) -> Self {
        Self::NoAnswer { what, why }
    }

    pub(super) fn outcome_unknown(what: String, key: String, why: Self) -> Self {
        Self::OutcomeUnknown { what, key, why: Box::new(why) }
    }

    /// Whether it may go better in a moment.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Refused(refusal) => is_temporary(refusal.status),
            Self::Unreachable { .. } | Self::NoAnswer { .. } => true,
            _ => false,
        }
    }

    /// Whether it leaves open what has become of a command.
    pub(super) fn leaves_open(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                refusal.status.is_server_error() && refusal.status != StatusCode::SERVICE_UNAVAILABLE
            }
            Self::NoAnswer { .. } => true,
            _ => false,
        }
    }

    /// When the server wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// What the program ends with.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(refusal) => match refusal.status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => EXIT_NOT_ALLOWED,
                _ => EXIT_FAILED,
            },
            Self::Unreadable(_) | Self::NotRebuilt(_) => EXIT_FAILED,
            Self::Unreachable { .. } | Self::NoAnswer { .. } => EXIT_NO_ANSWER,
            Self::OutcomeUnknown { .. } => EXIT_OUTCOME_UNKNOWN,
            Self::Usage(_) => EXIT_USAGE,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => EXIT_DONE,
            Self::Output(_) => EXIT_FAILED,
            Self::Interrupted => EXIT_INTERRUPTED,
        }
    }

    /// Whether somebody has to hear of it: who has read enough does not.
    pub(super) fn is_worth_saying(&self) -> bool {
        !matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl Refusal {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Self { status, retry_after: retry_after.map(Duration::from_secs), problem: serde_json::from_slice(body).ok() }
    }

    /// A problem that was told within an answer.
    pub(super) fn told(problem: Problem, retry_after: Option<Duration>) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, retry_after, problem: Some(problem) }
    }

    /// The end of the problem's type, or the status where there is none.
    pub(crate) fn slug(&self) -> String {
        let slug = self.problem.as_ref().map(|problem| visible(problem.r#type.trim_start_matches("/problems/")));
        slug.unwrap_or_else(|| self.status.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Problem { title, detail, errors, .. }) = &self.problem else {
            return write!(f, "the server answered {}", self.status);
        };
        write!(f, "{} ({})", visible(title), self.slug())?;
        if !detail.is_empty() {
            write!(f, "\n  {}", visible(detail))?;
        }
        for error in errors {
            let text = |member: &str| error[member].as_str().map(visible);
            let place = text("pointer").or_else(|| text("parameter")).unwrap_or_default();
            write!(f, "\n  {place}: {}", text("detail").unwrap_or_default())?;
        }
        Ok(())
    }
}
