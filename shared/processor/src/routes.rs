use std::time::Duration;

use axum::Router;
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::postgres::Database;
use shared_service::{finish, health};

use crate::checks;
use crate::parked::{self, Workers};

const REQUEST_LIMIT: Duration = Duration::from_secs(35);

/// Health, and the events that could not be processed.
pub(crate) fn router(stream: &'static str, event_store: EventStore, database: Database, workers: Workers) -> Router {
    let checks = checks::of(&workers, stream, event_store, &database);
    finish(parked::routes(database, workers).merge(health::routes(checks)), REQUEST_LIMIT)
}
