//! What is wrong with a running system, what could not be checked, and what to do.

use std::borrow::Cow;

use clap::Args;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared_service::health::{CheckResult, Status};
use shared_service::telemetry::LogArgs;

use super::arguments::Answers;
use super::connection::{Call, Connection};
use super::failure::{EXIT_DONE, EXIT_FAILED, Failure};
use super::output::{lines, visible};
use super::rebuild::{Rebuilds, Unreachable};
use super::server::ConnectionArgs;

/// Of which server.
#[derive(Debug, Args)]
#[command(mut_arg("filter", |filter| filter.default_value("warn")))]
pub(crate) struct DiagnoseRequest {
    #[command(flatten)]
    pub(super) answers: Answers,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// All that was found.
#[derive(Debug, Default, Serialize)]
struct Diagnosis {
    healthy: bool,
    /// What is wrong.
    faults: Vec<Finding>,
    /// What could not be checked.
    unchecked: Vec<Finding>,
}

/// Something that is wrong, or could not be checked.
#[derive(Debug, Serialize)]
struct Finding {
    /// What it is about.
    what: String,
    /// What is the matter.
    detail: String,
    /// What to do.
    remedy: String,
}

/// What `/api/health` says; the services are for admins.
#[derive(Deserialize)]
struct Health {
    status: Status,
    #[serde(default)]
    reasons: Vec<String>,
    services: Option<Vec<Service>>,
}

#[derive(Deserialize)]
struct Service {
    name: String,
    status: Status,
    detail: Option<String>,
    #[serde(default)]
    checks: Vec<CheckResult>,
}

/// A list for operators.
#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
    total: u64,
    unreachable: Vec<Unreachable>,
}

#[derive(Deserialize)]
struct Item {
    kind: Option<String>,
    reason: Option<String>,
}

/// Asks the server for everything that it knows of itself, and says it. Answers the exit code: 0 if nothing is wrong.
///
/// # Errors
/// [`Failure`] if the server cannot be reached, or what was found cannot be written.
pub(super) async fn carry_out(connection: &Connection, answers: Answers) -> Result<u8, Failure> {
    let mut diagnosis = Diagnosis::default();
    let (_, health) = connection.look(&Call::get("/api/health")).await?;
    diagnosis.health(serde_json::from_slice(&health)?);
    for (path, what, remedy) in [
        ("/api/admin/parked?limit=1", "parked events", PARKED),
        ("/api/admin/unfinished?limit=1", "unfinished business", UNFINISHED),
    ] {
        if let Some(list) = diagnosis.ask(connection, path, what).await? {
            diagnosis.list(what, remedy, list);
        }
    }
    if let Some(rebuilds) = diagnosis.ask(connection, "/api/admin/rebuild", "rebuilds").await? {
        diagnosis.rebuilds(rebuilds);
    }
    diagnosis.unchecked.push(Finding::new(
        "streams and read models",
        "whether they hold what they have to can only be seen where they are kept",
        "run `jetbridge verify` there",
    ));
    diagnosis.healthy = diagnosis.faults.is_empty();
    let exit_code = if diagnosis.healthy { EXIT_DONE } else { EXIT_FAILED };
    if answers.json {
        lines([Cow::Owned(serde_json::to_string(&diagnosis)?)])?;
    } else {
        lines(diagnosis.text().iter().map(|line| Cow::Borrowed(line.as_str())))?;
    }
    Ok(exit_code)
}

const PARKED: &str = "mend the cause, then replay them: Replay all on the System page, or POST /api/admin/parked/replay. \
    It is done when none are listed. What cannot be mended is discarded";
const UNFINISHED: &str = "it is tried again by itself; look for the reason on the System page, at the parked events and at \
    the API of the other domain. It is done when nothing is listed";
const OTHER_HISTORY: &str = "say from where reactions go on: Let reactions go on… on the System page, or POST \
    /api/admin/reactions/resume. It is done when nothing is listed";
const NOT_ALLOWED: &str = "give the key of an admin: --access-key-file, or the variable JETBRIDGE_ACCESS_KEY";

impl Finding {
    fn new(what: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), detail: detail.into(), remedy: remedy.into() }
    }

    fn text(&self) -> [String; 2] {
        let Self { what, detail, remedy } = self;
        [format!("  {}: {}", visible(what), visible(detail)), format!("    -> {}", visible(remedy))]
    }
}

impl Diagnosis {
    /// What the server says to a question. What it does not say could not be checked.
    async fn ask<T: DeserializeOwned>(
        &mut self,
        connection: &Connection,
        path: &str,
        what: &str,
    ) -> Result<Option<T>, Failure> {
        let (status, body) = connection.look(&Call::get(path)).await?;
        let (detail, remedy) = match status {
            StatusCode::OK => match serde_json::from_slice(&body) {
                Ok(read) => return Ok(Some(read)),
                Err(_) => ("the answer cannot be read".to_owned(), "use the program of the server's version"),
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ("only admins are told".to_owned(), NOT_ALLOWED),
            StatusCode::NOT_FOUND => ("the server does not know of them".to_owned(), "install a newer version there"),
            _ => (detail_of(status, &body), "look at the log of the gateway and of the processors"),
        };
        self.unchecked.push(Finding::new(what, detail, remedy));
        Ok(None)
    }

    fn health(&mut self, Health { status, reasons, services }: Health) {
        let Some(services) = services else {
            if status != Status::Up {
                let reasons = if reasons.is_empty() { "it does not say why".to_owned() } else { reasons.join("; ") };
                self.faults.push(Finding::new("health", reasons, NOT_ALLOWED));
            }
            let told = "only admins are told how each service is";
            self.unchecked.push(Finding::new("services", told, NOT_ALLOWED));
            return;
        };
        for Service { name, status, detail, checks } in services {
            let before = self.faults.len();
            for check in checks.into_iter().filter(|check| check.status != Status::Up) {
                let remedy = remedy(&check.name, &name);
                let detail = check.detail.unwrap_or_else(|| "it does not say why".to_owned());
                self.faults.push(Finding::new(format!("{name}: {}", check.name), detail, remedy));
            }
            if status != Status::Up && self.faults.len() == before {
                let detail = detail.unwrap_or_else(|| "it does not say why".to_owned());
                let remedy = "see that it runs, that the gateway is told its address, and what its log says";
                self.faults.push(Finding::new(name, detail, remedy));
            }
        }
    }

    fn list(&mut self, what: &str, remedy: &str, List { items, total, unreachable }: List) {
        self.unreachable(what, unreachable);
        let Some(first) = items.into_iter().next() else { return };
        let is_other_history = first.kind.as_deref() == Some("otherHistory");
        let remedy = if is_other_history { OTHER_HISTORY } else { remedy };
        let first = first.reason.or(first.kind).map(|reason| format!("; the first: {reason}")).unwrap_or_default();
        self.faults.push(Finding::new(what, format!("{total}{first}"), remedy));
    }

    fn rebuilds(&mut self, Rebuilds { rebuilds, unreachable }: Rebuilds) {
        self.unreachable("rebuilds", unreachable);
        for rebuild in rebuilds.into_iter().filter(|rebuild| rebuild.status == "failed") {
            let name = rebuild.read_model;
            let remedy = format!("mend the cause, then run `jetbridge rebuild {name} --wait`");
            let detail = rebuild.reason.unwrap_or_else(|| "it does not say why".to_owned());
            self.faults.push(Finding::new(format!("rebuild of {name}"), detail, remedy));
        }
    }

    fn unreachable(&mut self, what: &str, domains: Vec<Unreachable>) {
        for Unreachable { domain, detail } in domains {
            let remedy = format!("see that {domain}-processor runs, and that the gateway is told its address");
            self.unchecked.push(Finding::new(format!("{what} of {domain}"), detail, remedy));
        }
    }

    fn text(&self) -> Vec<String> {
        let mut text = vec![if self.healthy { "Nothing is wrong.".to_owned() } else { "Wrong:".to_owned() }];
        text.extend(self.faults.iter().flat_map(Finding::text));
        text.push("Not checked:".to_owned());
        text.extend(self.unchecked.iter().flat_map(Finding::text));
        text
    }
}

/// What a problem says is the matter.
fn detail_of(status: StatusCode, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let detail = serde_json::from_slice(body).map(|Problem { detail }| detail);
    detail.unwrap_or_else(|_| format!("the server answers {status}"))
}

/// What to do about a check of a service that is not up.
fn remedy(check: &str, service: &str) -> String {
    match check {
        "event-store" => {
            format!("see that the event store runs, and that {service} reaches it and may do what it has to")
        }
        "postgresql" => format!("see that PostgreSQL runs, and that {service} reaches it"),
        _ => format!("see the other faults, and the log of {service}. It is done when the System page says Up"),
    }
}
