use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::progress::Progress;
use shared_infrastructure::worker::{WorkError, WorkerState};
use shared_service::finish;
use shared_service::health::{self, Checks};
use tokio::time::timeout;

use crate::parked::{self, Workers};

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
/// How long finding out how far a reader has come may take; less than the gateway gives all of the answer.
const PROGRESS_LIMIT: Duration = Duration::from_millis(500);

/// Health, and the events that could not be processed.
pub(crate) fn router(stream: &'static str, event_store: EventStore, database: Database, workers: Workers) -> Router {
    let event_store = Arc::new(event_store);
    let checks = workers.iter().fold(Checks::new(), |checks, (name, handle)| {
        let (name, handle) = (*name, handle.clone());
        let (event_store, database) = (Arc::clone(&event_store), database.clone());
        checks.with(name, move || {
            let (handle, event_store, database) = (handle.clone(), Arc::clone(&event_store), database.clone());
            async move {
                match handle.state() {
                    WorkerState::Leading => {
                        let progress = timeout(PROGRESS_LIMIT, Progress::of(name, stream, &event_store, &database));
                        match progress.await {
                            Ok(Err(WorkError::Store(StoreError::Refused(refusal)))) => Err(refusal.to_string()),
                            progress => Ok(Some(describe(progress.ok().and_then(Result::ok)))),
                        }
                    }
                    WorkerState::StandingBy => Ok(Some("standing by: another instance works".to_owned())),
                    WorkerState::Waiting => {
                        Err(handle.trouble().unwrap_or_else(|| "waiting for PostgreSQL or the event store".to_owned()))
                    }
                }
            }
        })
    });
    finish(parked::routes(database, workers).merge(health::routes(checks)), REQUEST_LIMIT)
}

/// How far it has come, for people; `None` if that cannot be found out.
fn describe(progress: Option<Progress>) -> String {
    let Some(Progress { behind, parked }) = progress else {
        return "how far it has come cannot be found out".to_owned();
    };
    let behind = match behind {
        0 => "up to date".to_owned(),
        1 => "1 event behind".to_owned(),
        many => format!("{many} events behind"),
    };
    match parked {
        0 => behind,
        1 => format!("{behind}, 1 event parked"),
        many => format!("{behind}, {many} events parked"),
    }
}
