//! The flight processor as a service of its own.

use std::process::ExitCode;

use flight_processor::FlightProcessor;

fn main() -> ExitCode {
    shared_processor::main::<FlightProcessor>()
}
