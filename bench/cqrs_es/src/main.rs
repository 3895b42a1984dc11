//! A baseline of `bench compare`: creates flights with the libraries `cqrs-es` and `postgres-es`, as their documentation
//! shows it, with a view of each flight. `DATABASE_URL` says where PostgreSQL is. Prints the address that it listens on.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::GenericQuery;
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, View};
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use uuid::Uuid;

/// As many as the other baseline and each of Jetbridge's services have.
const DATABASE_CONNECTIONS: u32 = 16;

/// Those of `postgres-es`, and the table of the view.
const TABLES: &str = "
    CREATE TABLE events (
        aggregate_type text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL,
        event_type text NOT NULL,
        event_version text NOT NULL,
        payload json NOT NULL,
        metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE flights (
        view_id text NOT NULL,
        version bigint CHECK (version >= 0) NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (view_id)
    )";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    flight_number: String,
    origin: String,
    destination: String,
    scheduled_departure: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Flight(Option<Details>);

enum Command {
    Create(Details),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Event {
    FlightCreated(Details),
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        "FlightCreated".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("there is such a flight")]
    Exists,
    #[error("a text is empty or too long")]
    Text,
}

impl Aggregate for Flight {
    type Command = Command;
    type Event = Event;
    type Error = Refused;
    type Services = ();

    const TYPE: &'static str = "flight";

    async fn handle(&mut self, command: Command, (): &(), sink: &EventSink<Self>) -> Result<(), Refused> {
        let Command::Create(details) = command;
        if self.0.is_some() {
            return Err(Refused::Exists);
        }
        let is_fine = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
        if !is_fine(&details.flight_number, 10) || !is_fine(&details.origin, 100) || !is_fine(&details.destination, 100)
        {
            return Err(Refused::Text);
        }
        sink.write(Event::FlightCreated(details), self).await;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        let Event::FlightCreated(details) = event;
        self.0 = Some(details);
    }
}

/// What a query would show of a flight.
#[derive(Debug, Default, Serialize, Deserialize)]
struct FlightView(Option<Details>);

impl View<Flight> for FlightView {
    fn update(&mut self, event: &EventEnvelope<Flight>) {
        let Event::FlightCreated(details) = &event.payload;
        self.0 = Some(details.clone());
    }
}

#[derive(Serialize)]
struct Created {
    id: Uuid,
    #[serde(flatten)]
    details: Details,
    status: &'static str,
}

async fn create(State(flights): State<Arc<PostgresCqrs<Flight>>>, Json(details): Json<Details>) -> Response {
    let id = Uuid::now_v7();
    match flights.execute(&id.to_string(), Command::Create(details.clone())).await {
        Ok(()) => {
            let created = Created { id, details, status: "waitingForBoarding" };
            (StatusCode::CREATED, [(header::LOCATION, format!("/flights/{id}"))], Json(created)).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = PgPoolOptions::new().max_connections(DATABASE_CONNECTIONS).connect(&env::var("DATABASE_URL")?).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let views = Arc::new(PostgresViewRepository::<FlightView, Flight>::new("flights", pool.clone()));
    let flights = postgres_cqrs(pool, vec![Box::new(GenericQuery::new(views))], ());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    let routes = Router::new().route("/flights", post(create)).with_state(Arc::new(flights));
    Ok(axum::serve(listener, routes).await?)
}
