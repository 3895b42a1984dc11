//! Looking for manifests that do not fit their flights.

use std::collections::HashSet;

use deadpool_postgres::Object;
use flight_contract::{Admission, FlightId};
use passenger_contract::FlightEnding;
use passenger_core::{ManifestState, PassengerStatus};
use shared_infrastructure::reader::ReactionError;
use shared_infrastructure::unfinished::{AT_ONCE, Found, Surroundings, Unfinished};
use uuid::Uuid;

use crate::RpcFlights;
use crate::table::{MANIFESTS, ManifestColumns, ManifestRow, PASSENGERS, PassengerColumns};

/// A sealed manifest whose flight is at the gate.
pub(crate) const SEAL_WITHOUT_DEPARTURE: &str = "sealWithoutDeparture";
/// A manifest that is not closed, or not completely, although its flight has landed.
const LANDING_WITHOUT_ARRIVALS: &str = "landingWithoutArrivals";
/// A manifest that is not closed, or not empty, although its flight was deleted.
const DELETION_WITH_PASSENGERS: &str = "deletionWithPassengers";

/// How many flights are asked about at once.
const PAGE: usize = 500;
/// How many times that is done in one look.
const PAGES: usize = 20;

/// What the read model and the flight domain say of manifests after the key `after`: those that are not closed, and
/// those of whose passengers some were left as they were.
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
    let half_closed: HashSet<_> = closed_by_half(surroundings, &found).await?.into_iter().collect();
    if apart.is_empty() && half_closed.is_empty() {
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
    let still = closed_by_half(surroundings, &found).await?.into_iter().filter(|half| half_closed.contains(half));
    let left_behind = still.map(|(flight_id, ending)| {
        let kind = match ending {
            FlightEnding::Landed => LANDING_WITHOUT_ARRIVALS,
            FlightEnding::Deleted => DELETION_WITH_PASSENGERS,
        };
        Unfinished { kind, key: flight_id.uuid(), since: None }
    });
    let places = AT_ONCE.saturating_sub(found.unfinished.len());
    found.unfinished.extend(left_behind.take(places));
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

/// Manifests that are closed, with passengers on them who should have arrived or been removed with that, among those
/// that were looked at.
async fn closed_by_half(
    surroundings: &Surroundings,
    looked_at: &Found,
) -> Result<Vec<(FlightId, FlightEnding)>, ReactionError> {
    let (key, flight, status) = (ManifestColumns::flight_id, PassengerColumns::flight_id, PassengerColumns::status);
    // There are as many passengers with these statuses as fly at the moment, but manifests of all times.
    let condition = format!(
        "{key} > $1 AND ($2::uuid IS NULL OR {key} <= $2) AND {state} = 'closed'
         AND {key} IN (SELECT {flight} FROM {PASSENGERS} WHERE {status} = ANY($3)) LIMIT {AT_ONCE}",
        state = ManifestColumns::state,
    );
    let not_at_an_end = [PassengerStatus::CheckedIn.as_str(), PassengerStatus::Boarded.as_str()];
    let range = (looked_at.after.unwrap_or_default(), looked_at.up_to);
    let client = client(surroundings).await?;
    let found = MANIFESTS.found_where(&client, &condition, &[&range.0, &range.1, &not_at_an_end.as_slice()]).await;
    let manifests: Vec<ManifestRow> = found.map_err(|error| ReactionError::Retry(error.to_string()))?;
    let closed = manifests.into_iter().filter_map(|manifest| match manifest.state {
        ManifestState::Closed(ending) => Some((manifest.flight_id, ending)),
        ManifestState::Open | ManifestState::Sealed => None,
    });
    Ok(closed.collect())
}

async fn these(surroundings: &Surroundings, ids: &[Uuid]) -> Result<Vec<ManifestRow>, ReactionError> {
    let condition = format!("{} = ANY($1)", ManifestColumns::flight_id);
    let found = MANIFESTS.found_where(&client(surroundings).await?, &condition, &[&ids]).await;
    found.map_err(|error| ReactionError::Retry(error.to_string()))
}
