//! What may be done with bags, what has happened then, and how they stand after that.

use std::convert::Infallible;

use flight_contract::FlightId;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use shared_kernel::{Decider, Revision};
use uuid::Uuid;

use crate::contract::BagId;

shared_kernel::events! {
    /// What has happened to a bag.
    pub enum BagEvent about BagId, keyed by bag_id: BagId = "bagId";

    /// A bag was checked in for a flight.
    CheckedIn(BagCheckedIn), version 1, about bag_id {
        /// Which bag.
        bag_id: BagId,
        /// The flight.
        flight_id: FlightId,
    }

    /// A bag did not make it onto its flight.
    LeftBehind(BagLeftBehind), version 1, about bag_id {
        /// Which bag.
        bag_id: BagId,
    }
}

/// What can be asked of the domain.
pub enum BagCommand {
    CheckIn { bag_id: BagId, flight_id: FlightId },
    LeaveBehind { bag_id: BagId },
}

/// A bag.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bag {
    pub(crate) id: BagId,
    pub(crate) flight_id: FlightId,
    pub(crate) status: BagStatus,
    pub(crate) version: Revision,
}

shared_kernel::described! {
    Bag as "Bag", "A bag" { "id": BagId = _, "flightId": FlightId = _, "status": BagStatus = _, "version": u64 = 1, }
}

shared_kernel::named! {
    /// How far a bag has come.
    pub enum BagStatus {
        CheckedIn = "checkedIn",
        LeftBehind = "leftBehind",
    }
}

/// The rules of bags.
pub struct Bags;

impl Decider for Bags {
    type State = OrdMap<BagId, Bag>;
    type Command = BagCommand;
    type Event = BagEvent;
    type Rejection = Infallible;
    type Subject = BagId;
    type Outcome = Option<Bag>;

    const STATE_VERSION: u32 = 1;

    fn decide(bags: &Self::State, command: &BagCommand) -> Result<Vec<BagEvent>, Infallible> {
        let is_checked_in = |id| bags.get(id).is_some_and(|bag| bag.status == BagStatus::CheckedIn);
        Ok(match *command {
            BagCommand::CheckIn { bag_id, flight_id } if !bags.contains_key(&bag_id) => {
                vec![BagEvent::CheckedIn(BagCheckedIn { bag_id, flight_id })]
            }
            BagCommand::LeaveBehind { bag_id } if is_checked_in(&bag_id) => {
                vec![BagEvent::LeftBehind(BagLeftBehind { bag_id })]
            }
            // It is so already.
            BagCommand::CheckIn { .. } | BagCommand::LeaveBehind { .. } => Vec::new(),
        })
    }

    fn concerns(_: &Self::State, command: &BagCommand) -> Vec<Uuid> {
        vec![Self::subject(command).uuid()]
    }

    fn evolve(bags: &mut Self::State, event: &BagEvent, revision: Revision) {
        match event {
            BagEvent::CheckedIn(BagCheckedIn { bag_id, flight_id }) => {
                let status = BagStatus::CheckedIn;
                bags.insert(*bag_id, Bag { id: *bag_id, flight_id: *flight_id, status, version: revision });
            }
            BagEvent::LeftBehind(BagLeftBehind { bag_id }) => {
                let left = |bag: &mut Bag| (bag.status, bag.version) = (BagStatus::LeftBehind, revision);
                bags.get_mut(bag_id).map(left);
            }
        }
    }

    fn subject(command: &BagCommand) -> BagId {
        match command {
            BagCommand::CheckIn { bag_id, .. } | BagCommand::LeaveBehind { bag_id } => *bag_id,
        }
    }

    fn subject_of_event(event: &BagEvent) -> BagId {
        event.subject()
    }

    fn outcome(bags: &Self::State, bag_id: &BagId) -> Option<Bag> {
        bags.get(bag_id).cloned()
    }
}
