//! Queries whose answers should cost the same however much there is.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Latency;
use crate::failure::Failure;
use crate::http::Target;
use crate::load::{self, Again, Load, Pace, Script};

/// How long the queries of one kind may take.
const LIMIT: Duration = Duration::from_secs(600);
/// The poll of the audit log when nothing has happened.
pub(crate) const POLL: &str = "audit poll without news";

/// Lists and searches; what finds nothing among them. The last reads the whole table.
pub(crate) const LISTS: [(&str, &str); 6] = [
    ("list, oldest first", "limit=50"),
    ("list, newest first", "limit=50&order=newestFirst"),
    ("list, status without flights", "limit=50&status=arrived"),
    ("search, found", "limit=50&text=JB99"),
    ("search, nothing found", "limit=50&text=Wqxz"),
    ("search, two letters, nothing", "limit=50&text=qz"),
];

pub(super) async fn measure(target: &Target, times: u32) -> Result<BTreeMap<String, Latency>, Failure> {
    let mut measured = BTreeMap::new();
    for (name, parameters) in LISTS {
        let request = target.get(&format!("/api/flights?{parameters}"));
        measured.insert(name.to_owned(), latency(target, request, times).await?);
    }
    let cursor = end_of_the_log(target).await?;
    let request = target.get(&format!("/api/auditlog/all?after={cursor}"));
    measured.insert(POLL.to_owned(), latency(target, request, times).await?);
    Ok(measured)
}

async fn latency(target: &Target, request: Vec<u8>, times: u32) -> Result<Latency, Failure> {
    let script = Limited { script: Again(request.into()), left: times };
    let load = Load { connections: 1, pace: Pace::Closed, duration: LIMIT };
    let measured = load::run(target, load, vec![Box::new(script)]).await?;
    if measured.failed() > 0 {
        return Err(Failure::Answer(format!("a query was refused: {:?}", measured.refused)));
    }
    Ok(Latency { p50_milliseconds: measured.milliseconds(0.5), p99_milliseconds: measured.milliseconds(0.99) })
}

/// The cursor after everything: that of a page of what was recorded from now on.
async fn end_of_the_log(target: &Target) -> Result<String, Failure> {
    let answer = target.ask(&target.get(&format!("/api/auditlog/all?from={}", Timestamp::now()))).await?;
    let page: Value = serde_json::from_slice(&answer.body)?;
    let next = page["next"].as_str().map(str::to_owned);
    next.ok_or_else(|| Failure::Answer(format!("the audit log has answered {} without a cursor", answer.status)))
}

/// A script that ends after so many requests.
struct Limited {
    script: Again,
    left: u32,
}

impl Script for Limited {
    fn next(&mut self) -> Option<&[u8]> {
        self.left = self.left.checked_sub(1)?;
        self.script.next()
    }
}
