use deadpool_postgres::GenericClient;
use flight_application::FlightView;
use flight_contract::FlightId;
use shared_infrastructure::read_model::Listing;
use shared_kernel::Paging;

use crate::table::FLIGHTS;

/// A page of the rows of the table `flights`, and one more, for checking them.
///
/// # Errors
/// Those of PostgreSQL, and a value that is not known here.
pub async fn stored_flights(
    client: &impl GenericClient,
    page: Paging<FlightId>,
) -> Result<Vec<FlightView>, tokio_postgres::Error> {
    Listing::new(FLIGHTS, page).rows(client).await
}
