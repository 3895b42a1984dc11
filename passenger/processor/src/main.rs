//! The passenger processor as a service of its own.

use std::process::ExitCode;

use passenger_processor::PassengerProcessor;
use shared_allocator as _;

fn main() -> ExitCode {
    shared_processor::main::<PassengerProcessor>()
}
