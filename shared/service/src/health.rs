//! Whether a process lives, and whether what it needs is there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::future::{BoxFuture, join_all};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use shared_access::{Access, Role};

use crate::caller::Caller;
use crate::routes::Routes;

/// How long one check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// How something is, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It works.
    Up,
    /// It works, but somebody has to look after it.
    Degraded,
    /// It does not work.
    Down,
}

/// What `/health/ready` and `/health/live` answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// As bad as the worst of the checks.
    pub status: Status,
    /// What was looked at.
    #[serde(default)]
    pub checks: Vec<CheckResult>,
}

impl Health {
    /// Whether the process can do its work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status != Status::Down
    }
}

/// One of the things that a process needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// What was looked at, such as `postgresql`.
    pub name: String,
    /// Whether it works.
    pub status: Status,
    /// For people; says what is the matter if it is not up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Why something is not up, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It works, but somebody has to look after it.
    Degraded(String),
    /// It does not work.
    Down(String),
}

/// What a check finds out: perhaps something worth knowing, or what is the matter.
pub type Finding = Result<Option<String>, Trouble>;

type Check = Arc<dyn Fn() -> BoxFuture<'static, Finding> + Send + Sync>;

/// What a process needs in order to do its work.
#[derive(Clone, Default)]
pub struct Checks {
    checks: BTreeMap<String, Check>,
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.checks.keys()).finish()
    }
}

impl Checks {
    /// No checks: always ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check. It gets two seconds.
    #[must_use]
    pub fn with<F, Fut>(mut self, name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Finding> + Send + 'static,
    {
        self.checks.insert(name.into(), Arc::new(move || Box::pin(check())));
        self
    }

    /// Carries out all checks at the same time.
    pub async fn run(&self) -> Health {
        let checks = join_all(self.checks.iter().map(|(name, check)| run_one(name, check))).await;
        let worst = checks.iter().map(|check| check.status).max();
        Health { status: worst.unwrap_or(Status::Up), checks }
    }
}

async fn run_one(name: &str, check: &Check) -> CheckResult {
    let outcome = tokio::time::timeout(CHECK_LIMIT, check())
        .await
        .unwrap_or_else(|_| Err(Trouble::Down(format!("no answer within {} s", CHECK_LIMIT.as_secs()))));
    let (status, detail) = match outcome {
        Ok(detail) => (Status::Up, detail),
        Err(Trouble::Degraded(detail)) => (Status::Degraded, Some(detail)),
        Err(Trouble::Down(detail)) => (Status::Down, Some(detail)),
    };
    CheckResult { name: name.to_owned(), status, detail }
}

/// `GET /health/live`, always 200 as long as the process answers, and `GET /health/ready`: 503 if something is down,
/// else 200. What was looked at is for services and operators; everybody else gets to know no more than that.
pub fn routes<S: Clone + Send + Sync + 'static>(checks: Checks) -> Routes<S> {
    let live = || async { Health { status: Status::Up, checks: Vec::new() } };
    let ready = move |caller: Option<Extension<Caller>>| {
        let checks = checks.clone();
        async move {
            let health = checks.run().await;
            match caller {
                Some(Extension(caller)) if shows_details_to(&caller) => health,
                _ => Health { checks: Vec::new(), ..health },
            }
        }
    };
    Routes::new().get("/health/live", Access::Public, live).get("/health/ready", Access::Public, ready)
}

fn shows_details_to(caller: &Caller) -> bool {
    [Access::Service, Access::Role(Role::Admin)].into_iter().any(|access| caller.may_enter(access))
}

impl IntoResponse for Health {
    fn into_response(self) -> Response {
        let status = match self.status {
            Status::Up | Status::Degraded => StatusCode::OK,
            Status::Down => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(self)).into_response()
    }
}
