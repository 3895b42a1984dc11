use flight_contract::{FlightId, STREAM, problem_type};
use shared_kernel::{Executed, Position};
use std::sync::Arc;

use axum::extract::State;
use flight_application::{FlightError, FlightView};
use shared_access::{Access, Role};
use shared_service::{
    Command, CommandOn, IfNoneMatch, Page, PathId, Problem, Query, Reply, ReplyResult, RequestedPosition, Routes,
};

use crate::Api;
use crate::input::{DetailsInput, ListInput};
use crate::operations;
use crate::problems::problem;

const VIEWER: Access = Access::Role(Role::Viewer);
const DISPATCHER: Access = Access::Role(Role::Dispatcher);

pub(crate) fn all() -> Routes<Arc<Api>> {
    Routes::new()
        .get("/api/flights", VIEWER, list)
        .about(operations::list())
        .post("/api/flights", DISPATCHER, create)
        .about(operations::create())
        .get("/api/flights/{id}", VIEWER, show)
        .about(operations::show())
        .put("/api/flights/{id}", DISPATCHER, correct_details)
        .about(operations::correct())
        .delete("/api/flights/{id}", DISPATCHER, delete)
        .about(operations::delete())
        .post("/api/flights/{id}/disembark", DISPATCHER, depart)
        .about(operations::depart())
        .post("/api/flights/{id}/land", DISPATCHER, land)
        .about(operations::land())
}

async fn create(State(api): State<Arc<Api>>, command: Command<DetailsInput>) -> ReplyResult<FlightView> {
    let done = api.service.create(command.input.0, command.context).await.map_err(problem)?;
    let (revision, location) = (done.value.version, format!("/api/flights/{}", done.value.id));
    Ok(Reply::created(&location, done.value).revision(revision).position(done.position))
}

async fn correct_details(
    State(api): State<Arc<Api>>,
    on: CommandOn<FlightId, DetailsInput>,
) -> ReplyResult<FlightView> {
    answer(api.service.correct_details(on.id, on.input.0, on.if_version, on.context).await)
}

async fn depart(State(api): State<Arc<Api>>, on: CommandOn<FlightId>) -> ReplyResult<FlightView> {
    answer(api.service.depart(on.id, on.if_version, on.context).await)
}

async fn land(State(api): State<Arc<Api>>, on: CommandOn<FlightId>) -> ReplyResult<FlightView> {
    answer(api.service.land(on.id, on.if_version, on.context).await)
}

async fn delete(State(api): State<Arc<Api>>, on: CommandOn<FlightId>) -> ReplyResult<()> {
    let done = api.service.delete(on.id, on.if_version, on.context).await.map_err(problem)?;
    Ok(Reply::no_content().position(done.position))
}

async fn show(
    State(api): State<Arc<Api>>,
    PathId(id): PathId<FlightId>,
    RequestedPosition(requested): RequestedPosition,
    known: IfNoneMatch,
) -> ReplyResult<FlightView> {
    let requested = api.backend.cover(requested).await;
    let found = api.read_model.flight(id, requested.revision_in(STREAM)).await?;
    let position = requested.and(Position::at(STREAM, found.revision));
    let flight = found.value.ok_or_else(|| Problem::of(problem_type::FLIGHT_NOT_FOUND).position(position.clone()))?;
    let version = flight.version;
    Ok(Reply::ok(flight).position(position).unless_known(version, &known))
}

async fn list(
    State(api): State<Arc<Api>>,
    Query(input): Query<ListInput>,
    RequestedPosition(requested): RequestedPosition,
) -> ReplyResult<Page<FlightView>> {
    let requested = api.backend.cover(requested).await;
    let found = api.read_model.flights(input.filter, input.paging, requested.revision_in(STREAM)).await?;
    let page = Page::from_surplus(found.value, &input.paging, |last| last.id);
    Ok(Reply::ok(page).position(requested.and(Position::at(STREAM, found.revision))))
}

fn answer(executed: Result<Executed<FlightView>, FlightError>) -> ReplyResult<FlightView> {
    let done = executed.map_err(problem)?;
    let revision = done.value.version;
    Ok(Reply::ok(done.value).revision(revision).position(done.position))
}
