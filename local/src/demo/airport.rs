//! What the demo knows of its airport, and what happens there next. Without a clock, input and output.

use std::time::Duration;

use jiff::Timestamp;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, RngExt};

use super::people;

/// How many flights there are when the airport is complete.
pub(crate) const FLIGHTS: usize = 40;
/// How many of them leave in an hour or later.
const LATER_FLIGHTS: usize = 8;
const LATER: Duration = Duration::from_secs(3600);
/// How many flights board at a time, and how long before their departure at most.
const BOARDING_FLIGHTS: usize = 5;
const BOARDING_AHEAD: Duration = Duration::from_secs(2400);
/// About how many changes a flight takes from its announcement to its end.
const CHANGES_PER_FLIGHT: f64 = 50.0;
/// For how many changes a second the delays below are meant.
const USUAL_PACE: f64 = 2.0;
/// How long after its departure a flight is taken for one of another day.
const OVER_AFTER: Duration = Duration::from_secs(3 * 3600);
/// Departures are in whole five minutes.
const TIMETABLE: i64 = 300;
/// How many flight numbers are drawn until two flights may have the same.
const NUMBERS_TRIED: usize = 100;

const HOME: &str = "LIS";
const DESTINATIONS: [&str; 24] = [
    "OPO",
    "FNC",
    "MAD",
    "CDG",
    "LHR",
    "FRA",
    "AMS",
    "JFK",
    "GRU",
    "NBO",
    "HND",
    "DXB",
    "YYZ",
    "KEF",
    "ATH",
    "Ponta Delgada",
    "São Paulo",
    "Zürich",
    "Kraków",
    "Malmö",
    "Reykjavík",
    "Göteborg",
    "Île de la Réunion",
    "東京",
];
const REASONS: [&str; 5] =
    ["no-show", "no-show", "passport expired", "missed connection", "unwell, at the passenger's own wish"];

/// Where a flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    AtTheGate,
    InTheAir,
    Landed,
}

/// Somebody who has not been offloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passenger {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) has_boarded: bool,
}

/// The details of a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) number: String,
    pub(crate) origin: &'static str,
    pub(crate) destination: &'static str,
    pub(crate) departure: Timestamp,
}

/// A flight of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) departure: Timestamp,
    pub(crate) stage: Stage,
    /// Only of a flight at the gate.
    pub(crate) passengers: Vec<Passenger>,
    /// How many passengers are waited for.
    pub(crate) seats: usize,
    /// When its next stage begins, if nothing is missing for that.
    pub(crate) due: Timestamp,
}

impl Flight {
    fn is_complete(&self) -> bool {
        self.passengers.len() >= self.seats && self.passengers.iter().all(|passenger| passenger.has_boarded)
    }

    fn next_stage(&self) -> Option<Action> {
        let flight = self.id.clone();
        match self.stage {
            Stage::AtTheGate => self.is_complete().then_some(Action::Depart { flight }),
            Stage::InTheAir => Some(Action::Land { flight }),
            Stage::Landed => Some(Action::Delete { flight }),
        }
    }

    /// Whether it belongs to a day that is over.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.departure + OVER_AFTER < now
    }

    fn waiting(&self) -> impl Iterator<Item = &Passenger> {
        self.passengers.iter().filter(|passenger| !passenger.has_boarded)
    }
}

/// Something that happens at the airport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Announce(Details),
    CheckIn { flight: String, name: String },
    Board { flight: String, passenger: String },
    CorrectName { flight: String, passenger: String, name: String },
    Offload { flight: String, passenger: String, reason: &'static str },
    Depart { flight: String },
    Land { flight: String },
    Delete { flight: String },
}

impl Action {
    /// The flight that it is about, if that exists already.
    pub(crate) fn flight(&self) -> Option<&str> {
        match self {
            Self::Announce(_) => None,
            Self::CheckIn { flight, .. }
            | Self::Board { flight, .. }
            | Self::CorrectName { flight, .. }
            | Self::Offload { flight, .. }
            | Self::Depart { flight }
            | Self::Land { flight }
            | Self::Delete { flight } => Some(flight),
        }
    }
}

/// How many passengers a flight with this number has.
pub(crate) fn seats(number: &str) -> usize {
    16 + number.bytes().map(usize::from).sum::<usize>() % 17
}

/// The airport as far as the demo knows it. Others may change things, too.
#[derive(Debug)]
pub(crate) struct Airport {
    pub(crate) flights: Vec<Flight>,
    /// Changes a second.
    pace: f64,
}

impl Airport {
    /// An airport without flights.
    pub(crate) fn new(pace: f64) -> Self {
        Self { flights: Vec::new(), pace }
    }

    /// The time until the next change.
    pub(crate) fn pause(&self, rng: &mut impl Rng) -> Duration {
        Duration::from_secs_f64(rng.random_range(0.5..1.5) / self.pace)
    }

    /// Takes note of a flight as it is found, or that it is not there any more.
    pub(crate) fn note(&mut self, id: &str, found: Option<Flight>, now: Timestamp, rng: &mut impl Rng) {
        self.flights.retain(|known| known.id != id);
        self.flights.extend(found.map(|flight| {
            let rest = self.delay(flight.stage, rng).mul_f64(rng.random_range(0.1..1.0));
            Flight { due: now + rest, ..flight }
        }));
    }

    /// What happens next, if there is anything to do.
    pub(crate) fn next(&self, now: Timestamp, rng: &mut impl Rng) -> Option<Action> {
        let due = self.flights.iter().filter(|flight| flight.due <= now);
        let due = due.filter_map(|flight| Some((flight.due, flight.next_stage()?)));
        if let Some((_, action)) = due.min_by_key(|(due, _)| *due) {
            return Some(action);
        }
        if self.flights.len() < FLIGHTS {
            return Some(Action::Announce(self.new_flight(now, rng)));
        }
        let rare = match rng.random_range(0..100) {
            0..3 => self.correct_name(rng),
            3..7 => self.offload(now, rng),
            _ => None,
        };
        rare.or_else(|| {
            if rng.random_bool(0.5) {
                self.board(now, rng).or_else(|| self.check_in(now, rng))
            } else {
                self.check_in(now, rng).or_else(|| self.board(now, rng))
            }
        })
    }

    /// Takes note of what has been done; `id` is that of what has been made by it.
    pub(crate) fn done(&mut self, action: Action, id: Option<String>, now: Timestamp, rng: &mut impl Rng) {
        match action {
            Action::Announce(Details { number, departure, .. }) => self.flights.extend(id.map(|id| {
                let (seats, passengers) = (seats(&number), Vec::new());
                Flight { id, number, departure, stage: Stage::AtTheGate, passengers, seats, due: now }
            })),
            Action::CheckIn { flight, name } => {
                let passenger = id.map(|id| Passenger { id, name, has_boarded: false });
                if let Some(flight) = self.find(&flight) {
                    flight.passengers.extend(passenger);
                }
            }
            Action::Board { flight, passenger } => {
                if let Some(passenger) = self.find_passenger(&flight, &passenger) {
                    passenger.has_boarded = true;
                }
                self.enter(&flight, Stage::AtTheGate, now, rng);
            }
            Action::CorrectName { flight, passenger, name } => {
                if let Some(passenger) = self.find_passenger(&flight, &passenger) {
                    passenger.name = name;
                }
            }
            Action::Offload { flight, passenger, .. } => {
                if let Some(flight) = self.find(&flight) {
                    flight.passengers.retain(|known| known.id != passenger);
                    // Nobody takes this seat any more.
                    flight.seats = flight.seats.min(flight.passengers.len()).max(1);
                }
                self.enter(&flight, Stage::AtTheGate, now, rng);
            }
            Action::Depart { flight } => self.enter(&flight, Stage::InTheAir, now, rng),
            Action::Land { flight } => self.enter(&flight, Stage::Landed, now, rng),
            Action::Delete { flight } => self.flights.retain(|known| known.id != flight),
        }
    }

    fn find(&mut self, id: &str) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.id == id)
    }

    fn find_passenger(&mut self, flight: &str, id: &str) -> Option<&mut Passenger> {
        self.find(flight)?.passengers.iter_mut().find(|passenger| passenger.id == id)
    }

    fn enter(&mut self, flight: &str, stage: Stage, now: Timestamp, rng: &mut impl Rng) {
        let due = now + self.delay(stage, rng);
        if let Some(flight) = self.find(flight) {
            flight.stage = stage;
            flight.due = due;
        }
    }

    /// How long a flight stays in a stage; at the gate, from when the last passenger has boarded.
    fn delay(&self, stage: Stage, rng: &mut impl Rng) -> Duration {
        let seconds = match stage {
            Stage::AtTheGate => 30..60,
            Stage::InTheAir => 60..120,
            Stage::Landed => 90..150,
        };
        Duration::from_secs(rng.random_range(seconds)).mul_f64(USUAL_PACE / self.pace)
    }

    /// Those of the flights at the gate that are wanted, the next departure first.
    fn at_the_gate(&self, is_wanted: impl Fn(&Flight) -> bool) -> Vec<&Flight> {
        let at_the_gate = self.flights.iter().filter(|flight| flight.stage == Stage::AtTheGate);
        let mut flights: Vec<_> = at_the_gate.filter(|flight| is_wanted(flight)).collect();
        flights.sort_by_key(|flight| flight.departure);
        flights
    }

    /// The flights that board.
    fn boarding(&self, now: Timestamp) -> Vec<&Flight> {
        let mut flights = self.at_the_gate(|flight| flight.departure <= now + BOARDING_AHEAD && !flight.is_complete());
        flights.truncate(BOARDING_FLIGHTS);
        flights
    }

    fn board(&self, now: Timestamp, rng: &mut impl Rng) -> Option<Action> {
        let mut flights = self.boarding(now);
        flights.retain(|flight| flight.waiting().next().is_some());
        let flight = one_of_the_next(&flights, rng)?;
        let passenger = flight.waiting().choose(rng)?;
        Some(Action::Board { flight: flight.id.clone(), passenger: passenger.id.clone() })
    }

    fn check_in(&self, now: Timestamp, rng: &mut impl Rng) -> Option<Action> {
        let flights = self.at_the_gate(|flight| {
            let is_early = flight.departure > now + LATER;
            flight.passengers.len() < if is_early { flight.seats / 4 } else { flight.seats }
        });
        let flight = one_of_the_next(&flights, rng)?;
        Some(Action::CheckIn { flight: flight.id.clone(), name: people::name(rng) })
    }

    fn correct_name(&self, rng: &mut impl Rng) -> Option<Action> {
        let flights = self.at_the_gate(|flight| !flight.passengers.is_empty());
        let flight = flights.choose(rng)?;
        let passenger = flight.passengers.choose(rng)?;
        let name = people::corrected(&passenger.name, rng)?;
        Some(Action::CorrectName { flight: flight.id.clone(), passenger: passenger.id.clone(), name })
    }

    /// Somebody who keeps all others waiting.
    fn offload(&self, now: Timestamp, rng: &mut impl Rng) -> Option<Action> {
        let flights = self.boarding(now);
        let flight = flights.iter().find(|flight| {
            flight.passengers.len() >= flight.seats.max(3) && (1..=2).contains(&flight.waiting().count())
        })?;
        let (passenger, reason) = (flight.waiting().choose(rng)?, REASONS.choose(rng)?);
        Some(Action::Offload { flight: flight.id.clone(), passenger: passenger.id.clone(), reason })
    }

    /// A flight that will just have its turn when it is time for it, or one that is for later.
    fn new_flight(&self, now: Timestamp, rng: &mut impl Rng) -> Details {
        let later = self.at_the_gate(|flight| flight.departure > now + LATER).len();
        let ahead = if later < LATER_FLIGHTS {
            LATER + Duration::from_secs(rng.random_range(600..4 * 3600))
        } else {
            let sooner = self.at_the_gate(|_| true).len().saturating_sub(later);
            let turn = Duration::from_secs_f64(sooner as f64 * CHANGES_PER_FLIGHT / self.pace);
            turn.mul_f64(rng.random_range(0.8..1.2)).clamp(Duration::from_secs(600), LATER)
        };
        details(now + ahead, |number| self.flights.iter().any(|flight| flight.number == number), rng)
    }
}

/// What a flight at about this time is like. It gets a number that is not taken.
pub(crate) fn details(departure: Timestamp, is_taken: impl Fn(&str) -> bool, rng: &mut impl Rng) -> Details {
    let mut draw = || format!("JB{}", rng.random_range(100..10_000));
    let number = (0..NUMBERS_TRIED).map(|_| draw()).find(|number| !is_taken(number)).unwrap_or_else(&mut draw);
    let destination = DESTINATIONS.choose(rng).copied().unwrap_or(HOME);
    Details { number, origin: HOME, destination, departure: in_timetable(departure) }
}

/// Any of them, more often one of the first.
fn one_of_the_next<'a>(flights: &[&'a Flight], rng: &mut impl Rng) -> Option<&'a Flight> {
    let at = rng.random_range(0..flights.len().max(1)).min(rng.random_range(0..flights.len().max(1)));
    flights.get(at).copied()
}

/// The next time that is in a timetable.
fn in_timetable(time: Timestamp) -> Timestamp {
    let seconds = time.as_second();
    Timestamp::from_second(seconds + (-seconds).rem_euclid(TIMETABLE)).unwrap_or(time)
}

#[cfg(test)]
mod tests;
