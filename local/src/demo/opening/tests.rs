use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::plan;
use crate::demo::airport::{FLIGHTS, Stage};

fn now() -> Timestamp {
    "2026-12-31T23:58:01Z".parse().unwrap()
}

#[test]
fn it_is_a_busy_airport_in_the_middle_of_a_day() {
    for seed in 0..100 {
        let openings = plan(now(), [], &mut StdRng::seed_from_u64(seed));
        assert_eq!(openings.len(), FLIGHTS);
        let passengers: usize = openings.iter().map(|opening| opening.names.len()).sum();
        assert!((600..1000).contains(&passengers), "{passengers} passengers with seed {seed}");
        for stage in [Stage::AtTheGate, Stage::InTheAir, Stage::Landed] {
            assert!(openings.iter().filter(|opening| opening.stage == stage).count() >= 3);
        }
        let at_the_gate = || openings.iter().filter(|opening| opening.stage == Stage::AtTheGate);
        assert!(at_the_gate().any(|opening| opening.boarded == opening.names.len() && opening.boarded > 0));
        assert!(at_the_gate().any(|opening| opening.boarded == 0));
        for opening in &openings {
            let ahead = opening.details.departure.duration_since(now());
            let (earliest, latest) = (SignedDuration::from_hours(-1), SignedDuration::from_hours(6));
            assert!(ahead >= earliest && ahead <= latest, "{ahead}");
            assert_eq!(opening.details.departure.as_second() % 300, 0);
            let has_left = opening.stage != Stage::AtTheGate;
            assert!(!has_left || (opening.boarded == opening.names.len() && opening.boarded > 0));
        }
        let mut numbers: Vec<_> = openings.iter().map(|opening| &opening.details.number).collect();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), FLIGHTS);
    }
}

#[test]
fn only_what_is_missing_is_made() {
    let mut rng = StdRng::seed_from_u64(1);
    let present: Vec<String> = (100..130).map(|number| format!("JB{number}")).collect();
    let openings = plan(now(), present.clone(), &mut rng);
    assert_eq!(openings.len(), FLIGHTS - 30);
    assert!(openings.iter().all(|opening| !present.contains(&opening.details.number)));
    let more_than_enough = (100..200).map(|number| format!("JB{number}"));
    assert_eq!(plan(now(), more_than_enough, &mut rng), []);
}
