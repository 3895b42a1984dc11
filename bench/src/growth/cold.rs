//! A start on the events alone: without a snapshot, and without a read model.

use std::time::{Duration, Instant};

use jetbridge_postgres::Config;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tokio_postgres::NoTls;

use super::REST_LIMIT;
use crate::failure::Failure;
use crate::http::Answer;
use crate::system::{Folder, Places, Running};

/// How long commands and queries may take to be answered after the start.
const LIMIT: Duration = Duration::from_secs(3_600);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Those of the domains, with all that is in them.
const DATABASES: [&str; 2] = ["flight", "passenger"];

/// Such a start.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ColdStart {
    pub(crate) events: u64,
    /// From the start of the program until a command is answered.
    pub(crate) commands_seconds: f64,
    /// Until a query is answered that covers that command, and so everything.
    pub(crate) queries_seconds: f64,
}

/// Stops the program, takes both away, and starts it.
pub(super) async fn measure(running: Running, places: &Places, events: u64) -> Result<(ColdStart, Running), Failure> {
    let folder = running.stop().await?;
    drop_databases(&folder).await?;
    let begin = Instant::now();
    let running = Running::start_on(folder, places).await?;
    let request = running.target.post(running.path, super::FLIGHT);
    let answer = until_answered(&running, &request).await?;
    let commands_seconds = begin.elapsed().as_secs_f64();
    let flights = answer.flights.ok_or_else(|| Failure::Answer("a flight without a position".to_owned()))?;
    let covering = running.target.clone().with_header("Jetbridge-Position", &format!("f{flights}"));
    until_answered(&running, &covering.get(&format!("{}?limit=1", running.path))).await?;
    let queries_seconds = begin.elapsed().as_secs_f64();
    running.processes.rest(REST_LIMIT).await?;
    Ok((ColdStart { events, commands_seconds, queries_seconds }, running))
}

/// Asks the same again and again until it succeeds.
async fn until_answered(running: &Running, request: &[u8]) -> Result<Answer, Failure> {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = running.target.ask(request).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        if Instant::now() > end {
            let why = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(Failure::Answer(format!("nothing is answered after a start within {LIMIT:?}: {why}")));
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// What the program has in its private PostgreSQL, which has to be stopped.
async fn drop_databases(folder: &Folder) -> Result<(), Failure> {
    let postgres = jetbridge_postgres::start(Config::new(folder.path().join("data/postgres"))).await?;
    let (client, connection) = postgres.config("postgres").connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    for database in DATABASES {
        client.batch_execute(&format!("DROP DATABASE {database}")).await?;
    }
    drop(client);
    connection.await.map_err(|_| Failure::Thread)??;
    postgres.stop().await.map_err(|error| Failure::Asked(error.to_string()))
}
