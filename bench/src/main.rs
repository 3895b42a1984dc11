//! Measures Jetbridge beside what people would write instead, in one run on one machine, and says ratios that can be
//! compared between machines. See `documentation/performance.md`.

mod answers;
mod baseline;
mod build;
mod clocks;
mod compare;
mod database;
mod failure;
mod followers;
mod growth;
mod http;
mod load;
mod memory;
mod passengers;
mod processes;
mod projection;
mod report;
mod series;
mod statistics;
mod system;
mod table;
mod timer;
mod world_day;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Measures Jetbridge, beside what people would write instead
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates flights in Jetbridge, in a plain service, with cqrs-es and in a bare echo, one after another in several
    /// rounds
    Compare(compare::Arguments),
    /// Fills the program that is everything with more and more flights, and measures a start, memory, disk and queries; in
    /// the end also memory while a snapshot is saved, and a start on the events alone
    Growth(growth::Arguments),
    /// Adds and boards passengers beside creating flights, crowds agents onto one flight, and lands and deletes a full one
    Passengers(passengers::Arguments),
    /// Lets a day of the world's flights happen, with all their passengers
    WorldDay(world_day::Arguments),
    /// Lets many follow the log while flights are created, and measures how long after the answer each of them reads of it
    Followers(followers::Arguments),
    /// Measures how far the read model is behind what was answered, and how fast it is rebuilt
    Projection(projection::Arguments),
    /// Measures the memory of everything after a load, and what a flight, a passenger and an idempotency key take of it
    Memory(memory::Arguments),
    /// Prints the rows of the table in documentation/performance.md: what bench/measure has measured, the target, and
    /// whether it is met
    Table(table::Arguments),
    /// Runs one of the services that Jetbridge is measured beside
    Serve {
        #[command(subcommand)]
        baseline: baseline::Baseline,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match until_interrupted(CommandLine::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// What was started ends as it is dropped.
async fn until_interrupted(command: Command) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = carry_out(command) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::Asked("interrupted".to_owned())),
        _ = terminate.recv() => Err(Failure::Asked("terminated".to_owned())),
    }
}

async fn carry_out(command: Command) -> Result<(), Failure> {
    match command {
        Command::Compare(arguments) => compare::run(arguments).await,
        Command::Growth(arguments) => growth::run(arguments).await,
        Command::Passengers(arguments) => passengers::run(arguments).await,
        Command::WorldDay(arguments) => world_day::run(arguments).await,
        Command::Followers(arguments) => followers::run(arguments).await,
        Command::Projection(arguments) => projection::run(arguments).await,
        Command::Memory(arguments) => memory::run(arguments).await,
        Command::Table(arguments) => table::run(&arguments),
        Command::Serve { baseline } => baseline::serve(baseline).await,
    }
}
