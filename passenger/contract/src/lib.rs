//! What the rest of Jetbridge knows of the passenger domain: its description, its identifiers, its problems, and the
//! words in which other domains ask it.
//!
//! Without a transport: `passenger-rpc` carries these words.

pub mod problem_type;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared_kernel::{Described, Domain, ProblemType, PublicKey, Revision, Schema, Stream, names_schema};

/// The stream that holds every event of the passenger domain.
pub const STREAM: Stream = Stream::new("passenger-stream", "p");

/// The passenger domain: passengers, and the manifests that they are on.
pub const DOMAIN: &Domain = &Domain {
    name: "passenger",
    stream: STREAM,
    collections: &["passengers", "manifests"],
    id_field: "passengerId",
    calls: &["flight"],
    problem_types: problem_type::ALL,
    api_port: 8082,
    processor_port: 8092,
};

shared_kernel::id! {
    /// Identifies a passenger on one flight. New ones are UUIDv7, so they sort by creation time.
    PassengerId
}

impl PublicKey for PassengerId {
    const NOT_FOUND: &'static ProblemType = problem_type::PASSENGER_NOT_FOUND;
}

/// What became of a request to seal a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "answer")]
pub enum SealAnswer {
    /// It is sealed: everybody has boarded, and nobody can be added any more.
    Sealed {
        /// The newest event of the passenger stream that a position has to cover to see it.
        revision: Option<Revision>,
        /// Whether it was open until this request.
        #[serde(default = "yes")]
        newly: bool,
    },
    /// Somebody has not boarded, or nobody is on board.
    NotAllBoarded {
        /// How many have not boarded; zero if nobody is on board and nobody is missing.
        missing: u64,
        /// The first of those who have not boarded, at most [`MAX_MISSING_NAMED`].
        passengers: Vec<MissingPassenger>,
        /// The newest event of the passenger stream that was taken into account.
        revision: Option<Revision>,
    },
    /// The flight's end has closed it.
    Closed,
}

impl Described for SealAnswer {
    fn schema() -> Schema {
        let (is, revision) = (|answer: &str| json!({"const": answer}), Option::<Revision>::schema());
        json!({
            "title": "SealAnswer",
            "oneOf": [
                {
                    "properties": {"answer": is("sealed"), "revision": revision, "newly": bool::schema()},
                    "required": ["answer", "revision"],
                },
                {
                    "properties": {
                        "answer": is("notAllBoarded"),
                        "missing": u64::schema(),
                        "passengers": Vec::<MissingPassenger>::schema(),
                        "revision": revision,
                    },
                    "required": ["answer", "missing", "passengers", "revision"],
                },
                {"properties": {"answer": is("closed")}, "required": ["answer"]},
            ],
        })
    }
}

/// For services from before the answer said so: they left open whose seal it is.
const fn yes() -> bool {
    true
}

/// How many missing passengers are named at most.
pub const MAX_MISSING_NAMED: usize = 50;

/// A passenger who has not boarded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingPassenger {
    /// Who.
    pub id: PassengerId,
    /// Personal data: for the answer to a person, not for a log.
    pub name: String,
}

impl std::fmt::Debug for MissingPassenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MissingPassenger").field("id", &self.id).finish_non_exhaustive()
    }
}

shared_kernel::described! {
    MissingPassenger as "MissingPassenger", "A passenger who has not boarded" {
        "id": PassengerId = _,
        "name": String = "Ada Lovelace",
    }
}

/// How a flight ended, for its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlightEnding {
    /// It landed: those on board have arrived.
    Landed,
    /// It was deleted: all of its passengers are removed.
    Deleted,
}

impl FlightEnding {
    /// The ending as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::Deleted => "deleted",
        }
    }
}

impl Described for FlightEnding {
    fn schema() -> Schema {
        names_schema(&[Self::Landed.as_str(), Self::Deleted.as_str()])
    }
}
