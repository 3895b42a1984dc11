//! Jetbridge in one process.

use std::process::ExitCode;

fn main() -> ExitCode {
    jetbridge::main(jetbridge::domains())
}
