//! Rebuilds of read models.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use shared_service::telemetry::LogArgs;
use tokio::time::sleep;

use super::arguments::{Answers, OnceArgs};
use super::failure::Failure;
use super::output;
use super::server::ConnectionArgs;
use super::session::{Once, Session, Shown};

const PATH: &str = "/api/admin/rebuild";
/// How often it is looked how far a rebuild has come.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// What is asked about rebuilds.
#[derive(Debug, Args)]
#[command(mut_arg("filter", |filter| filter.default_value("warn")))]
pub(crate) struct RebuildRequest {
    /// flights or passengers; without it, the last rebuild of each is listed
    read_model: Option<String>,
    /// Wait until it is done: exit code 0 then, 1 if it fails
    #[arg(long, requires = "read_model")]
    wait: bool,
    #[command(flatten)]
    pub(super) answers: Answers,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

#[derive(Deserialize)]
pub(super) struct Rebuilds {
    pub(super) rebuilds: Vec<Rebuild>,
    pub(super) unreachable: Vec<Unreachable>,
}

/// A domain whose processor could not be asked.
#[derive(Deserialize)]
pub(super) struct Unreachable {
    pub(super) domain: String,
    pub(super) detail: String,
}

/// The last rebuild of a read model.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rebuild {
    pub(super) read_model: String,
    pub(super) status: String,
    events: u64,
    of: u64,
    seconds_left: Option<u64>,
    pub(super) reason: Option<String>,
}

impl Shown<5> for Rebuild {
    const TITLES: [&'static str; 5] = ["read model", "status", "events", "of", "seconds left"];

    fn cells(self) -> [String; 5] {
        let left = self.seconds_left.map(|seconds| seconds.to_string()).unwrap_or_default();
        [self.read_model, self.status, self.events.to_string(), self.of.to_string(), left]
    }
}

/// Does what the command line says.
pub(super) async fn carry_out(session: &Session, request: &RebuildRequest) -> Result<(), Failure> {
    let Some(read_model) = &request.read_model else { return list(session).await };
    let once = OnceArgs { idempotency_key: None };
    let body = json!({ "readModel": read_model });
    let answer = session.command(Method::POST, PATH, Some(&body), Once::new(&once)).await?;
    if !request.wait {
        return session.show::<5, Rebuild>(&answer);
    }
    loop {
        sleep(LOOK_INTERVAL).await;
        let all: Rebuilds = session.query(PATH).await?.read()?;
        let Some(rebuild) = all.rebuilds.into_iter().find(|rebuild| rebuild.read_model == *read_model) else {
            continue;
        };
        match rebuild.status.as_str() {
            "running" => {}
            "failed" => return Err(Failure::NotRebuilt(output::visible(&rebuild.reason.unwrap_or_default()))),
            _ => return list(session).await,
        }
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let answer = session.query(PATH).await?;
    if session.is_for_programs() {
        return Ok(output::lines([String::from_utf8_lossy(&answer.body)])?);
    }
    let Rebuilds { rebuilds, unreachable } = answer.read()?;
    output::table(Rebuild::TITLES, rebuilds.into_iter().map(Rebuild::cells))?;
    for Unreachable { domain, detail } in unreachable {
        output::say(&format!("note: of {} it is not known: {}", output::visible(&domain), output::visible(&detail)));
    }
    Ok(())
}
