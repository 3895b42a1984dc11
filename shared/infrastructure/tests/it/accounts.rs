//! A domain for tests: accounts that are never overdrawn.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use shared_kernel::{Decider, DomainEvent, Revision, UndecodableEvent, decode_json};
use uuid::Uuid;

pub(crate) const STREAM: &str = "account-stream";

#[derive(Debug, Clone)]
pub(crate) struct Accounts;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balances(OrdMap<Uuid, i64>);

impl Balances {
    pub(crate) fn of(&self, account: Uuid) -> i64 {
        self.0.get(&account).copied().unwrap_or_default()
    }

    pub(crate) fn lowest(&self) -> i64 {
        self.0.values().copied().min().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    /// Of zero: changes nothing.
    Deposit { account: Uuid, amount: i64 },
    /// Of all there is: two events.
    Withdraw { account: Uuid, amount: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Movement {
    pub(crate) account: Uuid,
    pub(crate) amount: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Deposited(Movement),
    Withdrawn(Movement),
    Emptied(Movement),
}

impl Event {
    pub(crate) fn deposited(account: Uuid, amount: i64) -> Self {
        Self::Deposited(Movement { account, amount })
    }

    pub(crate) fn account(&self) -> Uuid {
        self.movement().account
    }

    /// What it adds to the balance.
    pub(crate) fn change(&self) -> i64 {
        match self {
            Self::Deposited(movement) => movement.amount,
            Self::Withdrawn(movement) => -movement.amount,
            Self::Emptied(_) => 0,
        }
    }

    fn movement(&self) -> &Movement {
        match self {
            Self::Deposited(movement) | Self::Withdrawn(movement) | Self::Emptied(movement) => movement,
        }
    }
}

impl DomainEvent for Event {
    const VERSIONS: &'static [(&'static str, u32)] = &[("Deposited", 1), ("Withdrawn", 1), ("Emptied", 1)];
    const KEY_FIELD: &'static str = "account";

    fn key(&self) -> Uuid {
        self.account()
    }

    fn event_type(&self) -> &'static str {
        match self {
            Self::Deposited(_) => "Deposited",
            Self::Withdrawn(_) => "Withdrawn",
            Self::Emptied(_) => "Emptied",
        }
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self.movement())
    }

    fn decode(event_type: &str, _: u32, data: &[u8]) -> Result<Self, UndecodableEvent> {
        let movement = || decode_json(event_type, data);
        match event_type {
            "Deposited" => movement().map(Self::Deposited),
            "Withdrawn" => movement().map(Self::Withdrawn),
            "Emptied" => movement().map(Self::Emptied),
            _ => Err(UndecodableEvent::UnknownType(event_type.to_owned())),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is not that much on the account")]
pub(crate) struct Short;

impl Decider for Accounts {
    type State = Balances;
    type Command = Command;
    type Event = Event;
    type Rejection = Short;
    type Subject = Uuid;
    type Outcome = i64;

    const STATE_VERSION: u32 = 1;

    fn decide(state: &Balances, command: &Command) -> Result<Vec<Event>, Short> {
        match *command {
            Command::Deposit { amount: 0, .. } => Ok(Vec::new()),
            Command::Deposit { account, amount } => Ok(vec![Event::deposited(account, amount)]),
            Command::Withdraw { account, amount } => {
                let left = state.of(account) - amount;
                let movement = Movement { account, amount };
                match left {
                    ..0 => Err(Short),
                    0 => Ok(vec![Event::Withdrawn(movement), Event::Emptied(movement)]),
                    1.. => Ok(vec![Event::Withdrawn(movement)]),
                }
            }
        }
    }

    fn restate(_: &Balances, command: &Command) -> Vec<Event> {
        match *command {
            Command::Deposit { account, amount } => vec![Event::deposited(account, amount)],
            Command::Withdraw { .. } => Vec::new(),
        }
    }

    fn concerns(_: &Balances, command: &Command) -> Vec<Uuid> {
        vec![Self::subject(command)]
    }

    fn evolve(state: &mut Balances, event: &Event, _: Revision) {
        *state.0.entry(event.account()).or_default() += event.change();
    }

    fn subject(command: &Command) -> Uuid {
        match *command {
            Command::Deposit { account, .. } | Command::Withdraw { account, .. } => account,
        }
    }

    fn subject_of_event(event: &Event) -> Uuid {
        event.account()
    }

    fn outcome(state: &Balances, account: &Uuid) -> i64 {
        state.of(*account)
    }
}
