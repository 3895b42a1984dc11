//! Jetbridge in one process.

use std::process::ExitCode;

use shared_allocator as _;

fn main() -> ExitCode {
    jetbridge::main(jetbridge::domains())
}
