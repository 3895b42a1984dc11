//! What the audit log tells, and what it means: folded here independently of the services, with every rule of the two
//! domains checked at every position.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jetbridge_testing::eventually;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::Api;
use crate::system::LIMIT;

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) stream: String,
    pub(crate) event_number: u64,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) created: String,
    pub(crate) data: Value,
    pub(crate) metadata: Value,
    pub(crate) position: String,
}

impl Entry {
    pub(crate) fn flight(&self) -> &str {
        self.data["flightId"].as_str().expect("a flightId in every event")
    }

    pub(crate) fn passenger(&self) -> Option<&str> {
        self.data["passengerId"].as_str()
    }

    /// The idempotency key of the command that it comes from.
    pub(crate) fn key(&self) -> Option<&str> {
        self.metadata["idempotencyKey"].as_str()
    }
}

/// The whole audit log, in the order in which it happened, and its position.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    pub(crate) position: String,
}

impl History {
    pub(crate) async fn read(api: &Api) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut after = String::new();
        loop {
            let page = api.get(&format!("/api/auditlog/all?limit=1000{after}")).send().await.expect(StatusCode::OK);
            let items: Vec<Entry> = serde_json::from_value(page.body["items"].clone()).expect("entries");
            if items.is_empty() {
                return Self { entries, position: page.position() };
            }
            entries.extend(items);
            after = format!("&after={}", page.body["next"].as_str().expect("a cursor"));
        }
    }

    /// What happened to this flight and its passengers.
    pub(crate) fn of_flight(&self, flight: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.flight() == flight).collect()
    }

    /// What came of the commands with this idempotency key.
    pub(crate) fn with_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.key() == Some(key))
    }

    /// What is so now. Fails if a rule was broken on the way.
    pub(crate) fn fold(&self) -> World {
        let mut world = World::default();
        let mut next = BTreeMap::from([("flight-stream", 0), ("passenger-stream", 0)]);
        let mut ids = HashSet::new();
        for entry in &self.entries {
            let number = next.get_mut(entry.stream.as_str()).expect("a stream of the two domains");
            assert_eq!(entry.event_number, *number, "{} has a gap", entry.stream);
            *number += 1;
            assert!(ids.insert(&entry.event_id), "twice: {entry:?}");
            if let Err(broken) = world.apply(entry) {
                let story: Vec<_> = self
                    .of_flight(entry.flight())
                    .into_iter()
                    .map(|entry| format!("{} {} {} {}", entry.stream, entry.event_number, entry.event_type, entry.data))
                    .collect();
                panic!("{broken}: at {} {}:\n{}", entry.stream, entry.event_number, story.join("\n"));
            }
        }
        world
    }

    /// The audit log once all reactions have been carried out.
    pub(crate) async fn settled(api: &Api) -> (Self, World) {
        Self::once(api, World::unfinished).await
    }

    /// The audit log once all reactions to what happened to this flight have been carried out.
    pub(crate) async fn settled_for(api: &Api, flight: &str) -> (Self, World) {
        Self::once(api, |world| world.unfinished_of(flight)).await
    }

    async fn once(api: &Api, unfinished: impl Fn(&World) -> Option<String>) -> (Self, World) {
        eventually("all reactions are carried out", LIMIT, async || {
            let history = Self::read(api).await;
            let world = history.fold();
            match unfinished(&world) {
                None => Ok((history, world)),
                Some(unfinished) => Err(unfinished),
            }
        })
        .await
    }
}

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
    fn apply(&mut self, entry: &Entry) -> Checked {
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
    fn unfinished(&self) -> Option<String> {
        self.flights.keys().chain(&self.deleted).find_map(|id| self.unfinished_of(id))
    }

    fn unfinished_of(&self, id: &str) -> Option<String> {
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
