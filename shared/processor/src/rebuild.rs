//! `/rebuild`: the domain's read model is rebuilt, beside the one that is shown.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared_infrastructure::rebuild::Rebuild;
use shared_kernel::QueryError;
use shared_service::{Command, NoBody, Problem, Routes, problem_type};

use crate::routes::{OPERATORS, Processor};

pub(crate) fn routes() -> Routes<Arc<Processor>> {
    Routes::new().get("/rebuild", OPERATORS, list).post("/rebuild", OPERATORS, ask)
}

/// The last rebuild of a read model.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    read_model: &'static str,
    #[serde(flatten)]
    rebuild: Rebuild,
}

#[derive(Serialize)]
struct Rebuilds {
    /// One at most: a domain has one read model.
    rebuilds: Vec<Item>,
}

async fn list(State(processor): State<Arc<Processor>>) -> Result<Json<Rebuilds>, Problem> {
    let last = Rebuild::last(&processor.database, processor.projection()).await.map_err(QueryError::from)?;
    let read_model = processor.read_model;
    Ok(Json(Rebuilds { rebuilds: last.map(|rebuild| Item { read_model, rebuild }).into_iter().collect() }))
}

/// Asks for a rebuild, whichever instance leads.
async fn ask(
    State(processor): State<Arc<Processor>>,
    command: Command<NoBody>,
) -> Result<(StatusCode, Json<Item>), Problem> {
    let asked = Rebuild::ask(&processor.database, processor.projection(), &command.context.cause.actor).await;
    let rebuild = asked.map_err(QueryError::from)?.ok_or_else(|| {
        let detail = format!("The read model {:?} is being rebuilt already.", processor.read_model);
        Problem::new(problem_type::REBUILD_RUNNING, detail)
    })?;
    Ok((StatusCode::ACCEPTED, Json(Item { read_model: processor.read_model, rebuild })))
}
