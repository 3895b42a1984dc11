use passenger_application::{ManifestFilter, PassengerFilter};
use passenger_core::{Ending, ManifestState, OffloadReason, PassengerName, PassengerStatus};
use shared_kernel::{FlightId, PassengerId, Text};
use shared_service::{Fields, FromFields, FromQuery, Paging, Params, parse};

/// The longest text that passengers are searched for, in characters: as long as a name can be.
type SearchText = Text<100>;

/// The body of a request that adds a passenger.
pub(crate) struct AddInput {
    pub(crate) flight_id: FlightId,
    pub(crate) name: PassengerName,
}

impl FromFields for AddInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        let flight_id = fields.required("flightId", parse::id);
        let name = fields.required("name", PassengerName::new);
        Some(Self { flight_id: flight_id?, name: name? })
    }
}

/// The body of a request that corrects a passenger's name.
pub(crate) struct NameInput(pub(crate) PassengerName);

impl FromFields for NameInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("name", PassengerName::new).map(Self)
    }
}

/// The body of a request that offloads a passenger.
pub(crate) struct OffloadInput(pub(crate) OffloadReason);

impl FromFields for OffloadInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("reason", OffloadReason::new).map(Self)
    }
}

/// Which passengers are asked for.
pub(crate) struct PassengersInput {
    pub(crate) filter: PassengerFilter,
    pub(crate) paging: Paging<PassengerId>,
}

impl FromQuery for PassengersInput {
    fn read(params: &mut Params) -> Option<Self> {
        let flight_id = params.optional("flightId", parse::id);
        let status = params.optional("status", str::parse::<PassengerStatus>);
        let text = params.optional("text", SearchText::new).map(|text| text.as_str().to_owned());
        let paging = params.paging()?;
        Some(Self { filter: PassengerFilter { flight_id, status, text }, paging })
    }
}

/// Which manifests are asked for.
pub(crate) struct ManifestsInput {
    pub(crate) filter: ManifestFilter,
    pub(crate) paging: Paging<FlightId>,
}

impl FromQuery for ManifestsInput {
    fn read(params: &mut Params) -> Option<Self> {
        let state = params.optional("state", manifest_state);
        let paging = params.paging()?;
        Some(Self { filter: ManifestFilter { state }, paging })
    }
}

fn manifest_state(text: &str) -> Result<&'static str, &'static str> {
    [ManifestState::Open, ManifestState::Sealed, ManifestState::Closed(Ending::Landed)]
        .into_iter()
        .map(ManifestState::as_str)
        .find(|state| *state == text)
        .ok_or("must be one of open, sealed, closed")
}
