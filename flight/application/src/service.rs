use flight_contract::{Admission, FlightId};
use flight_core::{FlightCommand, FlightDetails, FlightRejection, FlightState, FlightStatus, Flights};
use passenger_contract::FlightEnding;
use shared_kernel::{Cause, CommandContext, Committed, Execute, Executed, IfVersion, Position, Revision};
use uuid::Uuid;

use crate::{FlightError, FlightView, Manifests};

/// Carries out what callers and the passenger domain ask of flights.
#[derive(Clone)]
pub struct FlightService<E, M> {
    pub(crate) executor: E,
    pub(crate) manifests: M,
}

pub(crate) type FlightResult<T> = Result<Executed<T>, FlightError>;

impl<E: Execute<Flights>, M: Manifests> FlightService<E, M> {
    /// A service that decides with `executor` and asks the passenger domain through `manifests`.
    pub const fn new(executor: E, manifests: M) -> Self {
        Self { executor, manifests }
    }

    /// Announces a flight.
    ///
    /// # Errors
    /// [`FlightError`].
    pub async fn create(&self, details: FlightDetails, context: CommandContext) -> FlightResult<FlightView> {
        let flight_id = FlightId::new(Uuid::now_v7());
        self.execute(FlightCommand::Create { flight_id, details }, context).await
    }

    /// Replaces a flight's details while it is at the gate.
    ///
    /// # Errors
    /// [`FlightError`].
    pub async fn correct_details(
        &self,
        flight_id: FlightId,
        details: FlightDetails,
        if_version: Option<IfVersion>,
        context: CommandContext,
    ) -> FlightResult<FlightView> {
        self.execute(FlightCommand::CorrectDetails { flight_id, details, if_version }, context).await
    }

    /// Lands a flight; its passengers arrive.
    ///
    /// # Errors
    /// [`FlightError`].
    pub async fn land(
        &self,
        flight_id: FlightId,
        if_version: Option<IfVersion>,
        context: CommandContext,
    ) -> FlightResult<FlightView> {
        let cause = context.as_cause();
        let mut done = self.execute(FlightCommand::Land { flight_id, if_version }, context).await?;
        done.position = done.position.and(self.close_at_once(flight_id, FlightEnding::Landed, cause).await);
        Ok(done)
    }

    /// Deletes a flight that is not in the air; its passengers are removed.
    ///
    /// # Errors
    /// [`FlightError`].
    pub async fn delete(
        &self,
        flight_id: FlightId,
        if_version: Option<IfVersion>,
        context: CommandContext,
    ) -> FlightResult<()> {
        let cause = context.as_cause();
        let committed = self.executor.execute(FlightCommand::Delete { flight_id, if_version }, context).await?;
        let deleted = Position::at(flight_contract::STREAM, committed.revision);
        Ok(Executed {
            value: (),
            position: deleted.and(self.close_at_once(flight_id, FlightEnding::Deleted, cause).await),
        })
    }

    /// Hears whether everybody on the manifest has boarded. Answers the newest event that shows it.
    ///
    /// # Errors
    /// [`FlightError`], never a rejection.
    pub async fn note_manifest(
        &self,
        flight_id: FlightId,
        complete: bool,
        manifest_revision: Revision,
        context: CommandContext,
    ) -> Result<Option<Revision>, FlightError> {
        let command = FlightCommand::NoteManifest { flight_id, complete, manifest_revision };
        Ok(self.executor.execute(command, context).await?.revision)
    }

    /// Whether a flight takes passengers. "No" is certain; "yes" may be overtaken.
    ///
    /// # Errors
    /// [`FlightError`], never a rejection.
    pub async fn admission(&self, flight_id: FlightId) -> Result<Admission, FlightError> {
        let look = |state: &FlightState| admission(state, &flight_id);
        let admission = match self.executor.inspect(look) {
            Admission::Open => Admission::Open,
            _ => self.executor.inspect_fresh(look).await?.0,
        };
        self.executor.readable(flight_id.uuid())?;
        Ok(admission)
    }

    async fn execute(&self, command: FlightCommand, context: CommandContext) -> FlightResult<FlightView> {
        done(self.executor.execute(command, context).await?)
    }

    /// Checks a rule ahead of a command. A "no" is checked again on a state that is certain to be fresh.
    pub(crate) async fn check(
        &self,
        rule: impl Fn(&FlightState) -> Result<(), FlightRejection> + Send + Sync,
    ) -> Result<(), FlightError> {
        if self.executor.inspect(&rule).is_ok() { Ok(()) } else { self.check_fresh(rule).await }
    }

    /// Checks a rule ahead of a command, on a state that is certain to be fresh.
    pub(crate) async fn check_fresh(
        &self,
        rule: impl FnOnce(&FlightState) -> Result<(), FlightRejection> + Send,
    ) -> Result<(), FlightError> {
        let (verdict, revision) = self.executor.inspect_fresh(rule).await?;
        verdict.map_err(|rejection| FlightError::rejected(rejection, revision))
    }

    async fn close_at_once(&self, flight_id: FlightId, ending: FlightEnding, cause: Cause) -> Position {
        match tokio::time::timeout(shared_kernel::AT_ONCE_LIMIT, self.manifests.close(flight_id, ending, cause)).await {
            Ok(Ok(revision)) => Position::at(passenger_contract::STREAM, revision),
            Ok(Err(error)) => {
                tracing::info!(flight.id = %flight_id, %error, "the manifest is left to be closed by the reaction");
                Position::default()
            }
            Err(_) => Position::default(),
        }
    }
}

/// The answer to a command that leaves a flight. That a flight has been deleted since is an answer too: it is not
/// there.
pub(crate) fn done(committed: Committed<Flights>) -> FlightResult<FlightView> {
    let position = Position::at(flight_contract::STREAM, committed.revision);
    match committed.outcome {
        Some(flight) => Ok(Executed { value: FlightView::from(&*flight), position }),
        None => Err(FlightError::Rejected { rejection: FlightRejection::NotFound, position }),
    }
}

pub(crate) fn admission(state: &FlightState, flight_id: &FlightId) -> Admission {
    match state.status(flight_id) {
        None => Admission::UnknownFlight,
        Some(FlightStatus::WaitingForBoarding | FlightStatus::AllBoarded) => Admission::Open,
        Some(FlightStatus::Departed) => Admission::Departed,
        Some(FlightStatus::Arrived) => Admission::Arrived,
    }
}
