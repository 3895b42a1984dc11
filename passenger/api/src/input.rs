use flight_contract::FlightId;
use passenger_application::{ManifestFilter, PassengerFilter};
use passenger_contract::{MAX_MISSING_NAMED, PassengerId, problem_type};
use passenger_core::{ManifestState, OffloadReason, PassengerName, PassengerStatus};
use shared_kernel::{Described, ProblemType, PublicKey, Schema, SearchText};
use shared_service::{Fields, FromFields, FromQuery, Paging, Params, parse};
use std::str::FromStr;

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
        let statuses = params.optional("status", |text| parse::list(text, str::parse::<PassengerStatus>));
        let text = params.optional("text", SearchText::new);
        let ids = params.optional("ids", |text| parse::list(text, parse::id));
        let paging = params.paging()?;
        Some(Self { filter: PassengerFilter { flight_id, statuses, text, ids }, paging })
    }
}

/// Which manifests are asked for.
pub(crate) struct ManifestsInput {
    pub(crate) filter: ManifestFilter,
    pub(crate) paging: Paging<FlightId>,
    pub(crate) missing: usize,
}

impl FromQuery for ManifestsInput {
    fn read(params: &mut Params) -> Option<Self> {
        let states = params.optional("state", |text| parse::list(text, manifest_state));
        let states = states.map(|states| states.into_iter().map(|StateName(name)| name).collect());
        let flight_ids = params.optional("flightIds", |text| parse::list(text, parse::id));
        let (missing, paging) = (missing(params), params.paging());
        Some(Self { filter: ManifestFilter { states, flight_ids }, paging: paging?, missing: missing? })
    }
}

/// A flight's id in the path of its manifest.
pub(crate) struct ManifestKey(pub(crate) FlightId);

impl FromStr for ManifestKey {
    type Err = <FlightId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Described for ManifestKey {
    fn schema() -> Schema {
        FlightId::schema()
    }
}

impl PublicKey for ManifestKey {
    const NOT_FOUND: &'static ProblemType = problem_type::MANIFEST_NOT_FOUND;
}

/// How a single manifest is to be shown.
pub(crate) struct ManifestInput {
    pub(crate) missing: usize,
}

impl FromQuery for ManifestInput {
    fn read(params: &mut Params) -> Option<Self> {
        let missing = missing(params);
        params.ignore_others();
        Some(Self { missing: missing? })
    }
}

/// How many of those who have not boarded are to be named.
fn missing(params: &mut Params) -> Option<usize> {
    params.whole_number("missing", MAX_MISSING_NAMED, 0..=MAX_MISSING_NAMED)
}

/// What a state of manifests is called.
#[derive(PartialEq)]
struct StateName(&'static str);

impl Described for StateName {
    fn schema() -> Schema {
        ManifestState::schema()
    }
}

fn manifest_state(text: &str) -> Result<StateName, &'static str> {
    let mut names = ManifestState::EACH.into_iter().map(ManifestState::as_str);
    names.find(|state| *state == text).map(StateName).ok_or("must be one of open, sealed, closed")
}
