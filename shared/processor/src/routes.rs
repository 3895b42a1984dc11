use std::time::Duration;

use axum::Router;
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::postgres::Database;
use shared_service::{finish, health};

use crate::parked::{self, Workers};
use crate::{checks, reactions, unfinished};

const REQUEST_LIMIT: Duration = Duration::from_secs(35);

/// Health; the events that could not be processed; what is missing in other domains; and an operator's word that another
/// history is to be reacted to.
pub(crate) fn router(
    stream: &'static str,
    key_field: &'static str,
    event_store: EventStore,
    database: Database,
    workers: Workers,
) -> Router {
    let checks = checks::of(&workers, stream, event_store, &database);
    let parked = parked::routes(database.clone(), workers.clone());
    let unfinished = unfinished::routes(key_field, database, workers.clone());
    let routes = parked.merge(unfinished).merge(reactions::routes(workers));
    finish(routes.merge(health::routes(checks)), REQUEST_LIMIT)
}
