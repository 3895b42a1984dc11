//! The flight API as a service of its own.

use std::process::ExitCode;

use flight_api::FlightApi;
use shared_allocator as _;

fn main() -> ExitCode {
    shared_api::main::<FlightApi>()
}
