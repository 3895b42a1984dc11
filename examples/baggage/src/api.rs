//! Commands and queries of bags over HTTP, and what the processor asks over JSON-RPC.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use flight_contract::FlightId;
use jsonrpsee::Methods;
use jsonrpsee::core::{RpcResult, async_trait};
use serde_json::json;
use shared_access::{Access, Role};
use shared_api::{Backend, DomainApi};
use shared_infrastructure::executor::ExecutorHandle;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::{Cause, CommandContext, Described, Domain, Execute, Position};
use shared_rpc::Effect;
use shared_service::openapi::{Operation, Thing};
use shared_service::{Command, Fields, FromFields, PathId, Problem, Reply, RequestedPosition, Routes, parse};
use uuid::Uuid;

use crate::contract::{BAG_NOT_FOUND, BagId, BaggageRpcServer, DOMAIN, STREAM};
use crate::processor::{BAGS, BagProjection};
use crate::rules::{Bag, BagCommand, Bags};

/// The baggage API.
pub struct BaggageApi;

impl DomainApi for BaggageApi {
    const DOMAIN: &'static Domain = DOMAIN;
    const PROJECTION: &'static str = BagProjection::NAME;
    type Decider = Bags;

    type Api = Backend<Bags>;

    fn routes() -> Routes<Arc<Backend<Bags>>> {
        let check_in_bag =
            Operation::command::<CheckIn>("checkInBag", "Checks in a bag", &json!({"flightId": Uuid::nil()}));
        let show_bag = Operation::query("showBag", "Shows a bag").on::<BagId>(Thing::Plain);
        Routes::new()
            .post("/api/bags", Access::Role(Role::Agent), check_in)
            .about(check_in_bag.answers_made::<Bag>("The bag"))
            .get("/api/bags/{id}", Access::Role(Role::Viewer), show)
            .about(show_bag.answers(StatusCode::OK, "The bag", Bag::schema(), &["Jetbridge-Position"]))
    }

    fn api(backend: Backend<Bags>, _: &Peers) -> Result<Backend<Bags>, InvalidRpcAddress> {
        Ok(backend)
    }

    fn methods(backend: &Backend<Bags>) -> Methods {
        BaggageRpc(backend.executor.clone()).into_rpc().into()
    }
}

struct CheckIn(FlightId);

impl FromFields for CheckIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("flightId", parse::id).map(Self)
    }
}

async fn check_in(State(backend): State<Arc<Backend<Bags>>>, command: Command<CheckIn>) -> Result<Reply<Bag>, Problem> {
    let bag_id = BagId::new(Uuid::now_v7());
    let check_in = BagCommand::CheckIn { bag_id, flight_id: command.input.0 };
    let executed = backend.executor.execute(check_in, command.context).await;
    let committed = executed.map_err(|error| Problem::of_execution(error, |never| match never {}))?;
    let bag = committed.outcome.ok_or_else(|| Problem::of(BAG_NOT_FOUND))?;
    Ok(Reply::created(&format!("/api/bags/{}", bag.id), bag).position(Position::at(STREAM, committed.revision)))
}

async fn show(
    State(backend): State<Arc<Backend<Bags>>>,
    PathId(id): PathId<BagId>,
    RequestedPosition(requested): RequestedPosition,
) -> Result<Reply<Bag>, Problem> {
    let requested = backend.cover(requested).await;
    let found = backend.read_model.find(BAGS, id, requested.revision_in(STREAM)).await?;
    let bag = found.value.ok_or_else(|| Problem::of(BAG_NOT_FOUND))?;
    Ok(Reply::ok(bag).position(requested.and(Position::at(STREAM, found.revision))))
}

struct BaggageRpc(ExecutorHandle<Bags>);

#[async_trait]
impl BaggageRpcServer for BaggageRpc {
    async fn leave_behind(&self, bag_id: BagId, cause: Cause) -> RpcResult<Effect> {
        let context = CommandContext::caused_by(Uuid::now_v7(), cause);
        let executed = self.0.execute(BagCommand::LeaveBehind { bag_id }, context).await;
        Effect::answer(executed.map(|committed| committed.revision))
    }
}
