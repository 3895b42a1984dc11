//! Flights, passengers and manifests as the audit log tells them, and every rule of the two domains.

use std::collections::{BTreeMap, BTreeSet};

use jetbridge_testing::{Api, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Entry;
use crate::system::LIMIT;

#[derive(Debug)]
struct Flight {
    details: Value,
    status: &'static str,
    version: u64,
}

#[derive(Debug)]
struct Passenger {
    flight: String,
    name: String,
    status: &'static str,
    version: u64,
}

#[derive(Debug, Default)]
struct Manifest {
    sealed: bool,
    ending: Option<String>,
    version: u64,
    passengers: BTreeSet<String>,
}

impl Manifest {
    fn state(&self) -> &'static str {
        match (self.sealed, &self.ending) {
            (_, Some(_)) => "closed",
            (true, None) => "sealed",
            (false, None) => "open",
        }
    }
}

/// Flights, passengers and manifests.
#[derive(Debug, Default)]
pub(crate) struct World {
    flights: BTreeMap<String, Flight>,
    deleted: BTreeSet<String>,
    passengers: BTreeMap<String, Passenger>,
    manifests: BTreeMap<String, Manifest>,
}

/// A rule that was broken.
type Checked = Result<(), String>;

fn must(holds: bool, rule: &str) -> Checked {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

impl World {
    /// Takes in what has happened next, unless a rule is broken by it.
    pub(super) fn apply(&mut self, entry: &Entry) -> Checked {
        match (entry.stream.as_str(), entry.passenger()) {
            ("flight-stream", None) => self.apply_to_flight(entry),
            ("passenger-stream", Some(passenger)) => self.apply_to_passenger(entry, passenger),
            ("passenger-stream", None) => self.apply_to_manifest(entry),
            _ => Err("an event is in a stream where it does not belong".to_owned()),
        }
    }

    fn apply_to_flight(&mut self, entry: &Entry) -> Checked {
        let id = entry.flight().to_owned();
        must(!self.deleted.contains(&id), "a deleted flight stays deleted")?;
        if entry.event_type == "FlightCreated" {
            must(!self.flights.contains_key(&id), "a flight is created once")?;
            let flight =
                Flight { details: entry.data.clone(), status: "waitingForBoarding", version: entry.event_number };
            self.flights.insert(id, flight);
            return Ok(());
        }
        let counts = self.counts(&id);
        let sealed = self.manifests.get(&id).is_some_and(|manifest| manifest.sealed && manifest.ending.is_none());
        let flight = self.flights.get_mut(&id).ok_or("only flights that exist change")?;
        let at_gate = matches!(flight.status, "waitingForBoarding" | "allBoarded");
        flight.version = entry.event_number;
        match entry.event_type.as_str() {
            "FlightDetailsCorrected" => {
                flight.details = entry.data.clone();
                must(at_gate, "details are corrected at the gate")
            }
            "FlightAllBoarded" => {
                flight.status = "allBoarded";
                must(at_gate, "boarding is at the gate")
            }
            "FlightBoardingReopened" => {
                flight.status = "waitingForBoarding";
                must(at_gate, "boarding is at the gate")
            }
            "FlightDisembarked" => {
                flight.status = "disembarked";
                must(at_gate, "a flight departs once")?;
                must(counts["checkedIn"] == 0 && counts["boarded"] > 0, "a flight departs when all have boarded")?;
                must(sealed, "a flight departs with a sealed manifest")
            }
            "FlightLanded" => {
                let departed = flight.status == "disembarked";
                flight.status = "arrived";
                must(departed, "a flight lands once, after it departed")
            }
            "FlightDeleted" => {
                let in_the_air = flight.status == "disembarked";
                self.flights.remove(&id);
                self.deleted.insert(id);
                must(!in_the_air, "a flight in the air is not deleted")
            }
            other => Err(format!("{other} is not an event of flights")),
        }
    }

    fn apply_to_passenger(&mut self, entry: &Entry, id: &str) -> Checked {
        let manifest = self.manifests.entry(entry.flight().to_owned()).or_default();
        manifest.version = entry.event_number;
        let (state, ending) = (manifest.state(), manifest.ending.as_deref());
        if entry.event_type == "PassengerCheckedIn" {
            must(state == "open", "passengers are added to open manifests")?;
            manifest.passengers.insert(id.to_owned());
            let added = Passenger {
                flight: entry.flight().to_owned(),
                name: entry.data["name"].as_str().ok_or("a passenger has a name")?.to_owned(),
                status: "checkedIn",
                version: entry.event_number,
            };
            return must(self.passengers.insert(id.to_owned(), added).is_none(), "a passenger is added once");
        }
        let passenger = self.passengers.get_mut(id).ok_or("only passengers that exist change")?;
        must(passenger.flight == entry.flight(), "a passenger stays with the flight")?;
        passenger.version = entry.event_number;
        let before = passenger.status;
        match entry.event_type.as_str() {
            "PassengerNameCorrected" => {
                passenger.name = entry.data["name"].as_str().ok_or("a passenger has a name")?.to_owned();
                must(state == "open", "names are corrected on open manifests")
            }
            "PassengerBoarded" => {
                passenger.status = "boarded";
                must(state == "open", "passengers board on open manifests")?;
                must(before == "checkedIn", "who boards was checked in")
            }
            "PassengerOffloaded" => {
                passenger.status = "offloaded";
                must(state == "open", "passengers are offloaded from open manifests")?;
                must(matches!(before, "checkedIn" | "boarded"), "who is offloaded was checked in or boarded")?;
                must(entry.data["reason"].is_string(), "there is a reason for offloading")
            }
            "PassengerArrived" => {
                passenger.status = "arrived";
                must(before == "boarded", "who arrives was on board")?;
                must(ending == Some("landed"), "passengers arrive when their flight has landed")
            }
            "PassengerRemoved" => {
                self.passengers.remove(id);
                manifest.passengers.remove(id);
                must(ending == Some("deleted"), "passengers are removed when their flight was deleted")
            }
            other => Err(format!("{other} is not an event of passengers")),
        }
    }

    fn apply_to_manifest(&mut self, entry: &Entry) -> Checked {
        let counts = self.counts(entry.flight());
        let complete = counts["checkedIn"] == 0 && counts["boarded"] > 0;
        let deleted = self.deleted.contains(entry.flight());
        let landed = self.flights.get(entry.flight()).is_some_and(|flight| flight.status == "arrived");
        let manifest = self.manifests.entry(entry.flight().to_owned()).or_default();
        manifest.version = entry.event_number;
        let state = manifest.state();
        match entry.event_type.as_str() {
            "ManifestCompleted" => {
                must(complete, "a complete manifest has boarded passengers only")?;
                must(entry.data["boarded"] == counts["boarded"], "the number of those on board is right")?;
                must(state == "open", "only an open manifest becomes complete")
            }
            "ManifestReopened" => {
                must(!complete, "a reopened manifest is not complete")?;
                must(entry.data["missing"] == counts["checkedIn"], "the number of those missing is right")?;
                must(state == "open", "only an open manifest is reopened")
            }
            "ManifestSealed" => {
                manifest.sealed = true;
                must(complete, "a manifest is sealed when all have boarded")?;
                must(state == "open", "a manifest is sealed once")
            }
            "ManifestClosed" => {
                let ending = entry.data["ending"].as_str().ok_or("a closed manifest has an ending")?;
                let closed_before = manifest.ending.replace(ending.to_owned());
                match ending {
                    "landed" => {
                        must(landed || deleted, "a manifest is closed when its flight has landed")?;
                        must(state == "sealed", "only sealed manifests land")
                    }
                    "deleted" => {
                        must(deleted, "a manifest is closed when its flight was deleted")?;
                        must(closed_before.as_deref() != Some("deleted"), "a manifest is closed once")
                    }
                    other => Err(format!("{other} is not an ending")),
                }
            }
            other => Err(format!("{other} is not an event of manifests")),
        }
    }

    fn counts(&self, flight: &str) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::from([("checkedIn", 0), ("boarded", 0), ("arrived", 0), ("offloaded", 0)]);
        let passengers = self.manifests.get(flight).map(|manifest| &manifest.passengers);
        for id in passengers.into_iter().flatten() {
            *counts.get_mut(self.passengers[id].status).expect("a status") += 1;
        }
        counts
    }

    /// What the reactions still have to do.
    pub(super) fn unfinished(&self) -> Option<String> {
        self.flights.keys().chain(&self.deleted).find_map(|id| self.unfinished_of(id))
    }

    /// The same for one flight.
    pub(super) fn unfinished_of(&self, id: &str) -> Option<String> {
        let manifest = self.manifests.get(id);
        let state = manifest.map_or("open", Manifest::state);
        let ending = manifest.and_then(|manifest| manifest.ending.as_deref());
        let counts = self.counts(id);
        let all_boarded = counts["checkedIn"] == 0 && counts["boarded"] > 0;
        let status = self.flights.get(id).map_or("deleted", |flight| flight.status);
        let is_right = match status {
            "waitingForBoarding" => state == "open" && !all_boarded,
            "allBoarded" => state == "open" && all_boarded,
            "disembarked" => state == "sealed",
            "arrived" => ending == Some("landed") && counts["boarded"] == 0,
            _ => ending == Some("deleted") && counts.values().all(|count| *count == 0),
        };
        (!is_right).then(|| format!("flight {id} is {status}, its manifest {state} with {counts:?}"))
    }

    /// Compares with what queries answer, page by page and one by one.
    pub(crate) async fn assert_shown(&self, api: &Api, position: &str) {
        eventually("the read model has caught up", LIMIT, async || {
            let answers = [api.get("/api/flights").position(position).send().await, {
                api.get("/api/passengers").position(position).send().await
            }];
            match answers.iter().find(|answer| answer.status != StatusCode::OK) {
                Some(answer) => Err(answer.clone().expect_problem(503, "not-yet").text),
                None => Ok(()),
            }
        })
        .await;
        assert_eq!(api.walk("/api/flights", 97, position).await, self.flights_shown());
        assert_eq!(api.walk("/api/passengers", 997, position).await, self.passengers_shown());
        assert_eq!(api.walk("/api/manifests", 53, position).await, self.manifests_shown());
    }

    fn flights_shown(&self) -> Vec<Value> {
        let show = |(id, flight): (&String, &Flight)| {
            let mut shown = flight.details.clone();
            let fields = shown.as_object_mut().expect("an object");
            fields.remove("flightId");
            fields.insert("id".to_owned(), json!(id));
            fields.insert("status".to_owned(), json!(flight.status));
            shown
        };
        self.flights.iter().map(show).collect()
    }

    fn passengers_shown(&self) -> Vec<Value> {
        let show = |(id, passenger): (&String, &Passenger)| json!({"id": id, "flightId": passenger.flight, "name": passenger.name, "status": passenger.status});
        self.passengers.iter().map(show).collect()
    }

    fn manifests_shown(&self) -> Vec<Value> {
        let is_shown = |manifest: &Manifest| manifest.ending.as_deref() != Some("deleted");
        let show = |(flight, manifest): (&String, &Manifest)| {
            let missing = manifest.passengers.iter().filter(|id| self.passengers[*id].status == "checkedIn").take(50);
            let missing: Vec<_> = missing.map(|id| json!({"id": id, "name": self.passengers[id].name})).collect();
            json!({
                "flightId": flight, "state": manifest.state(), "counts": self.counts(flight), "missing": missing,
            })
        };
        self.manifests.iter().filter(|(_, manifest)| is_shown(manifest)).map(show).collect()
    }

    /// The ETag that this flight has.
    pub(crate) fn flight_etag(&self, id: &str) -> String {
        format!("\"{}\"", self.flights[id].version)
    }

    /// The ETag that this passenger has.
    pub(crate) fn passenger_etag(&self, id: &str) -> String {
        format!("\"{}\"", self.passengers[id].version)
    }

    /// The ETag that this flight's manifest has.
    pub(crate) fn manifest_etag(&self, flight: &str) -> String {
        format!("\"{}\"", self.manifests[flight].version)
    }
}
