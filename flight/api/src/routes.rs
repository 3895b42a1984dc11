use flight_contract::{FlightId, STREAM, problem_type};
use shared_kernel::{Executed, Position};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use flight_application::FlightView;
use shared_service::{
    Command, IfNoneMatch, NoBody, Page, PathId, Problem, Query, Reply, ReplyResult, RequestedPosition,
};

use crate::Api;
use crate::input::{DetailsInput, ListInput};
use crate::problems::problem;

pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/api/flights", get(list).post(create))
        .route("/api/flights/{id}", get(show).put(correct_details).delete(delete))
        .route("/api/flights/{id}/disembark", post(depart))
        .route("/api/flights/{id}/land", post(land))
        .with_state(api)
}

async fn create(State(api): State<Arc<Api>>, command: Command<DetailsInput>) -> ReplyResult<FlightView> {
    let done = api.service.create(command.input.0, command.context).await.map_err(problem)?;
    let (revision, location) = (done.value.version, format!("/api/flights/{}", done.value.id));
    Ok(Reply::created(&location, done.value).revision(revision).position(done.position))
}

async fn correct_details(
    State(api): State<Arc<Api>>,
    PathId(id): PathId<FlightId>,
    command: Command<DetailsInput>,
) -> ReplyResult<FlightView> {
    let if_version = command.if_match.expected_revision();
    answer(api.service.correct_details(id, command.input.0, if_version, command.context).await.map_err(problem)?)
}

async fn depart(
    State(api): State<Arc<Api>>,
    PathId(id): PathId<FlightId>,
    command: Command<NoBody>,
) -> ReplyResult<FlightView> {
    let if_version = command.if_match.expected_revision();
    answer(api.service.depart(id, if_version, command.context).await.map_err(problem)?)
}

async fn land(
    State(api): State<Arc<Api>>,
    PathId(id): PathId<FlightId>,
    command: Command<NoBody>,
) -> ReplyResult<FlightView> {
    let if_version = command.if_match.expected_revision();
    answer(api.service.land(id, if_version, command.context).await.map_err(problem)?)
}

async fn delete(
    State(api): State<Arc<Api>>,
    PathId(id): PathId<FlightId>,
    command: Command<NoBody>,
) -> ReplyResult<()> {
    let if_version = command.if_match.expected_revision();
    let done = api.service.delete(id, if_version, command.context).await.map_err(problem)?;
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

fn answer(done: Executed<FlightView>) -> ReplyResult<FlightView> {
    let revision = done.value.version;
    Ok(Reply::ok(done.value).revision(revision).position(done.position))
}
