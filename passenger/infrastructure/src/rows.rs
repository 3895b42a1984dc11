use deadpool_postgres::GenericClient;
use flight_contract::FlightId;
use passenger_application::PassengerView;
use passenger_contract::PassengerId;
use passenger_core::ManifestState;
use shared_infrastructure::read_model::Listing;
use shared_kernel::{Paging, Revision};

use crate::table::{MANIFESTS, ManifestRow, PASSENGERS};

/// A page of the rows of the table `passengers`, and one more, for checking them.
///
/// # Errors
/// Those of PostgreSQL, and a value that is not known here.
pub async fn stored_passengers(
    client: &impl GenericClient,
    page: Paging<PassengerId>,
) -> Result<Vec<PassengerView>, tokio_postgres::Error> {
    Listing::new(PASSENGERS, page).rows(client).await
}

/// A page of the rows of the table `manifests`, and one more, each with the number of the last event about it.
///
/// # Errors
/// Those of PostgreSQL, and a value that is not known here.
pub async fn stored_manifests(
    client: &impl GenericClient,
    page: Paging<FlightId>,
) -> Result<Vec<(FlightId, ManifestState, Revision)>, tokio_postgres::Error> {
    let rows: Vec<ManifestRow> = Listing::new(MANIFESTS, page).rows(client).await?;
    Ok(rows.into_iter().map(|ManifestRow { flight_id, state, version }| (flight_id, state, version)).collect())
}
