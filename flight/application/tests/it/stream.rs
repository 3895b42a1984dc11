use std::sync::{Arc, Mutex};

use flight_core::{FlightCommand, FlightEvent, FlightRejection, FlightState, Flights};
use shared_kernel::testing::InMemory;
use shared_kernel::{CommandContext, Committed, Digest, Execute, ExecuteError, IdempotencyKey, Interruption, Revision};
use uuid::Uuid;

/// A flight stream in memory whose executor fails as the test says.
#[derive(Clone)]
pub(crate) struct FlightStream {
    memory: InMemory<Flights>,
    /// What the next command to leave the gate comes to, without being carried out.
    pub(crate) next_departure: Arc<Mutex<Option<ExecuteError<FlightRejection>>>>,
}

impl FlightStream {
    pub(crate) fn with(events: impl IntoIterator<Item = FlightEvent>) -> Self {
        Self { memory: InMemory::with(events), next_departure: Arc::default() }
    }

    pub(crate) fn events(&self) -> Vec<FlightEvent> {
        self.memory.events()
    }

    pub(crate) fn append(&self, event: FlightEvent) {
        self.memory.append(event);
    }
}

impl Execute<Flights> for FlightStream {
    async fn execute(
        &self,
        command: FlightCommand,
        context: CommandContext,
    ) -> Result<Committed<Flights>, ExecuteError<FlightRejection>> {
        if matches!(command, FlightCommand::Depart { .. })
            && let Some(error) = self.next_departure.lock().unwrap().take()
        {
            return Err(error);
        }
        self.memory.execute(command, context).await
    }

    fn inspect<T>(&self, look: impl FnOnce(&FlightState) -> T) -> T {
        self.memory.inspect(look)
    }

    async fn inspect_fresh<T: Send>(
        &self,
        look: impl FnOnce(&FlightState) -> T + Send,
    ) -> Result<(T, Option<Revision>), ExecuteError<FlightRejection>> {
        self.memory.inspect_fresh(look).await
    }

    fn readable(&self, thing: Uuid) -> Result<(), Interruption> {
        self.memory.readable(thing)
    }

    fn remembered(&self, key: &IdempotencyKey) -> Option<(Digest, Committed<Flights>)> {
        self.memory.remembered(key)
    }
}
