//! A read model that is made anew from all events, while nothing else happens or while it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::failure::Failure;
use crate::growth::LISTS;
use crate::load::{self, Load, Pace, Script};
use crate::statistics::figure;
use crate::system::Running;

const PATH: &str = "/api/admin/rebuild";
const FLIGHTS: &str = "flights";
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(3_600);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Connections over which queries are asked meanwhile.
const CONNECTIONS: usize = 8;

/// One rebuild.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rebuild {
    pub(crate) events: u64,
    /// From when it was asked for until it is shown.
    pub(super) seconds: f64,
    pub(crate) events_per_second: f64,
    /// Of the queries meanwhile, if there were any.
    pub(super) queries: Option<Queries>,
}

/// Queries of lists, in an open loop.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queries {
    pub(super) rate: f64,
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) p50_milliseconds: f64,
    pub(super) p99_milliseconds: f64,
}

/// What is read of the list of rebuilds.
#[derive(Deserialize)]
struct List {
    rebuilds: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    read_model: String,
    status: String,
    events: u64,
    reason: Option<String>,
}

/// While nothing else happens.
pub(super) async fn alone(running: &Running) -> Result<Rebuild, Failure> {
    let begin = Instant::now();
    let target = &running.target;
    let asked = target.ask(&target.post(PATH, &format!(r#"{{"readModel":"{FLIGHTS}"}}"#))).await?;
    if !asked.is_success() {
        let why = String::from_utf8_lossy(&asked.body).into_owned();
        return Err(Failure::Answer(format!("a rebuild was refused: {why}")));
    }
    let request = target.get(PATH);
    while begin.elapsed() < LIMIT {
        let answer = target.ask(&request).await?;
        let seconds = begin.elapsed().as_secs_f64();
        let list: List = serde_json::from_slice(&answer.body)?;
        let item = list.rebuilds.into_iter().find(|item| item.read_model == FLIGHTS);
        match item {
            Some(Item { status, events, .. }) if status == "done" => {
                let events_per_second = events as f64 / seconds;
                return Ok(Rebuild { events, seconds, events_per_second, queries: None });
            }
            Some(Item { status, reason, .. }) if status == "failed" => {
                return Err(Failure::Answer(format!("a rebuild has failed: {}", reason.unwrap_or_default())));
            }
            _ => sleep(LOOK_INTERVAL).await,
        }
    }
    Err(Failure::Answer(format!("a rebuild was not done within {LIMIT:?}")))
}

/// While lists and searches are asked for at this rate.
pub(super) async fn asked(running: &Running, rate: f64) -> Result<Rebuild, Failure> {
    let is_over = Arc::new(AtomicBool::new(false));
    // The last one reads the whole table.
    let kinds = &LISTS[..LISTS.len() - 1];
    let requests: Arc<[Vec<u8>]> =
        kinds.iter().map(|(_, parameters)| running.target.get(&format!("{}?{parameters}", running.path))).collect();
    let scripts = (0..CONNECTIONS).map(|number| {
        let (requests, is_over) = (Arc::clone(&requests), Arc::clone(&is_over));
        Box::new(Asking { requests, next: number, is_over }) as Box<dyn Script>
    });
    let load = Load { connections: CONNECTIONS, pace: Pace::Open(rate), duration: LIMIT };
    let (target, scripts) = (running.target.clone(), scripts.collect());
    let queries = tokio::spawn(async move { load::run(&target, load, scripts).await });
    let rebuild = alone(running).await;
    is_over.store(true, Ordering::Relaxed);
    let queries = queries.await.map_err(|_| Failure::Thread)??;
    let queries = Queries {
        rate,
        answered: queries.answered,
        refused: queries.refused.values().sum(),
        p50_milliseconds: queries.milliseconds(0.5),
        p99_milliseconds: queries.milliseconds(0.99),
    };
    Ok(Rebuild { queries: Some(queries), ..rebuild? })
}

/// Asks one list after another until it is over.
struct Asking {
    requests: Arc<[Vec<u8>]>,
    next: usize,
    is_over: Arc<AtomicBool>,
}

impl Script for Asking {
    fn next(&mut self) -> Option<&[u8]> {
        if self.is_over.load(Ordering::Relaxed) {
            return None;
        }
        self.next += 1;
        self.requests.get(self.next % self.requests.len()).map(Vec::as_slice)
    }
}

/// For people.
pub(super) fn table(rebuilds: &[Rebuild]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["rebuild of", "seconds", "events/s", "queries/s meanwhile", "p50 ms", "p99 ms", "refused"]);
    for rebuild in rebuilds {
        let of =
            |value: fn(&Queries) -> f64| rebuild.queries.as_ref().map_or_else(String::new, |all| figure(value(all)));
        table.add_row([
            figure(rebuild.events as f64),
            figure(rebuild.seconds),
            figure(rebuild.events_per_second),
            of(|queries| queries.rate),
            of(|queries| queries.p50_milliseconds),
            of(|queries| queries.p99_milliseconds),
            of(|queries| queries.refused as f64),
        ]);
    }
    table.to_string()
}
