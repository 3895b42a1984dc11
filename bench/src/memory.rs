//! Memory of the program that is everything: after a load, and for each thing that it keeps.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use uuid::Uuid;

use crate::build::BuildArgs;
use crate::failure::Failure;
use crate::growth::flight;
use crate::report::{Circumstances, OutputArgs};
use crate::series;
use crate::statistics::figure;
use crate::system::{Places, Running, Subject};

const CONNECTIONS: usize = 64;
/// How long it may take to create so many of something, and what has to be done afterwards.
const LIMIT: Duration = Duration::from_secs(4 * 3600);
const REST_LIMIT: Duration = Duration::from_secs(600);
/// On each flight that has passengers.
const PASSENGERS_EACH: u64 = 100;

/// How much there is.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Commands after which the memory of everything is looked at
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    commands: u64,
    /// For how long nothing is asked before that
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3600))]
    rest: u64,
    /// How many of each thing are added: what one takes is less exact with fewer
    #[arg(long, value_name = "NUMBER", default_value_t = 500_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    number: u64,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    build: BuildArgs,
}

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Memory {
    /// Of all processes, as they have started.
    pub(crate) fresh_megabytes: f64,
    /// After the commands, and a time without any.
    pub(crate) later_megabytes: f64,
    pub(crate) commands: u64,
    pub(crate) rest_seconds: u64,
    /// Of the program, each time after another start.
    pub(crate) stages: Stages,
    pub(crate) each: Each,
}

/// What the program has resident when there is more and more, in bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stages {
    /// Of each thing that is added.
    pub(crate) number: u64,
    before: u64,
    /// With so many more flights.
    flights: u64,
    /// With so many more, each created with an idempotency key.
    keys: u64,
    /// With so many passengers, on a hundredth as many more flights.
    passengers: u64,
}

/// What one takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Each {
    pub(crate) flight: f64,
    pub(crate) passenger: f64,
    /// Beside the flight that it was for.
    pub(crate) key: f64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let places = arguments.build.places(false).await?;
    let circumstances = Circumstances::now()?;
    let running = Running::start(Subject::OneProcess, &places).await?;
    running.processes.rest(REST_LIMIT).await?;
    let fresh_megabytes = megabytes(&running)?;
    create(&running, arguments.commands, None).await?;
    running.processes.rest(REST_LIMIT).await?;
    sleep(Duration::from_secs(arguments.rest)).await;
    let later_megabytes = megabytes(&running)?;
    let (running, stages) = stages(running, &places, arguments.number).await?;
    running.stop().await?;
    let Arguments { commands, rest: rest_seconds, .. } = arguments;
    let each = stages.each();
    let report =
        circumstances.report(Memory { fresh_megabytes, later_megabytes, commands, rest_seconds, stages, each });
    writeln!(io::stdout(), "{}", report.results)?;
    report.write(&arguments.output)
}

/// Of all processes together.
fn megabytes(running: &Running) -> Result<f64, Failure> {
    Ok(running.processes.memory()?.values().sum::<u64>() as f64 / 1e6)
}

/// Adds so many of each thing, one kind after another.
async fn stages(running: Running, places: &Places, number: u64) -> Result<(Running, Stages), Failure> {
    let (running, before) = again(running, places).await?;
    create(&running, number, None).await?;
    let (running, flights) = again(running, places).await?;
    create(&running, number, Some(Uuid::new_v4())).await?;
    let (running, keys) = again(running, places).await?;
    let with_passengers = create(&running, number / PASSENGERS_EACH, None).await?;
    let here = running.target.clone();
    let add = move |number: u64| {
        let flight = with_passengers[(number % with_passengers.len() as u64) as usize];
        here.post("/api/passengers", &format!(r#"{{"flightId":"{flight}","name":"Passenger {number}"}}"#))
    };
    series::all(&running.target, CONNECTIONS, LIMIT, number, add).await?;
    let (running, passengers) = again(running, places).await?;
    Ok((running, Stages { number, before, flights, keys, passengers }))
}

/// Creates so many flights, each with an idempotency key of its own if there is a first one: their ids.
async fn create(running: &Running, number: u64, first_key: Option<Uuid>) -> Result<Vec<Uuid>, Failure> {
    let (here, path) = (running.target.clone(), running.path);
    let request = move |number: u64| match first_key {
        None => here.post(path, &flight(number)),
        Some(first) => {
            let key = Uuid::from_u128(first.as_u128().wrapping_add(number.into()));
            here.clone().with_header("Idempotency-Key", &key.to_string()).post(path, &flight(number))
        }
    };
    Ok(series::all(&running.target, CONNECTIONS, LIMIT, number, request).await?.0)
}

/// Starts it again, so that what memory is left of the load is not there: what the program has resident then, in bytes.
async fn again(running: Running, places: &Places) -> Result<(Running, u64), Failure> {
    running.processes.rest(REST_LIMIT).await?;
    let folder = running.stop().await?;
    let running = Running::start_on(folder, places).await?;
    running.processes.rest(REST_LIMIT).await?;
    let (resident, _) = running.processes.resident()?;
    Ok((running, resident))
}

impl Stages {
    fn each(&self) -> Each {
        let number = self.number as f64;
        let more = |before: u64, after: u64| (after as f64 - before as f64) / number;
        let flight = more(self.before, self.flights);
        let flights_of_passengers = (self.number / PASSENGERS_EACH) as f64 / number;
        Each {
            flight,
            key: more(self.flights, self.keys) - flight,
            passenger: more(self.keys, self.passengers) - flight * flights_of_passengers,
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fresh, later) = (figure(self.fresh_megabytes), figure(self.later_megabytes));
        writeln!(f, "everything: {fresh} MB fresh, {later} MB after {} commands", figure(self.commands as f64))?;
        let Each { flight, passenger, key } = self.each;
        let (flight, passenger, key) = (figure(flight), figure(passenger), figure(key));
        write!(f, "bytes of the program: {flight} for a flight, {passenger} for a passenger, {key} for a key")
    }
}

#[cfg(test)]
mod tests {
    use super::{Each, Stages};

    #[test]
    fn what_one_takes_is_what_more_of_it_have_added() {
        let stages = Stages { number: 1_000, before: 5_000, flights: 205_000, keys: 505_000, passengers: 632_000 };
        // Ten flights for the passengers take 2,000 of the last 127,000 bytes.
        assert_eq!(stages.each(), Each { flight: 200.0, passenger: 125.0, key: 100.0 });
    }
}
