use flight_contract::{Admission, FlightId};
use flight_core::{FlightCommand, FlightDetails, FlightRejection, FlightState, FlightStatus, Flights, may_depart};
use passenger_contract::{FlightEnding, SealAnswer};
use shared_kernel::{
    Cause, CommandContext, Committed, Execute, Executed, Idempotency, IdempotencyKey, Position, Revision,
};
use uuid::Uuid;

use crate::{FlightError, FlightView, Manifests};

/// Carries out what callers and the passenger domain ask of flights.
#[derive(Clone)]
pub struct FlightService<E, M> {
    executor: E,
    manifests: M,
}

type FlightResult<T> = Result<Executed<T>, FlightError>;

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
        if_version: Option<Revision>,
        context: CommandContext,
    ) -> FlightResult<FlightView> {
        self.execute(FlightCommand::CorrectDetails { flight_id, details, if_version }, context).await
    }

    /// Lets a flight leave the gate: first its manifest is sealed, which decides that everybody has boarded, then the
    /// flight departs. If this process dies in between, the reaction to the seal completes the same command.
    ///
    /// # Errors
    /// [`FlightError`].
    pub async fn depart(
        &self,
        flight_id: FlightId,
        if_version: Option<Revision>,
        mut context: CommandContext,
    ) -> FlightResult<FlightView> {
        let step_of = context.idempotency.get_or_insert_with(|| own_key(context.command_id)).clone();
        let allowed = self.check(|state| may_depart(state, &flight_id, if_version)).await;
        // After the check, which may have brought news of what another replica did for the same key.
        if let Some((fingerprint, committed)) = self.executor.remembered(&step_of.key) {
            return if fingerprint == step_of.fingerprint { done(committed) } else { Err(FlightError::KeyReused) };
        }
        allowed?;
        let cause = Cause { step_of: Some(step_of), ..context.as_cause() };
        let sealed = match self.manifests.seal(flight_id, cause).await? {
            SealAnswer::Sealed { revision } => Position::at(passenger_contract::STREAM, revision),
            SealAnswer::NotAllBoarded { missing, passengers, revision } => {
                let position = Position::at(passenger_contract::STREAM, revision);
                return Err(FlightError::NotAllBoarded { missing, passengers, position });
            }
            SealAnswer::Closed => {
                // The flight has ended since it was looked at, and says so itself if its own news have arrived here.
                self.check(|state| may_depart(state, &flight_id, None)).await?;
                return Err(FlightError::ManifestClosed);
            }
        };
        let mut done = self.execute(FlightCommand::Depart { flight_id }, context).await?;
        done.position = done.position.and(sealed);
        Ok(done)
    }

    /// Lands a flight; its passengers arrive.
    ///
    /// # Errors
    /// [`FlightError`].
    pub async fn land(
        &self,
        flight_id: FlightId,
        if_version: Option<Revision>,
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
        if_version: Option<Revision>,
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

    /// Completes the departure of a flight whose manifest is sealed, as the command that asked for the seal. Answers
    /// the newest event that shows it.
    ///
    /// # Errors
    /// [`FlightError`], never a rejection.
    pub async fn complete_departure(
        &self,
        flight_id: FlightId,
        mut context: CommandContext,
    ) -> Result<Option<Revision>, FlightError> {
        context.idempotency.clone_from(&context.cause.step_of);
        Ok(self.executor.execute(FlightCommand::CompleteDeparture { flight_id }, context).await?.revision)
    }

    /// Whether a flight takes passengers. "No" is certain; "yes" may be overtaken.
    ///
    /// # Errors
    /// [`FlightError`], never a rejection.
    pub async fn admission(&self, flight_id: FlightId) -> Result<Admission, FlightError> {
        let look = |state: &FlightState| admission(state, &flight_id);
        match self.executor.inspect(look) {
            Admission::Open => Ok(Admission::Open),
            _ => Ok(self.executor.inspect_fresh(look).await?.0),
        }
    }

    async fn execute(&self, command: FlightCommand, context: CommandContext) -> FlightResult<FlightView> {
        done(self.executor.execute(command, context).await?)
    }

    /// Checks a rule ahead of a command. A "no" is checked again on a state that is certain to be fresh.
    async fn check(
        &self,
        rule: impl Fn(&FlightState) -> Result<(), FlightRejection> + Send + Sync,
    ) -> Result<(), FlightError> {
        if self.executor.inspect(&rule).is_ok() {
            return Ok(());
        }
        let (verdict, revision) = self.executor.inspect_fresh(&rule).await?;
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

/// A key for a command whose caller gave none, so that its last step completes it whoever takes it.
fn own_key(command_id: Uuid) -> Idempotency {
    let key = IdempotencyKey::of_command(command_id);
    Idempotency { fingerprint: key.as_str().to_owned(), key }
}

/// The answer to a command that leaves a flight. That a flight has been deleted since is an answer too: it is not
/// there.
fn done(committed: Committed<Flights>) -> FlightResult<FlightView> {
    let position = Position::at(flight_contract::STREAM, committed.revision);
    match committed.outcome {
        Some(flight) => Ok(Executed { value: FlightView::from(&*flight), position }),
        None => Err(FlightError::Rejected { rejection: FlightRejection::NotFound, position }),
    }
}

fn admission(state: &FlightState, flight_id: &FlightId) -> Admission {
    match state.status(flight_id) {
        None => Admission::UnknownFlight,
        Some(FlightStatus::WaitingForBoarding | FlightStatus::AllBoarded) => Admission::Open,
        Some(FlightStatus::Departed) => Admission::Departed,
        Some(FlightStatus::Arrived) => Admission::Arrived,
    }
}
