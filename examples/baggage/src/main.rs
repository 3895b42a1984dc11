//! Jetbridge in one process, with baggage.

use std::process::ExitCode;

use baggage::{BaggageApi, BaggageProcessor};
use jetbridge::{DomainServices, domains};

fn main() -> ExitCode {
    let baggage = DomainServices::of::<BaggageApi, BaggageProcessor>();
    jetbridge::main(domains().into_iter().chain([baggage]).collect())
}
