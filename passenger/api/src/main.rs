//! The passenger API as a service of its own.

use std::process::ExitCode;

use passenger_api::PassengerApi;
use shared_allocator as _;

fn main() -> ExitCode {
    shared_api::main::<PassengerApi>()
}
