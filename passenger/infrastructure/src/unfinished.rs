//! Looking for manifests that do not fit their flights.

use deadpool_postgres::Object;
use flight_contract::{Admission, FlightId};
use passenger_core::ManifestState;
use shared_infrastructure::reader::ReactionError;
use shared_infrastructure::unfinished::{AT_ONCE, Found, Surroundings, Unfinished};
use uuid::Uuid;

use crate::RpcFlights;
use crate::table::{MANIFESTS, ManifestColumns, ManifestRow};

/// A sealed manifest whose flight is at the gate.
pub(crate) const SEAL_WITHOUT_DEPARTURE: &str = "sealWithoutDeparture";
/// A manifest that is not closed although its flight has landed.
const LANDING_WITHOUT_ARRIVALS: &str = "landingWithoutArrivals";
/// A manifest that is not closed although its flight was deleted.
const DELETION_WITH_PASSENGERS: &str = "deletionWithPassengers";

/// How many flights are asked about at once.
const PAGE: usize = 500;
/// How many times that is done in one look.
const PAGES: usize = 20;

/// What the read model and the flight domain say of manifests that are not closed, after the key `after`.
pub(crate) async fn look(
    flights: &RpcFlights,
    surroundings: &Surroundings,
    after: Option<Uuid>,
) -> Result<Found, ReactionError> {
    let mut found = Found { unfinished: Vec::new(), after, up_to: after };
    let mut apart = Vec::new();
    for _ in 0..PAGES {
        let page = not_closed(surroundings, found.up_to.unwrap_or_default()).await?;
        let is_last = page.len() < PAGE;
        found.up_to = page.last().map(|manifest| manifest.flight_id.uuid()).filter(|_| !is_last);
        apart.extend(what_is_apart(flights, &page).await?.into_iter().map(|(manifest, _)| manifest.flight_id.uuid()));
        if is_last || apart.len() > AT_ONCE - PAGE {
            break;
        }
    }
    if apart.is_empty() {
        return Ok(found);
    }
    surroundings.let_pass_what_is_on_its_way().await;
    for ids in apart.chunks(PAGE) {
        let manifests = these(surroundings, ids).await?;
        for (manifest, kind) in what_is_apart(flights, &manifests).await? {
            let since = match kind {
                SEAL_WITHOUT_DEPARTURE => surroundings.recorded_at(manifest.version).await,
                _ => None,
            };
            found.unfinished.push(Unfinished { kind, key: manifest.flight_id.uuid(), since });
        }
    }
    Ok(found)
}

/// The manifests that do not fit their flights, and how.
async fn what_is_apart<'a>(
    flights: &RpcFlights,
    manifests: &'a [ManifestRow],
) -> Result<Vec<(&'a ManifestRow, &'static str)>, ReactionError> {
    if manifests.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<FlightId> = manifests.iter().map(|manifest| manifest.flight_id).collect();
    let admissions = flights.admissions(ids).await?;
    let apart = manifests.iter().zip(admissions);
    Ok(apart.filter_map(|(manifest, admission)| Some((manifest, missing(manifest.state, admission)?))).collect())
}

const fn missing(state: ManifestState, admission: Admission) -> Option<&'static str> {
    match (state, admission) {
        (ManifestState::Sealed, Admission::Open) => Some(SEAL_WITHOUT_DEPARTURE),
        (ManifestState::Open | ManifestState::Sealed, Admission::Arrived) => Some(LANDING_WITHOUT_ARRIVALS),
        (ManifestState::Open | ManifestState::Sealed, Admission::UnknownFlight) => Some(DELETION_WITH_PASSENGERS),
        (ManifestState::Open | ManifestState::Sealed, Admission::Open | Admission::Departed)
        | (ManifestState::Closed(_), _) => None,
    }
}

async fn client(surroundings: &Surroundings) -> Result<Object, ReactionError> {
    surroundings.database.client().await.map_err(|error| ReactionError::Retry(error.to_string()))
}

/// Manifests that are not closed, in the order of their flights.
async fn not_closed(surroundings: &Surroundings, after: Uuid) -> Result<Vec<ManifestRow>, ReactionError> {
    let (key, state) = (ManifestColumns::flight_id, ManifestColumns::state);
    let condition = format!("{key} > $1 AND {state} <> 'closed' ORDER BY {key} LIMIT {PAGE}");
    let found = MANIFESTS.found_where(&client(surroundings).await?, &condition, &[&after]).await;
    found.map_err(|error| ReactionError::Retry(error.to_string()))
}

async fn these(surroundings: &Surroundings, ids: &[Uuid]) -> Result<Vec<ManifestRow>, ReactionError> {
    let condition = format!("{} = ANY($1)", ManifestColumns::flight_id);
    let found = MANIFESTS.found_where(&client(surroundings).await?, &condition, &[&ids]).await;
    found.map_err(|error| ReactionError::Retry(error.to_string()))
}
