//! The flight processor as a service of its own.

use std::process::ExitCode;

use flight_processor::FlightProcessor;
use shared_allocator as _;

fn main() -> ExitCode {
    shared_processor::main::<FlightProcessor>()
}
