use passenger_contract::{PassengerId, STREAM, problem_type};
use shared_kernel::{Executed, Position};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use flight_contract::FlightId;
use passenger_application::{ManifestView, ManifestWithPassengers, PassengerError, PassengerFilter, PassengerView};
use passenger_infrastructure::FIRST_PASSENGERS;
use shared_access::{Access, Role};
use shared_service::csv::{self, Format, Incomplete, Rows};
use shared_service::headers::{JETBRIDGE_POSITION, position_value};
use shared_service::{
    Command, CommandOn, IfNoneMatch, Page, Paging, PathId, Problem, Query, Reply, ReplyResult, RequestedPosition,
    Routes,
};

use crate::Api;
use crate::input::{AddInput, ManifestInput, ManifestKey, ManifestsInput, NameInput, OffloadInput, PassengersInput};
use crate::operations;
use crate::problems::problem;

const VIEWER: Access = Access::Role(Role::Viewer);
const AGENT: Access = Access::Role(Role::Agent);

pub(crate) fn all() -> Routes<Arc<Api>> {
    Routes::new()
        .get("/api/passengers", VIEWER, list)
        .about(operations::list())
        .post("/api/passengers", AGENT, add)
        .about(operations::add())
        .get("/api/passengers/{id}", VIEWER, show)
        .about(operations::show())
        .put("/api/passengers/{id}", AGENT, correct_name)
        .about(operations::correct_name())
        .post("/api/passengers/{id}/board", AGENT, board)
        .about(operations::board())
        .post("/api/passengers/{id}/offload", AGENT, offload)
        .about(operations::offload())
        .get("/api/manifests", VIEWER, list_manifests)
        .about(operations::list_manifests())
        .get("/api/manifests/{flightId}", VIEWER, show_manifest)
        .about(operations::show_manifest())
}

async fn add(State(api): State<Arc<Api>>, command: Command<AddInput>) -> ReplyResult<PassengerView> {
    let AddInput { flight_id, name } = command.input;
    let done = api.service.add(flight_id, name, command.context).await.map_err(problem)?;
    let (revision, location) = (done.value.version, format!("/api/passengers/{}", done.value.id));
    Ok(Reply::created(&location, done.value).revision(revision).position(done.position))
}

async fn correct_name(
    State(api): State<Arc<Api>>,
    on: CommandOn<PassengerId, NameInput>,
) -> ReplyResult<PassengerView> {
    answer(api.service.correct_name(on.id, on.input.0, on.if_version, on.context).await)
}

async fn board(State(api): State<Arc<Api>>, on: CommandOn<PassengerId>) -> ReplyResult<PassengerView> {
    answer(api.service.board(on.id, on.if_version, on.context).await)
}

async fn offload(State(api): State<Arc<Api>>, on: CommandOn<PassengerId, OffloadInput>) -> ReplyResult<PassengerView> {
    answer(api.service.offload(on.id, on.input.0, on.if_version, on.context).await)
}

async fn show(
    State(api): State<Arc<Api>>,
    PathId(id): PathId<PassengerId>,
    RequestedPosition(requested): RequestedPosition,
    known: IfNoneMatch,
) -> ReplyResult<PassengerView> {
    let requested = api.backend.cover(requested).await;
    let found = api.read_model.passenger(id, requested.revision_in(STREAM)).await?;
    let position = requested.and(Position::at(STREAM, found.revision));
    let passenger =
        found.value.ok_or_else(|| Problem::of(problem_type::PASSENGER_NOT_FOUND).position(position.clone()))?;
    let version = passenger.version;
    Ok(Reply::ok(passenger).position(position).unless_known(version, &known))
}

async fn list(
    State(api): State<Arc<Api>>,
    Query(input): Query<PassengersInput>,
    RequestedPosition(requested): RequestedPosition,
) -> ReplyResult<Page<PassengerView>> {
    let requested = api.backend.cover(requested).await;
    let found = api.read_model.passengers(input.filter, input.paging, requested.revision_in(STREAM)).await?;
    let page = Page::from_surplus(found.value, &input.paging, |last| last.id);
    Ok(Reply::ok(page).position(requested.and(Position::at(STREAM, found.revision))))
}

async fn list_manifests(
    State(api): State<Arc<Api>>,
    Query(input): Query<ManifestsInput>,
    RequestedPosition(requested): RequestedPosition,
) -> ReplyResult<Page<ManifestView>> {
    let requested = api.backend.cover(requested).await;
    let found =
        api.read_model.manifests(input.filter, input.paging, input.missing, requested.revision_in(STREAM)).await?;
    let page = Page::from_surplus(found.value, &input.paging, |last| last.flight_id);
    Ok(Reply::ok(page).position(requested.and(Position::at(STREAM, found.revision))))
}

async fn show_manifest(
    State(api): State<Arc<Api>>,
    PathId(ManifestKey(flight_id)): PathId<ManifestKey>,
    Query(input): Query<ManifestInput>,
    RequestedPosition(requested): RequestedPosition,
    known: IfNoneMatch,
    format: Format,
) -> Result<Response, Problem> {
    let requested = api.backend.cover(requested).await;
    let found = api.read_model.manifest(flight_id, input.missing, requested.revision_in(STREAM)).await?;
    let position = requested.and(Position::at(STREAM, found.revision));
    let (manifest, passengers) = match found.value {
        Some(found) => found,
        // Nobody was ever on it, so only the flight domain knows whether there is such a flight.
        None if api.service.flight_exists(flight_id).await? => (ManifestView::empty(flight_id), Vec::new()),
        None => return Err(Problem::of(problem_type::MANIFEST_NOT_FOUND).position(position)),
    };
    if format == Format::Csv {
        return manifest_file(api, flight_id, passengers, position);
    }
    let Page { items, next } = Page::from_surplus(passengers, &FIRST_PASSENGERS, |last| last.id);
    let version = manifest.version;
    let reply =
        Reply::ok(ManifestWithPassengers { manifest, passengers: items, passengers_next: next }).position(position);
    let reply = reply.in_one_of_the_formats();
    Ok(match version {
        Some(version) => reply.unless_known(version, &known).into_response(),
        None => reply.into_response(),
    })
}

/// All passengers of a flight as a file. `first` are the first of them, with one more than [`FIRST_PASSENGERS`] if these
/// are not all.
fn manifest_file(
    api: Arc<Api>,
    flight_id: FlightId,
    first: Vec<PassengerView>,
    position: Position,
) -> Result<Response, Problem> {
    let name = format!("manifest-{flight_id}.csv");
    let header = [(JETBRIDGE_POSITION, position_value(&position))];
    let file = csv::file(&name, &["id", "flightId", "name", "status"], async move |mut rows: Rows| {
        let mut passengers = first;
        loop {
            let has_more = passengers.len() > FIRST_PASSENGERS.limit;
            passengers.truncate(FIRST_PASSENGERS.limit);
            rows.send(passengers.iter().map(cells)).await?;
            let Some(last) = passengers.last().filter(|_| has_more) else { return Ok(()) };
            let filter = PassengerFilter { flight_id: Some(flight_id), ..PassengerFilter::default() };
            let page = Paging { after: Some(last.id), ..FIRST_PASSENGERS };
            let found = api.read_model.passengers(filter, page, position.revision_in(STREAM)).await;
            passengers = found.map_err(Incomplete::unreadable)?.value;
        }
    })?;
    Ok((header, file).into_response())
}

fn cells(passenger: &PassengerView) -> [String; 4] {
    let PassengerView { id, flight_id, name, status, .. } = passenger;
    [id.to_string(), flight_id.to_string(), name.as_str().to_owned(), status.as_str().to_owned()]
}

fn answer(executed: Result<Executed<PassengerView>, PassengerError>) -> ReplyResult<PassengerView> {
    let done = executed.map_err(problem)?;
    let revision = done.value.version;
    Ok(Reply::ok(done.value).revision(revision).position(done.position))
}
