use crate::{Flight, FlightEvent, FlightState, FlightStatus};

/// Whether this is an event that the rules allow in this state: for checking what a stream says, long after it was
/// decided.
///
/// # Errors
/// What is wrong, in words for an operator.
pub fn is_legal(state: &FlightState, event: &FlightEvent) -> Result<(), &'static str> {
    let flight = state.flight(&event.flight_id()).map(|flight| &**flight);
    match event {
        FlightEvent::Created(_) if flight.is_some() => Err("it exists already"),
        FlightEvent::Created(_) => Ok(()),
        FlightEvent::DetailsCorrected(_) => at_gate(flight).map(drop),
        FlightEvent::AllBoarded(event) => is_news(flight, event.manifest_revision),
        FlightEvent::BoardingReopened(event) => is_news(flight, event.manifest_revision),
        FlightEvent::Departed(_) => at_gate(flight).map(drop),
        FlightEvent::Landed(_) if existing(flight)?.status != FlightStatus::Departed => Err("it is not in the air"),
        FlightEvent::Landed(_) => Ok(()),
        FlightEvent::Deleted(_) if existing(flight)?.status == FlightStatus::Departed => Err("it is in the air"),
        FlightEvent::Deleted(_) => Ok(()),
    }
}

fn existing(flight: Option<&Flight>) -> Result<&Flight, &'static str> {
    flight.ok_or("there is no such flight")
}

fn at_gate(flight: Option<&Flight>) -> Result<&Flight, &'static str> {
    let flight = existing(flight)?;
    if flight.status.is_at_gate() { Ok(flight) } else { Err("it has left the gate already") }
}

fn is_news(flight: Option<&Flight>, manifest_revision: shared_kernel::Revision) -> Result<(), &'static str> {
    match at_gate(flight)?.manifest_revision {
        Some(known) if known >= manifest_revision => Err("it has newer news of its manifest already"),
        _ => Ok(()),
    }
}
