//! The audit log.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::arguments::{AboutArgs, AuditCommand, Log};
use super::failure::Failure;
use super::follow::follow;
use super::output::local_time;
use super::session::{Session, Shown};

/// What has been recorded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    event_type: String,
    created: String,
    data: Box<RawValue>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    actor: Option<String>,
}

impl Shown<4> for Entry {
    const TITLES: [&'static str; 4] = ["recorded", "event", "by", "data"];

    fn cells(self) -> [String; 4] {
        let actor = self.metadata.and_then(|metadata| metadata.actor).unwrap_or_default();
        [local_time(&self.created), self.event_type, actor, self.data.get().to_owned()]
    }
}

/// Does what the command line says, until `shutdown` if it has no end.
pub(super) async fn carry_out(
    session: &Session,
    command: &AuditCommand,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    match command {
        AuditCommand::List { log, about, from, to, list } => {
            let mut filters = about.filters().to_vec();
            let order = Some("newestFirst".to_owned());
            filters.extend([("from", from.clone()), ("to", to.clone()), ("order", order)]);
            let interrupted = Err(Failure::Interrupted);
            let path = format!("/api/auditlog/{}", log.name());
            let listed = session.list::<4, Entry>(&path, &filters, list);
            shutdown.run_until_cancelled(listed).await.unwrap_or(interrupted)
        }
        AuditCommand::Follow { about, after } => {
            let filters = about.filters();
            let followed = follow(session, &filters, after.as_deref());
            shutdown.run_until_cancelled(followed).await.unwrap_or(Ok(()))
        }
    }
}

impl Log {
    const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Flights => "flights",
            Self::Passengers => "passengers",
            Self::Refusals => "refusals",
        }
    }
}

impl AboutArgs {
    fn filters(&self) -> [(&'static str, Option<String>); 4] {
        [
            ("flightId", self.flight_id.map(|id| id.to_string())),
            ("passengerId", self.passenger_id.map(|id| id.to_string())),
            ("eventType", self.event_type.clone()),
            ("actor", self.by.clone()),
        ]
    }
}
