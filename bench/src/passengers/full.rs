//! A full flight that lands, and one that is deleted.

use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::{LIMIT, add, board, flights};
use crate::failure::Failure;
use crate::http::Connection;
use crate::processes;
use crate::statistics::figure;
use crate::system::Running;

/// The commands.
pub(crate) const LAND: &str = "land";
pub(crate) const DELETE: &str = "delete";
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// What one command set off, for all passengers of a flight.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reaction {
    pub(super) name: String,
    pub(super) passengers: u64,
    /// Until the command was answered.
    answer_milliseconds: f64,
    /// From when it was sent until queries show it of all of them.
    pub(super) all_milliseconds: f64,
    /// Of the processor, until there was nothing left to do.
    cpu_microseconds_each: f64,
}

pub(super) async fn measure(running: &Running, connections: usize, number: u64) -> Result<Vec<Reaction>, Failure> {
    let landed = full_flight(running, connections, number).await?;
    depart(running, landed).await?;
    let target = &running.target;
    let request = target.bare("POST", &format!("/api/flights/{landed}/land"));
    let land = reaction(running, LAND, number, &request, &format!("flightId={landed}&status=boarded")).await?;
    let deleted = full_flight(running, connections, number).await?;
    let request = target.bare("DELETE", &format!("/api/flights/{deleted}"));
    let delete = reaction(running, DELETE, number, &request, &format!("flightId={deleted}")).await?;
    Ok(vec![land, delete])
}

/// Everybody has boarded it.
async fn full_flight(running: &Running, connections: usize, number: u64) -> Result<Uuid, Failure> {
    let flights = flights(running, 1).await?;
    let flight = *flights.first().ok_or_else(|| Failure::Answer("a flight without an id".to_owned()))?;
    let added = add(running, connections, LIMIT, number, flights).await?.whole()?;
    board(running, connections, LIMIT, added.ids).await?.whole()?;
    running.processes.rest(LIMIT).await?;
    Ok(flight)
}

/// Asks until the flight knows that all have boarded.
async fn depart(running: &Running, flight: Uuid) -> Result<(), Failure> {
    let request = running.target.bare("POST", &format!("/api/flights/{flight}/disembark"));
    let end = Instant::now() + LIMIT;
    loop {
        let answer = running.target.ask(&request).await?;
        if answer.is_success() {
            running.processes.rest(LIMIT).await?;
            return Ok(());
        }
        if Instant::now() > end {
            let why = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(Failure::Answer(format!("a flight that does not depart: {why}")));
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// Sends a command, and asks for passengers with this query until there are none.
async fn reaction(
    running: &Running,
    name: &str,
    passengers: u64,
    request: &[u8],
    left: &str,
) -> Result<Reaction, Failure> {
    let target = &running.target;
    let query = target.get(&format!("/api/passengers?limit=1&{left}"));
    let mut connection = Connection::open(target.address).await?;
    if is_empty(&mut connection, &query).await? {
        return Err(Failure::Answer(format!("no passengers to {name}")));
    }
    let before = running.processes.times()?;
    let begin = Instant::now();
    let answer = connection.exchange(request).await?;
    let answered = begin.elapsed();
    if !answer.is_success() {
        let why = String::from_utf8_lossy(&answer.body).into_owned();
        return Err(Failure::Answer(format!("{name} was refused: {why}")));
    }
    while !is_empty(&mut connection, &query).await? {
        if begin.elapsed() > LIMIT {
            return Err(Failure::Answer(format!("{name} has not come to all passengers within {LIMIT:?}")));
        }
        sleep(LOOK_INTERVAL).await;
    }
    let all = begin.elapsed();
    running.processes.rest(LIMIT).await?;
    let spent = processes::total(&processes::since(&before, &running.processes.times()?));
    Ok(Reaction {
        name: name.to_owned(),
        passengers,
        answer_milliseconds: answered.as_secs_f64() * 1e3,
        all_milliseconds: all.as_secs_f64() * 1e3,
        cpu_microseconds_each: spent.as_secs_f64() * 1e6 / passengers as f64,
    })
}

/// What is read of a list.
#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
}

async fn is_empty(connection: &mut Connection, query: &[u8]) -> Result<bool, Failure> {
    let answer = connection.exchange(query).await?;
    let list: List = serde_json::from_slice(&answer.body)?;
    Ok(list.items.is_empty())
}

/// For people.
pub(super) fn table(reactions: &[Reaction]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["command", "passengers", "answer ms", "all ms", "CPU µs each passenger"]);
    for reaction in reactions {
        table.add_row([
            reaction.name.clone(),
            figure(reaction.passengers as f64),
            figure(reaction.answer_milliseconds),
            figure(reaction.all_milliseconds),
            figure(reaction.cpu_microseconds_each),
        ]);
    }
    table.to_string()
}
