//! Changes: that something has happened, without what and by whom.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use shared_kernel::{Position, Stream};

use crate::facets::Facets;

/// That one event has happened: what somebody needs to know who shows things and has to read them again.
pub(crate) struct Change<'a> {
    stream: Stream,
    event_type: &'a str,
    time: Timestamp,
    /// What it is about.
    facets: &'a Facets,
    /// A query that covers it covers this event.
    position: Position,
}

impl<'a> Change<'a> {
    pub(crate) fn new(stream: Stream, facets: &'a Facets, position: Position) -> Self {
        Self { stream, event_type: &facets.event_type, time: facets.created, facets, position }
    }
}

impl Serialize for Change<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("stream", self.stream.name)?;
        fields.serialize_entry("type", self.event_type)?;
        fields.serialize_entry("time", &self.time)?;
        fields.serialize_entry("position", &self.position)?;
        for (field, thing) in self.facets.named_things() {
            fields.serialize_entry(field, &thing)?;
        }
        fields.end()
    }
}
