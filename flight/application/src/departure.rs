//! Leaving the gate: what is decided in which stream, in which order.
//!
//! First the flight's own stream decides that it may leave, and in which version. Then the seal decides that everybody
//! has boarded. From then on nothing is refused any more: the flight leaves, whoever completes it.

use std::time::Duration;

use flight_contract::FlightId;
use flight_core::{FlightCommand, FlightRejection, FlightState, Flights, may_depart};
use passenger_contract::SealAnswer;
use shared_kernel::{
    AT_ONCE_LIMIT, Cause, CommandContext, Committed, DECISION_LIMIT, Execute, ExecuteError, Idempotency,
    IdempotencyKey, IfVersion, Interruption, Position, Revision,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::service::{FlightResult, done};
use crate::{FlightError, FlightService, FlightView, Manifests};

/// How often it is looked whether another departure has been completed.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// How often one command is prepared at most. It is prepared once, and again by each repetition that finds its own
/// preparation from before.
const MAX_PREPARATIONS: usize = 16;

impl<E: Execute<Flights>, M: Manifests> FlightService<E, M> {
    /// Lets a flight leave the gate: first its manifest is sealed, which decides that everybody has boarded, then the
    /// flight departs. If this process dies in between, the reaction to the seal completes the same command.
    ///
    /// Where `if_version` lists versions, a correction that is meant for the same one and this never both succeed.
    ///
    /// # Errors
    /// [`FlightError`]. Once the manifest may have been sealed, only that the flight is not there any more, that
    /// another departure was faster, or [`Interruption::OutcomeUnknown`].
    pub async fn depart(
        &self,
        flight_id: FlightId,
        if_version: Option<IfVersion>,
        mut context: CommandContext,
    ) -> FlightResult<FlightView> {
        let step_of = context.idempotency.get_or_insert_with(|| own_key(context.command_id)).clone();
        if let Some(earlier) = self.earlier(&step_of) {
            return earlier;
        }
        match self.depart_now(flight_id, if_version, &step_of, context).await {
            // Another replica may have carried out the same command, before what this refusal takes into account.
            Err(refusal @ (FlightError::Rejected { .. } | FlightError::ManifestClosed)) => {
                self.earlier(&step_of).unwrap_or(Err(refusal))
            }
            outcome => outcome,
        }
    }

    async fn depart_now(
        &self,
        flight_id: FlightId,
        if_version: Option<IfVersion>,
        step_of: &Idempotency,
        context: CommandContext,
    ) -> FlightResult<FlightView> {
        let cause = Cause { step_of: Some(step_of.clone()), ..context.as_cause() };
        let preparing = self.prepare(flight_id, if_version, step_of, &context);
        let late = || Interruption::Unavailable("the departure could not be prepared in time".to_owned());
        timeout(DECISION_LIMIT, preparing).await.map_err(|_| late())??;
        let answer = self.manifests.seal(flight_id, cause).await?;
        let (sealed, newly) = self.sealed(flight_id, answer).await?;
        if !newly {
            self.let_another_complete(flight_id).await;
        }
        let late = || Interruption::OutcomeUnknown("the manifest is sealed; the flight departs by itself".to_owned());
        let completing = timeout(DECISION_LIMIT, self.complete(flight_id, newly, context));
        let mut departed = completing.await.map_err(|_| late())??;
        departed.position = departed.position.and(sealed);
        Ok(departed)
    }

    /// What the same command led to before, as far as this process knows.
    fn earlier(&self, command: &Idempotency) -> Option<FlightResult<FlightView>> {
        let (fingerprint, committed) = self.executor.remembered(&command.key)?;
        Some(if command.is_recorded_as(fingerprint) { done(committed) } else { Err(FlightError::KeyReused) })
    }

    /// Decides in the flight's stream that it may leave. A seal cannot be undone, so this comes before it.
    async fn prepare(
        &self,
        flight_id: FlightId,
        if_version: Option<IfVersion>,
        step_of: &Idempotency,
        context: &CommandContext,
    ) -> Result<(), FlightError> {
        self.executor.readable(flight_id.uuid())?;
        let Some(if_version) = if_version else {
            return self.check(|state| may_depart(state, &flight_id, None)).await;
        };
        let ((), revision) = self.executor.inspect_fresh(|_| ()).await?;
        let wanted = if_version.map_listed(|version| self.prepared_version(version, step_of));
        let look = |state: &FlightState| {
            may_depart(state, &flight_id, Some(&wanted))?;
            Ok(state.flight(&flight_id).map(|flight| flight.version))
        };
        let current = self.executor.inspect(look).map_err(|rejection| FlightError::rejected(rejection, revision))?;
        let Some(if_version) = current.filter(|_| wanted.is_listed()) else { return Ok(()) };
        let answer = self.manifests.preview_seal(flight_id).await?;
        let complete_at = match answer {
            SealAnswer::Sealed { revision: Some(revision), .. } => revision,
            other => return self.sealed(flight_id, other).await.map(drop),
        };
        let command = FlightCommand::PrepareDeparture { flight_id, manifest_revision: complete_at, if_version };
        let context = CommandContext {
            idempotency: Some(preparation(step_of, if_version)),
            cause: Cause { step_of: Some(step_of.clone()), ..context.cause.clone() },
            ..context.clone()
        };
        self.executor.execute(command, context).await?;
        Ok(())
    }

    /// The version that is to depart. Where the same command was prepared before and not completed, that is the one
    /// which its preparation has made.
    fn prepared_version(&self, if_version: Revision, step_of: &Idempotency) -> Revision {
        let mut version = if_version;
        for _ in 0..MAX_PREPARATIONS {
            let mut keys = step_of.fingerprints().map(|fingerprint| preparation_key(step_of, fingerprint, version));
            match keys.find_map(|key| self.executor.remembered(&key)) {
                Some((_, Committed { revision: Some(revision), .. })) => version = revision,
                _ => break,
            }
        }
        version
    }

    /// Where the manifest is sealed, and whether this request has done it.
    async fn sealed(&self, flight_id: FlightId, answer: SealAnswer) -> Result<(Position, bool), FlightError> {
        match answer {
            SealAnswer::Sealed { revision, newly } => Ok((Position::at(passenger_contract::STREAM, revision), newly)),
            SealAnswer::NotAllBoarded { missing, passengers, revision } => {
                let position = Position::at(passenger_contract::STREAM, revision);
                Err(FlightError::NotAllBoarded { missing, passengers, position })
            }
            SealAnswer::Closed => {
                // The flight has ended since it was looked at, and says so itself.
                self.check_fresh(|state| may_depart(state, &flight_id, None)).await?;
                Err(FlightError::ManifestClosed)
            }
        }
    }

    /// Waits for a departure to be completed that has sealed the manifest before this one, so that it is completed as
    /// what it is. If that takes too long, this one takes its place.
    async fn let_another_complete(&self, flight_id: FlightId) {
        let is_at_gate =
            |state: &FlightState| state.flight(&flight_id).is_some_and(|flight| flight.status.is_at_gate());
        let completed = async {
            while self.executor.inspect(is_at_gate) {
                sleep(LOOK_INTERVAL).await;
            }
        };
        // How it stands is decided in the stream.
        let _ = timeout(AT_ONCE_LIMIT, completed).await;
    }

    /// Completes a departure whose manifest is sealed. That nothing was done cannot be said any more.
    async fn complete(&self, flight_id: FlightId, newly: bool, context: CommandContext) -> FlightResult<FlightView> {
        let without_key = CommandContext { idempotency: None, ..context.clone() };
        let mut departed = self.executor.execute(FlightCommand::Depart { flight_id }, context).await;
        if departed.as_ref().is_err_and(|error| *error == ExecuteError::KeyReused) {
            // The key belongs to another request that was faster. The seal has decided all the same.
            departed = self.executor.execute(FlightCommand::Depart { flight_id }, without_key.clone()).await;
        }
        let has_departed =
            |error: &_| matches!(error, ExecuteError::Rejected { rejection: FlightRejection::AlreadyDeparted, .. });
        if newly && departed.as_ref().is_err_and(has_departed) {
            // Somebody else has completed it, which only this seal has allowed.
            departed = self.executor.execute(FlightCommand::CompleteDeparture { flight_id }, without_key).await;
        }
        match departed {
            Ok(committed) => done(committed),
            Err(ExecuteError::Rejected { rejection, revision }) => Err(FlightError::rejected(rejection, revision)),
            Err(error) => Err(Interruption::OutcomeUnknown(format!("the manifest is sealed, but {error}")).into()),
        }
    }

    /// Completes the departure of a flight whose manifest is sealed, as the command that asked for the seal. Answers
    /// the newest event that shows it. Whether it is sealed is asked for, whoever says so.
    ///
    /// # Errors
    /// [`FlightError::Interrupted`], and nothing else.
    pub async fn complete_departure(
        &self,
        flight_id: FlightId,
        mut context: CommandContext,
    ) -> Result<Option<Revision>, FlightError> {
        // Of a flight that has left there may be no manifest any more, and nothing is left to be done.
        let is_at_gate =
            |state: &FlightState| state.flight(&flight_id).is_some_and(|flight| flight.status.is_at_gate());
        if self.executor.inspect_fresh(is_at_gate).await?.0 {
            match self.manifests.preview_seal(flight_id).await? {
                SealAnswer::Sealed { newly: false, .. } => {}
                _ => return Err(Interruption::Unavailable("the manifest is not sealed".to_owned()).into()),
            }
        }
        let complete = || FlightCommand::CompleteDeparture { flight_id };
        let without_key = CommandContext { idempotency: None, ..context.clone() };
        context.idempotency.clone_from(&context.cause.step_of);
        let completed = match self.executor.execute(complete(), context).await {
            // The key belongs to another request that was faster, or came a day later. The seal has decided.
            Err(ExecuteError::KeyReused) => self.executor.execute(complete(), without_key).await,
            completed => completed,
        };
        Ok(completed?.revision)
    }
}

/// A key for a command whose caller gave none, so that its last step completes it whoever takes it.
fn own_key(command_id: Uuid) -> Idempotency {
    let key = IdempotencyKey::of_command(command_id);
    Idempotency::new(key.clone(), key.as_str().to_owned())
}

/// What the preparation of a departure in this version is known by.
fn preparation(step_of: &Idempotency, if_version: Revision) -> Idempotency {
    let key = preparation_key(step_of, &step_of.fingerprint, if_version);
    Idempotency::new(key, step_of.fingerprint.clone())
}

/// The key of the preparation of a departure in this version. It is no client's.
fn preparation_key(step_of: &Idempotency, fingerprint: &str, if_version: Revision) -> IdempotencyKey {
    let name = format!("departure {if_version} {fingerprint} {}", step_of.key);
    IdempotencyKey::of_command(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}
