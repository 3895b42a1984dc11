use flight_application::FlightFilter;
use flight_contract::FlightId;
use flight_core::{FlightDetails, FlightNumber, FlightStatus, OffsetDateTime, PlaceName};
use shared_kernel::SearchText;
use shared_service::{Fields, FromFields, FromQuery, Paging, Params, parse};

/// The body of a request that creates a flight or corrects its details.
pub(crate) struct DetailsInput(pub(crate) FlightDetails);

impl FromFields for DetailsInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        let flight_number = fields.required("flightNumber", FlightNumber::new);
        let origin = fields.required("origin", PlaceName::new);
        let destination = fields.required("destination", PlaceName::new);
        let scheduled_departure =
            fields.optional("scheduledDeparture", parse::timestamp).map(|(at, offset)| OffsetDateTime::new(at, offset));
        Some(Self(FlightDetails {
            flight_number: flight_number?,
            origin: origin?,
            destination: destination?,
            scheduled_departure,
        }))
    }
}

/// Which flights are asked for.
pub(crate) struct ListInput {
    pub(crate) filter: FlightFilter,
    pub(crate) paging: Paging<FlightId>,
}

impl FromQuery for ListInput {
    fn read(params: &mut Params) -> Option<Self> {
        let statuses = params.optional("status", |text| parse::list(text, str::parse::<FlightStatus>));
        let text = params.optional("text", SearchText::new);
        let ids = params.optional("ids", |text| parse::list(text, parse::id));
        let paging = params.paging()?;
        Some(Self { filter: FlightFilter { statuses, text, ids }, paging })
    }
}
