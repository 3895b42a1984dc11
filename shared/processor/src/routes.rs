use std::sync::Arc;

use shared_access::{Access, Role};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::worker::WorkerHandle;
use shared_service::Routes;

use crate::{parked, reactions, rebuild, unfinished};

/// What a processor shows and does is for those who operate the system.
pub(crate) const OPERATORS: Access = Access::Role(Role::Admin);

/// The readers of a processor, by name: the projection, and the reactions.
pub(crate) type Workers = [(&'static str, WorkerHandle); 2];

/// What the routes of a processor work with.
pub struct Processor {
    pub(crate) database: Database,
    pub(crate) event_store: EventStore,
    /// The domain's stream.
    pub(crate) stream: &'static str,
    pub(crate) workers: Workers,
    /// The field that names what the domain's events are about.
    pub(crate) key_field: &'static str,
    /// What the domain's read model is called.
    pub(crate) read_model: &'static str,
}

impl Processor {
    /// The name of the reader that writes the read model.
    pub(crate) const fn projection(&self) -> &'static str {
        self.workers[0].0
    }
}

/// The routes of every processor but those of its health: the events that could not be processed; what is missing in
/// other domains; an operator's word that another history is to be reacted to; and rebuilds.
#[must_use]
pub fn routes() -> Routes<Arc<Processor>> {
    parked::routes().merge(unfinished::routes()).merge(reactions::routes()).merge(rebuild::routes())
}
