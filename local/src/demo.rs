//! A made-up day at an airport, which goes on for ever. The demo is a client like any other: it does all it does
//! through the public API.

mod airport;
mod client;
mod opening;
mod people;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use rand::rngs::StdRng;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use airport::{Action, Airport, Flight, Stage};
use client::{Client, Refused};
use opening::Opening;

use crate::client::failure::Failure;

/// How many flights are filled at the same time, and with how many passengers each.
const FLIGHTS_AT_A_TIME: usize = 8;
const PASSENGERS_AT_A_TIME: usize = 8;
/// How long to wait when nothing can be done.
const PAUSE: Duration = Duration::from_secs(10);

/// Fills the system at this address with flights, unless they are there already, and keeps them moving until
/// `shutdown`. `pace` is in changes a second.
///
/// # Errors
/// [`Failure`] if there is no client on this system.
pub(crate) async fn run(gateway: SocketAddr, pace: f64, shutdown: CancellationToken) -> Result<(), Failure> {
    // It is left in the middle of whatever it does, as a client can be at any time.
    shutdown.run_until_cancelled(play(Client::new(gateway)?, pace)).await;
    Ok(())
}

async fn play(client: Client, pace: f64) -> Infallible {
    let mut rng: StdRng = rand::make_rng();
    let mut airport = Airport::new(pace);
    while let Err(refused) = open(&client, &mut airport, &mut rng).await {
        tracing::warn!("the demo cannot begin yet: {refused}");
        sleep(PAUSE).await;
    }
    loop {
        sleep(airport.pause(&mut rng)).await;
        let Some(action) = airport.next(Timestamp::now(), &mut rng) else { continue };
        match client.carry_out(&action).await {
            Ok(id) => airport.done(action, id, Timestamp::now(), &mut rng),
            Err(refused) => {
                // Somebody else has been at work here, which is as it should be.
                tracing::debug!("the demo does something else: {refused}");
                look_again(&client, &mut airport, &action, &mut rng).await;
            }
        }
    }
}

/// Makes the flights that are missing, and takes note of all.
async fn open(client: &Client, airport: &mut Airport, rng: &mut StdRng) -> Result<(), Refused> {
    let begin = Instant::now();
    let now = Timestamp::now();
    let (over, present): (Vec<_>, Vec<_>) =
        client.flights(now).await?.into_iter().partition(|flight| flight.is_over(now));
    for flight in over {
        if let Err(refused) = end(client, flight).await {
            tracing::debug!("the demo leaves a flight as it is: {refused}");
        }
    }
    let openings = opening::plan(now, present.into_iter().map(|flight| flight.number), rng);
    let (mut flights, mut passengers) = (0, 0);
    let mut made = stream::iter(openings).map(|opening| make(client, opening)).buffer_unordered(FLIGHTS_AT_A_TIME);
    while let Some(made) = made.next().await {
        match made {
            Ok(count) => {
                flights += 1;
                passengers += count;
            }
            Err(refused) => tracing::debug!("the demo leaves a flight as it is: {refused}"),
        }
    }
    let now = Timestamp::now();
    for flight in client.flights(now).await? {
        airport.note(&flight.id.clone(), Some(flight), now, rng);
    }
    if flights > 0 {
        tracing::info!(
            took.ms = begin.elapsed().as_millis(),
            "the demo has filled the airport with {flights} flights and {passengers} passengers, and goes on from there"
        );
    } else {
        tracing::info!("the demo goes on with {} flights", airport.flights.len());
    }
    Ok(())
}

/// Deletes a flight of another day.
async fn end(client: &Client, flight: Flight) -> Result<(), Refused> {
    let Flight { id, stage, .. } = flight;
    if stage == Stage::InTheAir {
        client.carry_out(&Action::Land { flight: id.clone() }).await?;
    }
    client.carry_out(&Action::Delete { flight: id }).await.map(drop)
}

/// Makes a flight and brings it as far as it should be; returns the number of its passengers.
async fn make(client: &Client, opening: Opening) -> Result<usize, Refused> {
    let Opening { details, names, boarded, stage } = opening;
    let Some(flight) = client.carry_out(&Action::Announce(details)).await? else { return Ok(0) };
    let flight = &flight;
    let check_in = async |name| client.carry_out(&Action::CheckIn { flight: flight.clone(), name }).await;
    let passengers = stream::iter(names).map(check_in).buffer_unordered(PASSENGERS_AT_A_TIME);
    let passengers: Vec<String> = passengers.try_filter_map(async |id| Ok(id)).try_collect().await?;
    let board = async |passenger: &String| {
        client.carry_out(&Action::Board { flight: flight.clone(), passenger: passenger.clone() }).await
    };
    let boarding = stream::iter(passengers.iter().take(boarded)).map(board).buffer_unordered(PASSENGERS_AT_A_TIME);
    boarding.try_for_each(async |_| Ok(())).await?;
    if matches!(stage, Stage::InTheAir | Stage::Landed) {
        client.carry_out(&Action::Depart { flight: flight.clone() }).await?;
    }
    if stage == Stage::Landed {
        client.carry_out(&Action::Land { flight: flight.clone() }).await?;
    }
    Ok(passengers.len())
}

/// Finds out what has become of the flight of something that could not be done.
async fn look_again(client: &Client, airport: &mut Airport, action: &Action, rng: &mut StdRng) {
    let Some(flight) = action.flight() else { return };
    let now = Timestamp::now();
    match client.flight(flight, now).await {
        Ok(found) => airport.note(flight, found, now, rng),
        Err(refused) => tracing::debug!("the demo cannot find out about a flight: {refused}"),
    }
}
