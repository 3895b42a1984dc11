//! Passengers.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Ids, OnceArgs, PassengersCommand};
use super::failure::Failure;
use super::session::{Once, Session, Shown};

const PASSENGERS: &str = "/api/passengers";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Passenger {
    id: String,
    flight_id: String,
    name: String,
    status: String,
}

impl Shown<4> for Passenger {
    const TITLES: [&'static str; 4] = ["id", "flight", "name", "status"];

    fn cells(self) -> [String; 4] {
        [self.id, self.flight_id, self.name, self.status]
    }
}

/// Does what the command line says.
pub(super) async fn carry_out(session: &Session, command: &PassengersCommand) -> Result<(), Failure> {
    match command {
        PassengersCommand::List { flight_id, status, text, order, list } => {
            let filters = [
                ("flightId", flight_id.map(|id| id.to_string())),
                ("status", status.clone()),
                ("text", text.clone()),
                ("order", order.parameter()),
            ];
            session.list::<4, Passenger>(PASSENGERS, &filters, list).await
        }
        PassengersCommand::Show(which) => {
            for id in &which.ids {
                session.show::<4, Passenger>(&session.query(&format!("{PASSENGERS}/{id}")).await?)?;
            }
            Ok(())
        }
        PassengersCommand::Add { flight_id, name, once } => {
            let body = json!({"flightId": flight_id, "name": name});
            let added = session.command(Method::POST, PASSENGERS, Some(&body), Once::new(once)).await?;
            session.show::<4, Passenger>(&added)
        }
        PassengersCommand::Rename { id, name, once } => {
            let (path, body) = (format!("{PASSENGERS}/{id}"), json!({"name": name}));
            let renamed = session.command(Method::PUT, &path, Some(&body), Once::on(once, *id)).await?;
            session.show::<4, Passenger>(&renamed)
        }
        PassengersCommand::Board(on) => each(session, &on.ids, &on.once, "board", None).await,
        PassengersCommand::Offload { ids, reason, once } => {
            each(session, ids, once, "offload", Some(&json!({"reason": reason}))).await
        }
    }
}

async fn each(
    session: &Session,
    which: &Ids,
    once: &OnceArgs,
    action: &str,
    body: Option<&Value>,
) -> Result<(), Failure> {
    for &id in &which.ids {
        let path = format!("{PASSENGERS}/{id}/{action}");
        session.show::<4, Passenger>(&session.command(Method::POST, &path, body, Once::on(once, id)).await?)?;
    }
    Ok(())
}
