//! Commands of the two domains, and what they are about.

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Api, Call};

/// The details of some flight.
pub fn flight_details() -> Value {
    json!({"flightNumber": "JB 101", "origin": "HAM", "destination": "Oslo", "scheduledDeparture": null})
}

/// A text that no other test uses.
pub fn unique() -> String {
    Uuid::new_v4().simple().to_string()
}

/// An identifier that nothing has.
pub fn unknown_id() -> String {
    Uuid::now_v7().to_string()
}

impl Api {
    /// Creates a flight with [some details](flight_details).
    pub fn create_flight(&self) -> Call {
        self.post("/api/flights").json(&flight_details())
    }

    /// Adds a passenger to a flight.
    pub fn add(&self, flight: &str, name: &str) -> Call {
        self.post("/api/passengers").json(&json!({"flightId": flight, "name": name}))
    }

    /// Boards a passenger.
    pub fn board(&self, passenger: &str) -> Call {
        self.post(&format!("/api/passengers/{passenger}/board"))
    }

    /// Takes a passenger off the flight.
    pub fn offload(&self, passenger: &str) -> Call {
        self.post(&format!("/api/passengers/{passenger}/offload")).json(&json!({"reason": "no-show"}))
    }

    /// Corrects a passenger's name.
    pub fn rename(&self, passenger: &str, name: &str) -> Call {
        self.put(&format!("/api/passengers/{passenger}")).json(&json!({"name": name}))
    }

    /// Lets a flight leave the gate.
    pub fn disembark(&self, flight: &str) -> Call {
        self.post(&format!("/api/flights/{flight}/disembark"))
    }

    /// Lands a flight.
    pub fn land(&self, flight: &str) -> Call {
        self.post(&format!("/api/flights/{flight}/land"))
    }

    /// Deletes a flight.
    pub fn delete_flight(&self, flight: &str) -> Call {
        self.delete(&format!("/api/flights/{flight}"))
    }

    /// A flight at the gate, without passengers.
    ///
    /// # Panics
    ///
    /// When it cannot be created.
    pub async fn new_flight(&self) -> String {
        self.create_flight().send().await.expect(StatusCode::CREATED).id()
    }

    /// A passenger who is checked in on this flight.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    pub async fn new_passenger(&self, flight: &str) -> String {
        self.add(flight, "Ada Lovelace").send().await.expect(StatusCode::CREATED).id()
    }

    /// A passenger who has boarded this flight.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    pub async fn new_boarded(&self, flight: &str) -> String {
        let passenger = self.new_passenger(flight).await;
        self.board(&passenger).send().await.expect(StatusCode::OK);
        passenger
    }

    /// A flight that has left the gate, and its passenger.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    pub async fn new_departed(&self) -> (String, String) {
        let flight = self.new_flight().await;
        let passenger = self.new_boarded(&flight).await;
        self.disembark(&flight).send().await.expect(StatusCode::OK);
        (flight, passenger)
    }

    /// A flight that has landed, and its passenger.
    ///
    /// # Panics
    ///
    /// When that cannot be done.
    pub async fn new_landed(&self) -> (String, String) {
        let (flight, passenger) = self.new_departed().await;
        self.land(&flight).send().await.expect(StatusCode::OK);
        (flight, passenger)
    }
}
