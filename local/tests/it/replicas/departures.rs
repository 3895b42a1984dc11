//! A departure, and what else happens to its flight over another replica.

use std::time::{Duration, Instant};

use jetbridge_testing::{Call, unique};
use reqwest::StatusCode;
use tokio::time::sleep;

use super::{Replicas, renumber};

const RACES: usize = 120;

/// How long a command takes here that nothing disturbs.
async fn time_of(command: Call) -> Duration {
    let start = Instant::now();
    command.send().await.expect(StatusCode::OK);
    start.elapsed()
}

/// Both are accepted for an `If-Match`, so one of them was meant for a version that the other has made an old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_and_a_departure_with_one_etag_never_both_succeed() {
    let replicas = Replicas::start().await;
    // As long as a departure takes here, and a little longer.
    let (undisturbed, etag) = replicas.complete_flight().await;
    let longest_delay = time_of(replicas.flights.disembark(&undisturbed).if_match(&etag)).await.mul_f32(1.2);
    let (mut corrected, mut departed) = (0, 0);
    for (race, (flight, etag)) in (0_u32..).zip(replicas.complete_flights(RACES).await) {
        let apis = [&replicas.flights, &replicas.late_flights];
        let [correcting, departing] = if race % 2 == 0 { apis } else { [apis[1], apis[0]] };
        // Over everything that a departure does: it is looked at, prepared, sealed and completed.
        let late = longest_delay * (race / 2 % 20) / 20;
        let correction = async {
            sleep(late).await;
            renumber(correcting, &flight, "JB 2").if_match(&etag).send().await
        };
        let departure = departing.disembark(&flight).if_match(&etag).key(&unique()).send();
        let (correction, departure) = tokio::join!(correction, departure);
        for answer in [&correction, &departure] {
            let refused = ["precondition-failed", "flight-departed"].contains(&answer.slug());
            assert!(answer.status.is_success() || refused, "{answer:?}");
        }
        let succeeded = [&correction, &departure].map(|answer| answer.status.is_success());
        assert_ne!(succeeded, [true, true], "race {race}: {correction:?} {departure:?}");
        assert_eq!(replicas.is_sealed(&flight).await, succeeded[1], "race {race}: {departure:?}");
        corrected += usize::from(succeeded[0]);
        departed += usize::from(succeeded[1]);
    }
    assert_eq!(corrected + departed, RACES, "one of the two succeeds");
    assert!(corrected > 0 && departed > 0, "it was no race: {corrected} corrections, {departed} departures");
}

#[tokio::test]
async fn a_replica_that_is_behind_does_not_let_an_old_version_depart() {
    let replicas = Replicas::start().await;
    let (flight, etag) = replicas.complete_flight().await;
    let late = &replicas.late_flights;
    renumber(late, &flight, "JB 1").send().await.expect(StatusCode::OK);
    replicas.freeze();
    renumber(&replicas.flights, &flight, "JB 2").if_match(&etag).send().await.expect(StatusCode::OK);
    let departure = late.disembark(&flight).if_match(&etag).send_once_available().await;
    departure.expect_problem(412, "precondition-failed");
    assert!(!replicas.is_sealed(&flight).await);
}

/// The connection is cut when the passenger API has the request, before it can answer.
#[tokio::test]
async fn a_seal_whose_answer_is_lost_lets_the_flight_depart() {
    let replicas = Replicas::start().await;
    for if_match in [true, false] {
        let (flight, etag) = replicas.complete_flight().await;
        let late = &replicas.late_flights;
        let departure = late.disembark(&flight).key(&unique());
        let departure = if if_match { departure.if_match(&etag) } else { departure };
        replicas.seals.cut_next_request();
        departure.send().await.expect(StatusCode::OK);
        assert!(replicas.is_sealed(&flight).await);
    }
}

/// Either it is known that nothing was done, or the flight leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_used_twice_at_once_never_leaves_a_sealed_flight_at_the_gate() {
    let replicas = Replicas::start().await;
    let (mut departed, mut refused) = (0, 0);
    let other = replicas.flights.new_flight().await;
    // Until the other replica knows of a correction, about. Sought from what one takes here.
    let mut known_after = time_of(renumber(&replicas.late_flights, &other, "JB X")).await;
    for (race, (flight, _)) in (0_u32..).zip(replicas.complete_flights(60).await) {
        let (key, number) = (unique(), format!("JB {race}"));
        let late = known_after * (race % 20) / 10;
        let correction = renumber(&replicas.late_flights, &other, &number).key(&key).send();
        let departure = async {
            sleep(late).await;
            replicas.flights.disembark(&flight).key(&key).send().await
        };
        let (departure, correction) = tokio::join!(departure, correction);
        if departure.status.is_success() {
            departed += 1;
            known_after = known_after * 5 / 4;
            replicas.flights.land(&flight).send().await.expect(StatusCode::OK);
        } else {
            refused += 1;
            known_after = known_after * 4 / 5;
            departure.expect_problem(422, "idempotency-key-reused");
            assert!(!replicas.is_sealed(&flight).await, "race {race}");
            correction.expect(StatusCode::OK);
        }
    }
    assert!(departed > 0 && refused > 0, "it was no race: {departed} departed, {refused} refused");
}

/// Two people at the same gate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_departures_at_once_one_succeeds() {
    let replicas = Replicas::start().await;
    for (race, (flight, _)) in (0..).zip(replicas.complete_flights(20).await) {
        let late = Duration::from_millis(race % 5);
        let one = replicas.flights.disembark(&flight).key(&unique()).send();
        let other = async {
            sleep(late).await;
            replicas.late_flights.disembark(&flight).key(&unique()).send().await
        };
        let (one, other) = tokio::join!(one, other);
        let (done, refused) = if one.status.is_success() { (one, other) } else { (other, one) };
        done.expect(StatusCode::OK);
        refused.expect_problem(409, "flight-departed");
    }
}
