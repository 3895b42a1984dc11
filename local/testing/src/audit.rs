//! Entries of the audit log.

use serde::Deserialize;
use serde_json::Value;

/// How the correlation id begins of commands that are to be found in the audit log.
pub(crate) const KNOWN_BY: &str = "known by ";

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Its stream, as the audit log calls it.
    pub stream: String,
    /// Its number in the stream.
    pub event_number: u64,
    /// Its identifier.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// When the event store took it in.
    pub created: String,
    /// What has happened.
    pub data: Value,
    /// Where it comes from.
    pub metadata: Value,
    /// Where a query has to be to cover it.
    pub position: String,
}

impl Entry {
    /// The flight that it is about.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn flight(&self) -> &str {
        self.data["flightId"].as_str().expect("a flightId in every event")
    }

    /// The passenger that it is about, if it is about one.
    pub fn passenger(&self) -> Option<&str> {
        self.data["passengerId"].as_str()
    }

    /// What the command that it comes from is known by, if that was sent with it: see
    /// [`Call::known_by`](crate::Call::known_by). What the command has set off elsewhere is not meant, but the last step
    /// of a departure is, whoever has taken it.
    pub fn key(&self) -> Option<&str> {
        let is_own = self.metadata["$causationId"] == self.metadata["commandId"];
        let known_by = self.metadata["$correlationId"].as_str()?.strip_prefix(KNOWN_BY)?;
        (is_own || self.event_type == "FlightDisembarked").then_some(known_by)
    }
}
