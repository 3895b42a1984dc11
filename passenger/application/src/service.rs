use flight_contract::{Admission, FlightId};
use passenger_contract::{FlightEnding, PassengerId, SealAnswer};
use passenger_core::{
    MAX_CLOSED_PER_COMMAND, Manifest, ManifestNews, OffloadReason, PassengerCommand, PassengerName, PassengerOutcome,
    PassengerRejection, PassengerState, Passengers,
};
use shared_kernel::{
    Cause, CommandContext, Committed, Decider, Execute, ExecuteError, Executed, IfVersion, Interruption, Position,
    QueryError, Revision,
};
use std::sync::Arc;
use uuid::Uuid;

use crate::{Completeness, Flights, PassengerError, PassengerView, Records};

/// Carries out what callers and the flight domain ask of passengers and manifests.
#[derive(Clone)]
pub struct PassengerService<E, F, R> {
    executor: E,
    flights: F,
    records: R,
}

type PassengerResult<T> = Result<Executed<T>, PassengerError>;

impl<E: Execute<Passengers>, F: Flights, R: Records> PassengerService<E, F, R> {
    /// A service that decides with `executor`, asks the flight domain through `flights`, and looks for those whom the
    /// state has forgotten in `records`.
    pub const fn new(executor: E, flights: F, records: R) -> Self {
        Self { executor, flights, records }
    }

    /// Adds a passenger to a flight that exists and takes passengers.
    ///
    /// # Errors
    /// [`PassengerError`].
    pub async fn add(
        &self,
        flight_id: FlightId,
        name: PassengerName,
        context: CommandContext,
    ) -> PassengerResult<PassengerView> {
        let is_repeated = || {
            let key = context.idempotency.as_ref().map(|idempotency| &idempotency.key);
            key.is_some_and(|key| self.executor.remembered(key).is_some())
        };
        // What a repeated command led to does not depend on the flight any more.
        if !is_repeated() {
            let refusal = match self.flights.admission(flight_id).await? {
                Admission::Open => None,
                Admission::UnknownFlight => Some(PassengerError::UnknownFlight),
                Admission::Departed => Some(PassengerError::FlightDeparted),
                Admission::Arrived => Some(PassengerError::FlightArrived),
            };
            if let Some(refusal) = refusal {
                // Another replica may have carried out the same command, before the flight took nobody any more.
                self.executor.inspect_fresh(|_| ()).await?;
                if !is_repeated() {
                    return Err(refusal);
                }
            }
        }
        let passenger_id = PassengerId::new(Uuid::now_v7());
        self.change(PassengerCommand::CheckIn { passenger_id, flight_id, name }, context).await
    }

    /// Corrects a passenger's name.
    ///
    /// # Errors
    /// [`PassengerError`].
    pub async fn correct_name(
        &self,
        passenger_id: PassengerId,
        name: PassengerName,
        if_version: Option<IfVersion>,
        context: CommandContext,
    ) -> PassengerResult<PassengerView> {
        self.change(PassengerCommand::CorrectName { passenger_id, name, if_version }, context).await
    }

    /// Lets a passenger board.
    ///
    /// # Errors
    /// [`PassengerError`].
    pub async fn board(
        &self,
        passenger_id: PassengerId,
        if_version: Option<IfVersion>,
        context: CommandContext,
    ) -> PassengerResult<PassengerView> {
        self.change(PassengerCommand::Board { passenger_id, if_version }, context).await
    }

    /// Takes a passenger off their flight before it departs.
    ///
    /// # Errors
    /// [`PassengerError`].
    pub async fn offload(
        &self,
        passenger_id: PassengerId,
        reason: OffloadReason,
        if_version: Option<IfVersion>,
        context: CommandContext,
    ) -> PassengerResult<PassengerView> {
        self.change(PassengerCommand::Offload { passenger_id, reason, if_version }, context).await
    }

    /// Seals the manifest of a flight that is about to depart. The seal decides: nobody can be added, boarded or
    /// offloaded after it.
    ///
    /// # Errors
    /// [`PassengerError`], never a rejection.
    pub async fn seal(&self, flight_id: FlightId, context: CommandContext) -> Result<SealAnswer, PassengerError> {
        match self.executor.execute(PassengerCommand::Seal { flight_id }, context).await {
            Ok(committed) => {
                Ok(SealAnswer::Sealed { revision: committed.revision, newly: !committed.events.is_empty() })
            }
            Err(ExecuteError::Rejected { rejection, revision }) => not_sealed(rejection, revision),
            Err(error) => Err(error.into()),
        }
    }

    /// What [`PassengerService::seal`] would answer now, without sealing.
    ///
    /// # Errors
    /// [`PassengerError`], never a rejection.
    pub async fn preview_seal(&self, flight_id: FlightId) -> Result<SealAnswer, PassengerError> {
        let command = PassengerCommand::Seal { flight_id };
        let (decided, revision) = self.executor.inspect_fresh(|state| Passengers::decide(state, &command)).await?;
        self.executor.readable(flight_id.uuid())?;
        match decided {
            Ok(events) => Ok(SealAnswer::Sealed { revision, newly: !events.is_empty() }),
            Err(rejection) => not_sealed(rejection, revision),
        }
    }

    /// Closes the manifest of a flight that has ended, for good, however many passengers there are. Answers the newest
    /// event that shows it. Whether it has ended, and how, is asked for, whoever says so.
    ///
    /// # Errors
    /// [`PassengerError`], never a rejection.
    pub async fn close(
        &self,
        flight_id: FlightId,
        ending: FlightEnding,
        cause: Cause,
    ) -> Result<Option<Revision>, PassengerError> {
        match (ending, self.flights.admission_now(flight_id).await?) {
            // A flight that has landed may be deleted, or forgotten, before that is heard of here.
            (FlightEnding::Landed, Admission::Arrived | Admission::UnknownFlight)
            | (FlightEnding::Deleted, Admission::UnknownFlight) => {}
            (FlightEnding::Landed, Admission::Open | Admission::Departed)
            | (FlightEnding::Deleted, Admission::Open | Admission::Departed | Admission::Arrived) => {
                let reason = "the flight does not say that it has ended like that";
                return Err(Interruption::Unavailable(reason.to_owned()).into());
            }
        }
        let command = || PassengerCommand::Close { flight_id, ending };
        // It closes first, so nobody is added any more, and each round takes some of those who are left.
        loop {
            let (manifest, revision) = self.close_on(command(), &cause).await?;
            if manifest.is_finished(ending) {
                return Ok(revision);
            }
            if manifest.passengers().next().is_none() {
                break;
            }
        }
        self.remove_unlisted(flight_id, &cause).await?;
        let (manifest, revision) = self.close_on(command(), &cause).await?;
        if manifest.is_finished(ending) {
            return Ok(revision);
        }
        let left = manifest.unlisted();
        let reason =
            format!("the read model does not show {left} passengers of the deleted flight, who are to be removed");
        Err(Interruption::Unavailable(reason).into())
    }

    /// Removes passengers whom the state has forgotten. Nobody was added since, so that the read model knows all of them.
    async fn remove_unlisted(&self, flight_id: FlightId, cause: &Cause) -> Result<(), PassengerError> {
        let forgotten = self.executor.inspect(PassengerState::forgotten);
        let mut after = None;
        loop {
            let passengers = self.records.passengers_of(flight_id, after, forgotten).await.map_err(not_shown)?;
            let Some(last) = passengers.last().copied() else { return Ok(()) };
            for some in passengers.chunks(MAX_CLOSED_PER_COMMAND) {
                let command = PassengerCommand::RemoveUnlisted { flight_id, passengers: some.to_vec() };
                self.close_on(command, cause).await?;
            }
            after = Some(last);
        }
    }

    /// Carries out a step of closing a manifest, and gives the manifest.
    async fn close_on(
        &self,
        command: PassengerCommand,
        cause: &Cause,
    ) -> Result<(Arc<Manifest>, Option<Revision>), PassengerError> {
        let context = CommandContext::caused_by(Uuid::now_v7(), cause.clone());
        let committed = self.executor.execute(command, context).await?;
        Ok((Arc::clone(manifest(&committed)?), committed.revision))
    }

    /// Whether a flight exists, for a manifest that nobody was ever on.
    ///
    /// # Errors
    /// [`Interruption`] if the flight domain cannot be asked.
    pub async fn flight_exists(&self, flight_id: FlightId) -> Result<bool, Interruption> {
        Ok(self.flights.admission(flight_id).await? != Admission::UnknownFlight)
    }

    async fn change(&self, command: PassengerCommand, context: CommandContext) -> PassengerResult<PassengerView> {
        let cause = context.as_cause();
        let asked_for = asked_for(&command);
        let committed = match self.executor.execute(command, context).await {
            Err(ExecuteError::Rejected { rejection: PassengerRejection::NotRemembered { forgotten }, revision }) => {
                let rejection = self.as_if_remembered(asked_for, forgotten).await?;
                return Err(PassengerError::rejected(rejection, revision));
            }
            outcome => outcome?,
        };
        let position = Position::at(passenger_contract::STREAM, committed.revision);
        let noted = self.note_at_once(&committed, cause).await;
        match committed.outcome {
            PassengerOutcome::Passenger(Some(passenger)) => {
                Ok(Executed { value: PassengerView::from(&*passenger), position: position.and(noted) })
            }
            // That a passenger has been removed since is an answer too: they are not there.
            _ => Err(PassengerError::Rejected { rejection: PassengerRejection::NotFound, position }),
        }
    }

    /// What would have been said about a passenger if they had not been forgotten.
    async fn as_if_remembered(
        &self,
        asked_for: Option<(PassengerId, Option<IfVersion>)>,
        forgotten: Revision,
    ) -> Result<PassengerRejection, Interruption> {
        let Some((id, if_version)) = asked_for else { return Ok(PassengerRejection::NotFound) };
        let found = self.records.passenger(id, Some(forgotten)).await.map_err(not_shown)?;
        // One of whom there is something newer was added since, and not forgotten.
        Ok(match found.filter(|passenger| passenger.version <= forgotten) {
            None => PassengerRejection::NotFound,
            Some(passenger) if if_version.is_some_and(|wanted| !wanted.is_met_by(passenger.version)) => {
                PassengerRejection::Stale { current: passenger.version }
            }
            Some(_) => PassengerRejection::ManifestClosed { ending: FlightEnding::Landed },
        })
    }

    /// Tells the flight at once if its manifest has become complete, or is so no longer.
    async fn note_at_once(&self, committed: &Committed<Passengers>, cause: Cause) -> Position {
        let (Some(event), Some(revision)) = (committed.events.last(), committed.revision) else {
            return Position::default();
        };
        let Some(ManifestNews::Complete(complete)) = event.news() else { return Position::default() };
        let noting = self.flights.note_manifest(event.flight_id(), Completeness { complete, as_of: revision }, cause);
        match tokio::time::timeout(shared_kernel::AT_ONCE_LIMIT, noting).await {
            Ok(Ok(noted)) => Position::at(flight_contract::STREAM, noted),
            Ok(Err(error)) => {
                tracing::info!(flight.id = %event.flight_id(), %error, "the flight is left to be told by the reaction");
                Position::default()
            }
            Err(_) => Position::default(),
        }
    }
}

fn not_sealed(rejection: PassengerRejection, revision: Option<Revision>) -> Result<SealAnswer, PassengerError> {
    match rejection {
        PassengerRejection::NotAllBoarded { missing, passengers } => {
            Ok(SealAnswer::NotAllBoarded { missing, passengers, revision })
        }
        PassengerRejection::ManifestClosed { .. } => Ok(SealAnswer::Closed),
        other => Err(PassengerError::rejected(other, revision)),
    }
}

/// Which passenger a command is about, in which version.
fn asked_for(command: &PassengerCommand) -> Option<(PassengerId, Option<IfVersion>)> {
    match command {
        PassengerCommand::CorrectName { passenger_id, if_version, .. }
        | PassengerCommand::Board { passenger_id, if_version }
        | PassengerCommand::Offload { passenger_id, if_version, .. } => Some((*passenger_id, if_version.clone())),
        PassengerCommand::CheckIn { .. }
        | PassengerCommand::Seal { .. }
        | PassengerCommand::Close { .. }
        | PassengerCommand::RemoveUnlisted { .. } => None,
    }
}

/// Why nobody can say what became of a passenger who was forgotten.
fn not_shown(error: QueryError) -> Interruption {
    match error {
        QueryError::Interrupted(interruption) => interruption,
        QueryError::NotYet | QueryError::OtherHistory | QueryError::Parked { .. } => {
            Interruption::Unavailable("the read model does not show yet what happened to them".to_owned())
        }
    }
}

fn manifest(committed: &Committed<Passengers>) -> Result<&Arc<Manifest>, Interruption> {
    match &committed.outcome {
        PassengerOutcome::Manifest(manifest) => Ok(manifest),
        PassengerOutcome::Passenger(_) => {
            Err(Interruption::Internal("closing a manifest did not lead to a manifest".to_owned()))
        }
    }
}
