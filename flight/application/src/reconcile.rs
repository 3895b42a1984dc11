//! Bringing flights and manifests together where no event announces any more that they are apart.

use flight_contract::{Admission, FlightId};
use flight_core::{FlightState, Flights};
use passenger_contract::FlightEnding;
use shared_kernel::{Cause, Execute, Revision};

use crate::service::admission;
use crate::{FlightError, FlightService, Manifests};

impl<E: Execute<Flights>, M: Manifests> FlightService<E, M> {
    /// Whether each of these flights takes passengers, as of everything that has happened by now. One that this version
    /// of the software does not know all about counts as if it took them: nothing is to be concluded from it.
    ///
    /// # Errors
    /// [`FlightError`], never a rejection.
    pub async fn admissions(&self, flight_ids: &[FlightId]) -> Result<Vec<Admission>, FlightError> {
        let look =
            |state: &FlightState| flight_ids.iter().map(|flight_id| admission(state, flight_id)).collect::<Vec<_>>();
        let (admissions, _) = self.executor.inspect_fresh(look).await?;
        let readable = |flight_id: &FlightId| self.executor.readable(flight_id.uuid()).is_ok();
        let known = flight_ids.iter().zip(admissions);
        Ok(known.map(|(id, admission)| if readable(id) { admission } else { Admission::Open }).collect())
    }

    /// Closes the manifest of a flight that has ended, however long ago. Answers the newest event that shows it; does
    /// nothing for a flight that has not ended.
    ///
    /// # Errors
    /// [`FlightError`], never a rejection.
    pub async fn close_manifest(&self, flight_id: FlightId, cause: Cause) -> Result<Option<Revision>, FlightError> {
        let ending = match self.admissions(&[flight_id]).await?.as_slice() {
            [Admission::Arrived] => FlightEnding::Landed,
            [Admission::UnknownFlight] => FlightEnding::Deleted,
            _ => return Ok(None),
        };
        Ok(self.manifests.close(flight_id, ending, cause).await?)
    }
}
