//! Flights.

use http::{Method, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::arguments::{CorrectionArgs, FlightsCommand, OnIds};
use super::failure::Failure;
use super::output::{lines, local_time};
use super::session::{Once, Session, Shown};

const FLIGHTS: &str = "/api/flights";
/// What people say about a flight: what a correction says anew, all of it.
const DETAILS: [&str; 4] = ["flightNumber", "origin", "destination", "scheduledDeparture"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flight {
    id: String,
    flight_number: String,
    origin: String,
    destination: String,
    scheduled_departure: Option<String>,
    status: String,
}

impl Shown<6> for Flight {
    const TITLES: [&'static str; 6] = ["id", "number", "origin", "destination", "departure", "status"];

    fn cells(self) -> [String; 6] {
        let departure = self.scheduled_departure.as_deref().map(local_time).unwrap_or_default();
        [self.id, self.flight_number, self.origin, self.destination, departure, self.status]
    }
}

/// Does what the command line says.
pub(super) async fn carry_out(session: &Session, command: &FlightsCommand) -> Result<(), Failure> {
    match command {
        FlightsCommand::List { status, text, order, list } => {
            let filters = [("status", status.clone()), ("text", text.clone()), ("order", order.parameter())];
            session.list::<6, Flight>(FLIGHTS, &filters, list).await
        }
        FlightsCommand::Show(which) => {
            for id in &which.ids {
                session.show::<6, Flight>(&session.query(&format!("{FLIGHTS}/{id}")).await?)?;
            }
            Ok(())
        }
        FlightsCommand::Create { flight_number, origin, destination, scheduled_departure, once } => {
            let details = json!({
                "flightNumber": flight_number, "origin": origin, "destination": destination,
                "scheduledDeparture": scheduled_departure,
            });
            let answer = session.command(Method::POST, FLIGHTS, Some(&details), Once::new(once)).await?;
            session.show::<6, Flight>(&answer)
        }
        FlightsCommand::Correct { ids, details, once } => {
            for &id in &ids.ids {
                correct(session, id, details, Once::on(once, id)).await?;
            }
            Ok(())
        }
        FlightsCommand::Disembark(on) => each(session, on, Method::POST, "/disembark").await,
        FlightsCommand::Land(on) => each(session, on, Method::POST, "/land").await,
        FlightsCommand::Delete(on) => each(session, on, Method::DELETE, "").await,
    }
}

async fn each(session: &Session, on: &OnIds, method: Method, action: &str) -> Result<(), Failure> {
    for &id in &on.ids.ids {
        let path = format!("{FLIGHTS}/{id}{action}");
        let answer = session.command(method.clone(), &path, None, Once::on(&on.once, id)).await?;
        if !answer.body.is_empty() {
            session.show::<6, Flight>(&answer)?;
        } else if !session.is_for_programs() {
            lines([format!("{id} is deleted.").into()])?;
        }
    }
    Ok(())
}

/// A correction says all details, so those that stay are looked up first.
async fn correct(session: &Session, id: Uuid, to: &CorrectionArgs, once: Once<'_>) -> Result<(), Failure> {
    let path = format!("{FLIGHTS}/{id}");
    let found = session.query(&path).await?;
    let mut details: Map<String, Value> = found.read()?;
    details.retain(|name, _| DETAILS.contains(&name.as_str()));
    let changed = [&to.flight_number, &to.origin, &to.destination, &to.scheduled_departure];
    for (name, value) in DETAILS.iter().zip(changed) {
        if let Some(value) = value {
            details.insert((*name).to_owned(), value.as_str().into());
        }
    }
    if to.no_scheduled_departure {
        details.insert("scheduledDeparture".to_owned(), Value::Null);
    }
    let once = once.if_match(found.headers.get(header::ETAG));
    session.show::<6, Flight>(&session.command(Method::PUT, &path, Some(&details.into()), once).await?)
}
