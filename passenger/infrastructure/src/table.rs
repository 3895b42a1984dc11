//! The tables `passengers` and `manifests`: their columns, and what they hold of a passenger and of a manifest.

use std::str::FromStr;

use flight_contract::FlightId;
use passenger_application::PassengerView;
use passenger_contract::FlightEnding;
use passenger_core::{ManifestState, PassengerName};
use shared_infrastructure::postgres::Parsed;
use shared_infrastructure::read_model::{
    Columns, Filled, IdColumn, NameColumn, RevisionColumn, SearchColumn, Table, TextColumn,
};
use shared_kernel::Revision;
use tokio_postgres::Row;

pub(crate) const PASSENGERS: Table<PassengerColumns> =
    Table::new("passengers", PassengerColumns::id, PassengerColumns::version);

/// Passengers are found by their names.
pub(crate) const SEARCH: SearchColumn<PassengerName> = SearchColumn::new("search", |name| vec![name.as_str()]);

pub(crate) const MANIFESTS: Table<ManifestColumns> =
    Table::new("manifests", ManifestColumns::flight_id, ManifestColumns::version);

/// A manifest without its passengers. It has a row as soon as anything has happened on it.
pub(crate) struct ManifestRow {
    pub(crate) flight_id: FlightId,
    pub(crate) state: ManifestState,
    /// The number of the last event about it or one of its passengers.
    pub(crate) version: Revision,
}

shared_infrastructure::columns! {
    /// A row of `passengers`, without what is only searched.
    pub(crate) struct PassengerColumns of PassengerView {
        id: IdColumn,
        flight_id: IdColumn,
        name: TextColumn,
        status: NameColumn,
        version: RevisionColumn,
    }

    /// A row of `manifests`.
    pub(crate) struct ManifestColumns of ManifestRow {
        flight_id: IdColumn,
        state: StateColumns,
        version: RevisionColumn,
    }
}

/// The name of a manifest's state, and, in a column of its own, how its flight ended, once it is closed.
pub(crate) struct StateColumns;

impl StateColumns {
    pub(crate) const ENDING: &str = "ending";
}

impl Columns<ManifestState> for StateColumns {
    fn fill<'a>(field: &'static str, states: &[&'a ManifestState], filled: &mut Vec<Filled<'a>>) {
        let endings = states.iter().map(|state| match state {
            ManifestState::Closed(ending) => Some(ending.as_str()),
            ManifestState::Open | ManifestState::Sealed => None,
        });
        filled.push(Filled::new(field, "text", states.iter().map(|state| state.as_str())));
        filled.push(Filled::new(Self::ENDING, "text", endings));
    }

    fn read(field: &'static str, row: &Row) -> Result<ManifestState, tokio_postgres::Error> {
        let Parsed(StateName(state)) = row.try_get(field)?;
        Ok(match state {
            ManifestState::Closed(_) => {
                let Parsed(EndingName(ending)) = row.try_get(Self::ENDING)?;
                ManifestState::Closed(ending)
            }
            ManifestState::Open | ManifestState::Sealed => state,
        })
    }
}

/// A state by its name, which does not say how a closed one ended.
struct StateName(ManifestState);

impl FromStr for StateName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let states = [ManifestState::Open, ManifestState::Sealed, ManifestState::Closed(FlightEnding::Landed)];
        states.into_iter().find(|state| state.as_str() == name).map(Self).ok_or(())
    }
}

struct EndingName(FlightEnding);

impl FromStr for EndingName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [FlightEnding::Landed, FlightEnding::Deleted]
            .into_iter()
            .find(|ending| ending.as_str() == name)
            .map(Self)
            .ok_or(())
    }
}
