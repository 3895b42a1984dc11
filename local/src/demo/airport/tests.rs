use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Action, Airport, FLIGHTS, Flight, Stage};
use crate::demo::opening;

/// An airport with strict rules, and a clock that only moves when something has happened.
struct Simulation {
    airport: Airport,
    rng: StdRng,
    now: Timestamp,
    flights: HashMap<String, Actual>,
    ids: usize,
}

struct Actual {
    stage: Stage,
    since: Timestamp,
    /// Whether each has boarded.
    passengers: HashMap<String, bool>,
}

impl Simulation {
    fn open(seed: u64, pace: f64) -> Self {
        let now: Timestamp = "2026-07-03T10:02:11.5Z".parse().unwrap();
        let mut simulation = Self {
            airport: Airport::new(pace),
            rng: StdRng::seed_from_u64(seed),
            now,
            flights: HashMap::new(),
            ids: 0,
        };
        for opening in opening::plan(now, [], &mut simulation.rng) {
            let flight = simulation.carry_out(&Action::Announce(opening.details.clone())).unwrap();
            let mut passengers = Vec::new();
            for (at, name) in opening.names.into_iter().enumerate() {
                let id = simulation.carry_out(&Action::CheckIn { flight: flight.clone(), name: name.clone() }).unwrap();
                let has_boarded = at < opening.boarded;
                simulation.actual(&flight).passengers.insert(id.clone(), has_boarded);
                passengers.push(super::Passenger { id, name, has_boarded });
            }
            simulation.actual(&flight).stage = opening.stage;
            let (number, departure) = (opening.details.number, opening.details.departure);
            let seats = super::seats(&number);
            let found =
                Flight { id: flight.clone(), number, departure, stage: opening.stage, passengers, seats, due: now };
            simulation.airport.note(&flight, Some(found), now, &mut simulation.rng);
        }
        simulation
    }

    fn actual(&mut self, flight: &str) -> &mut Actual {
        self.flights.get_mut(flight).expect("the flight exists")
    }

    /// Waits, and lets one thing happen.
    fn step(&mut self) -> Option<Action> {
        self.now += self.airport.pause(&mut self.rng);
        let action = self.airport.next(self.now, &mut self.rng)?;
        let id = self.carry_out(&action);
        self.airport.done(action.clone(), id, self.now, &mut self.rng);
        Some(action)
    }

    /// Does what the API would do, and fails where the API would refuse.
    fn carry_out(&mut self, action: &Action) -> Option<String> {
        let now = self.now;
        self.ids += 1;
        let id = self.ids.to_string();
        if let Action::Announce(details) = action {
            assert!(details.number.starts_with("JB") && details.number.len() <= 6, "{}", details.number);
            assert_eq!((details.departure.as_second() % 300, details.departure.subsec_nanosecond()), (0, 0));
            let actual = Actual { stage: Stage::AtTheGate, since: now, passengers: HashMap::new() };
            self.flights.insert(id.clone(), actual);
            return Some(id);
        }
        let flight = self.actual(action.flight().unwrap());
        let expected = match action {
            Action::Land { .. } => Stage::InTheAir,
            Action::Delete { .. } => Stage::Landed,
            _ => Stage::AtTheGate,
        };
        assert_eq!(flight.stage, expected, "{action:?}");
        match action {
            Action::CheckIn { .. } => {
                flight.passengers.insert(id.clone(), false);
                return Some(id);
            }
            Action::Board { passenger, .. } => {
                assert_eq!(flight.passengers.insert(passenger.clone(), true), Some(false))
            }
            Action::CorrectName { passenger, .. } => assert!(flight.passengers.contains_key(passenger)),
            Action::Offload { passenger, .. } => assert!(flight.passengers.remove(passenger).is_some()),
            Action::Depart { .. } => {
                assert!(!flight.passengers.is_empty() && flight.passengers.values().all(|has_boarded| *has_boarded));
                (flight.stage, flight.since) = (Stage::InTheAir, now);
            }
            Action::Land { .. } => (flight.stage, flight.since) = (Stage::Landed, now),
            Action::Delete { flight } => drop(self.flights.remove(flight)),
            Action::Announce(_) => unreachable!(),
        }
        None
    }

    /// How many flights wait for boarding, are complete, in the air and landed.
    fn counts(&self) -> [usize; 4] {
        let count = |is_wanted: &dyn Fn(&Flight) -> bool| self.airport.flights.iter().filter(|f| is_wanted(f)).count();
        [
            count(&|flight| flight.stage == Stage::AtTheGate && !flight.is_complete()),
            count(&|flight| flight.stage == Stage::AtTheGate && flight.is_complete()),
            count(&|flight| flight.stage == Stage::InTheAir),
            count(&|flight| flight.stage == Stage::Landed),
        ]
    }
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[test]
fn flights_are_in_all_stages_at_any_time() {
    for (seed, pace) in [(1, 2.0), (2, 2.0), (3, 0.5), (4, 20.0)] {
        let mut simulation = Simulation::open(seed, pace);
        let mut present = [0; 4];
        let steps = 5_000;
        for _ in 0..steps {
            simulation.step();
            for (present, count) in present.iter_mut().zip(simulation.counts()) {
                *present += usize::from(count > 0);
            }
            let total = simulation.airport.flights.len();
            assert!((FLIGHTS - 5..=FLIGHTS).contains(&total), "{total} flights with seed {seed}");
        }
        let [waiting, complete, in_the_air, landed] = present.map(|present| present * 100 / steps);
        assert!(waiting == 100 && in_the_air >= 90 && landed >= 90, "{present:?} at {pace}");
        assert!(complete >= 70, "{present:?} at {pace}");
    }
}

#[test]
fn departures_stay_near_the_clock() {
    for (seed, pace) in [(5, 2.0), (6, 0.5), (7, 10.0)] {
        let mut simulation = Simulation::open(seed, pace);
        let mut departures = 0;
        for _ in 0..8_000 {
            let late = match simulation.step() {
                Some(Action::Depart { flight }) => {
                    departures += 1;
                    let flight = simulation.airport.flights.iter().find(|known| known.id == flight).unwrap();
                    simulation.now.duration_since(flight.departure)
                }
                _ => continue,
            };
            assert!(late > minutes(-45) && late < minutes(45), "{late} late at {pace}");
        }
        assert!(departures > 100, "{departures} departures at {pace}");
        for flight in &simulation.airport.flights {
            let ahead = flight.departure.duration_since(simulation.now);
            assert!(ahead > minutes(-60) && ahead < minutes(6 * 60), "{ahead} ahead at {pace}");
        }
    }
}

#[test]
fn a_flight_lands_a_minute_or_two_after_it_has_left() {
    let mut simulation = Simulation::open(8, 2.0);
    let mut landed = 0;
    let mut left = HashMap::new();
    for _ in 0..10_000 {
        match simulation.step() {
            Some(Action::Depart { flight }) => drop(left.insert(flight, simulation.now)),
            Some(Action::Land { flight }) => {
                let Some(left) = left.remove(&flight) else { continue };
                let seconds = simulation.now.duration_since(left).as_secs();
                assert!((60..=130).contains(&seconds), "{seconds} s in the air");
                landed += 1;
            }
            _ => {}
        }
    }
    assert!(landed > 100, "{landed} have landed");
}

#[test]
fn everything_that_can_happen_does() {
    let mut simulation = Simulation::open(9, 2.0);
    let mut seen = HashMap::new();
    for _ in 0..5_000 {
        if let Some(action) = simulation.step() {
            *seen.entry(std::mem::discriminant(&action)).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.values().all(|&count| count >= 10), "{:?}", seen.values());
}

#[test]
fn the_same_seed_makes_the_same_day() {
    let day = |seed| {
        let mut simulation = Simulation::open(seed, 2.0);
        (0..500).map(|_| simulation.step()).collect::<Vec<_>>()
    };
    assert_eq!(day(10), day(10));
    assert_ne!(day(10), day(11));
}

#[test]
fn what_others_do_is_taken_up() {
    let mut simulation = Simulation::open(12, 2.0);
    let (now, mut rng) = (simulation.now, StdRng::seed_from_u64(0));
    let airport = &mut simulation.airport;
    let gone = airport.flights[0].id.clone();
    airport.note(&gone, None, now, &mut rng);
    assert!(airport.flights.iter().all(|flight| flight.id != gone));

    // Somebody has sent one on its way.
    let sent = Flight { stage: Stage::InTheAir, ..airport.flights[0].clone() };
    airport.note(&sent.id.clone(), Some(sent.clone()), now, &mut rng);
    assert_eq!(airport.flights.iter().filter(|flight| flight.id == sent.id).count(), 1);
    let later = now + Duration::from_secs(3600);
    let mut due = Vec::new();
    while let Some(action @ (Action::Land { .. } | Action::Depart { .. } | Action::Delete { .. })) =
        airport.next(later, &mut rng)
    {
        airport.done(action.clone(), None, later, &mut rng);
        due.push(action);
    }
    assert!(due.contains(&Action::Land { flight: sent.id }), "{due:?}");
    assert!(matches!(airport.next(later, &mut rng), Some(Action::Announce(_))), "another one takes its place");
}
