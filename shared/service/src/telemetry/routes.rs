//! `/log` of every service: what it logs, and what it is to log from now on.

use axum::Json;
use axum::extract::Request;
use http::HeaderMap;
use serde::Serialize;
use shared_access::{Access, Role};
use shared_kernel::{Described, Schema};

use crate::fields::{Fields, FromFields};
use crate::problem::Problem;
use crate::routes::Routes;
use crate::{body, telemetry};

/// What a process logs is for those who operate it.
const OPERATORS: Access = Access::Role(Role::Admin);
/// The longest filter, in characters.
const MAX_LENGTH: usize = 1_000;

/// What a service logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogFilter {
    /// As `--log` has it.
    pub filter: String,
}

/// A filter that is asked for.
struct Filter(String);

impl std::str::FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_LENGTH {
            return Err(format!("must have at most {MAX_LENGTH} characters"));
        }
        match telemetry::parsed(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("must be a log filter such as info,hyper=debug: {}", error.source)),
        }
    }
}

impl Described for Filter {
    fn schema() -> Schema {
        String::schema()
    }
}

impl FromFields for LogFilter {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("filter", |text: &str| text.parse::<Filter>()).map(|Filter(filter)| Self { filter })
    }
}

impl LogFilter {
    /// What this process logs.
    #[must_use]
    pub fn current() -> Self {
        Self { filter: telemetry::filter().unwrap_or_default() }
    }

    /// Logs this from now on.
    pub fn set(&self) {
        // It was parsed when it was read.
        let _ = telemetry::set_filter(&self.filter);
    }

    /// The filter that a request with these headers and this body asks for.
    ///
    /// # Errors
    /// 415 `unsupported-media-type` or 400 `malformed-json` if the body is not JSON, 422 `invalid-request` if there is no
    /// filter in it.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        body::check_encoding(headers)?;
        body::check_is_json(headers)?;
        Ok(Fields::parse(body)?.0)
    }
}

/// `GET /log` and `PUT /log` with `{"filter": "…"}`: both answer the filter that is in use.
#[must_use]
pub fn routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    let show = async || Json(LogFilter::current());
    let change = async |request: Request| {
        let (parts, body) = request.into_parts();
        let body = body::read(&parts.headers, body).await?;
        let filter = LogFilter::of(&parts.headers, &body)?;
        filter.set();
        Ok::<_, Problem>(Json(filter))
    };
    Routes::new().get("/log", OPERATORS, show).put("/log", OPERATORS, change)
}
