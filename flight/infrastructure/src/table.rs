//! The table `flights`: its columns, and what they hold of a flight.

use flight_application::FlightView;
use flight_core::{FlightDetails, OffsetDateTime};
use jiff::Timestamp;
use shared_infrastructure::read_model::{
    Columns, Filled, IdColumn, NameColumn, RevisionColumn, SearchColumn, Table, TextColumn,
};
use tokio_postgres::Row;

pub(crate) const FLIGHTS: Table<FlightColumns> = Table::new("flights", FlightColumns::id, FlightColumns::version);

/// Flights are found by their number, origin and destination.
pub(crate) const SEARCH: SearchColumn<FlightDetails> = SearchColumn::new("search", |details| {
    vec![details.flight_number.as_str(), details.origin.as_str(), details.destination.as_str()]
});

shared_infrastructure::columns! {
    /// A row, without what is only searched.
    pub(crate) struct FlightColumns of FlightView {
        id: IdColumn,
        details: DetailsColumns,
        status: NameColumn,
        version: RevisionColumn,
    }

    /// What people say about a flight.
    pub(crate) struct DetailsColumns of FlightDetails {
        flight_number: TextColumn,
        origin: TextColumn,
        destination: TextColumn,
        scheduled_departure: DepartureColumns,
    }
}

/// The point in time of a departure, and, in a column of its own, the offset that it was given with, in minutes.
pub(crate) struct DepartureColumns;

impl DepartureColumns {
    const OFFSET: &str = "scheduled_departure_offset";
}

impl Columns<Option<OffsetDateTime>> for DepartureColumns {
    fn fill<'a>(field: &'static str, departures: &[&'a Option<OffsetDateTime>], filled: &mut Vec<Filled<'a>>) {
        let times = departures.iter().map(|departure| departure.map(OffsetDateTime::timestamp));
        let offsets = departures.iter().map(|departure| departure.map_or(0, OffsetDateTime::offset_minutes));
        filled.push(Filled::new(field, "timestamptz", times));
        filled.push(Filled::new(Self::OFFSET, "smallint", offsets));
    }

    fn read(field: &'static str, row: &Row) -> Result<Option<OffsetDateTime>, tokio_postgres::Error> {
        let time: Option<Timestamp> = row.try_get(field)?;
        let offset = row.try_get(Self::OFFSET)?;
        Ok(time.map(|time| OffsetDateTime::with_offset_minutes(time, offset)))
    }
}
