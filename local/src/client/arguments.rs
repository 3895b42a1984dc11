//! The command line of the client.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use shared_service::telemetry::LogArgs;
use uuid::Uuid;

use super::server::ConnectionArgs;

/// What is asked of a server, of some kind.
#[derive(Debug, Args)]
#[command(mut_arg("filter", |filter| filter.default_value("warn").global(true)))]
#[command(mut_arg("format", |format| format.global(true)))]
pub(crate) struct Request<C: Subcommand> {
    #[command(subcommand)]
    pub(super) command: C,
    #[command(flatten)]
    pub(super) answers: Answers,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Answers {
    /// Write JSON as the server gives it, one document on each line, in place of tables
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// What is done with flights.
#[derive(Debug, Subcommand)]
pub(crate) enum FlightsCommand {
    /// Lists flights
    List {
        /// Only those with one of these statuses: waitingForBoarding, allBoarded, disembarked, arrived
        #[arg(long, value_name = "STATUS,…")]
        status: Option<String>,
        /// Only those whose number, origin or destination contains this
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        order: OrderArgs,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Shows flights
    Show(Ids),
    /// Creates a flight
    Create {
        /// Such as JB101
        #[arg(long)]
        flight_number: String,
        /// An IATA code or the name of a place
        #[arg(long, value_name = "PLACE")]
        origin: String,
        /// An IATA code or the name of a place
        #[arg(long, value_name = "PLACE")]
        destination: String,
        /// With an offset, such as 2026-05-01T12:30:00+02:00
        #[arg(long, value_name = "TIME")]
        scheduled_departure: Option<String>,
        #[command(flatten)]
        once: OnceArgs,
    },
    /// Corrects what is said about flights. What is not named stays, and nothing is changed that somebody else has
    /// changed meanwhile
    Correct {
        #[command(flatten)]
        ids: Ids,
        #[command(flatten)]
        details: CorrectionArgs,
        #[command(flatten)]
        once: OnceArgs,
    },
    /// Lets flights leave the gate: everybody has to be on board
    Disembark(OnIds),
    /// Lands flights
    Land(OnIds),
    /// Deletes flights and their passengers
    Delete(OnIds),
}

/// What is to be said about a flight from now on.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct CorrectionArgs {
    /// Such as JB101
    #[arg(long)]
    pub(super) flight_number: Option<String>,
    /// An IATA code or the name of a place
    #[arg(long, value_name = "PLACE")]
    pub(super) origin: Option<String>,
    /// An IATA code or the name of a place
    #[arg(long, value_name = "PLACE")]
    pub(super) destination: Option<String>,
    /// With an offset, such as 2026-05-01T12:30:00+02:00
    #[arg(long, value_name = "TIME")]
    pub(super) scheduled_departure: Option<String>,
    /// When it departs is not known
    #[arg(long, conflicts_with = "scheduled_departure")]
    pub(super) no_scheduled_departure: bool,
}

/// What is done with passengers.
#[derive(Debug, Subcommand)]
pub(crate) enum PassengersCommand {
    /// Lists passengers
    List {
        /// Only those of this flight
        #[arg(long, value_name = "ID")]
        flight_id: Option<Uuid>,
        /// Only those with one of these statuses: checkedIn, boarded, arrived, offloaded
        #[arg(long, value_name = "STATUS,…")]
        status: Option<String>,
        /// Only those whose name contains this
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        order: OrderArgs,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Shows passengers
    Show(Ids),
    /// Adds a passenger to a flight
    Add {
        /// The flight
        #[arg(long, value_name = "ID")]
        flight_id: Uuid,
        /// What they are called
        #[arg(long)]
        name: String,
        #[command(flatten)]
        once: OnceArgs,
    },
    /// Corrects a passenger's name
    Rename {
        /// Which passenger
        id: Uuid,
        /// What they are called
        #[arg(long)]
        name: String,
        #[command(flatten)]
        once: OnceArgs,
    },
    /// Boards passengers
    Board(OnIds),
    /// Takes passengers off their flight
    Offload {
        #[command(flatten)]
        ids: Ids,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        once: OnceArgs,
    },
}

/// What is done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Lists what has been recorded, the newest first
    List {
        /// Of what
        #[arg(default_value = "all")]
        log: Log,
        #[command(flatten)]
        about: AboutArgs,
        /// Recorded at this time or later, such as 2026-05-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Recorded before this time
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Shows what is recorded from now on, until it is interrupted (Ctrl+C). A connection that breaks is made again,
    /// and nothing is left out
    Follow {
        #[command(flatten)]
        about: AboutArgs,
        /// What comes after this cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
}

/// A list of the audit log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Log {
    /// Everything that has happened
    All,
    /// What has happened to flights
    Flights,
    /// What has happened to passengers
    Passengers,
    /// Commands that were refused
    Refusals,
}

/// What entries of the audit log are about.
#[derive(Debug, Args)]
pub(crate) struct AboutArgs {
    /// About this flight
    #[arg(long, value_name = "ID")]
    pub(super) flight_id: Option<Uuid>,
    /// About this passenger
    #[arg(long, value_name = "ID")]
    pub(super) passenger_id: Option<Uuid>,
    /// Of this type, such as FlightCreated
    #[arg(long, value_name = "TYPE")]
    pub(super) event_type: Option<String>,
    /// Asked for by them
    // The actor of the connection is who asks now.
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
}

/// How much of a list is wanted.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(super) limit: usize,
    /// What comes after this cursor: the next of an answer before
    #[arg(long, value_name = "CURSOR")]
    pub(super) after: Option<String>,
}

/// In which order a list is.
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// Show the newest first
    #[arg(long)]
    newest_first: bool,
}

impl OrderArgs {
    pub(super) fn parameter(&self) -> Option<String> {
        self.newest_first.then(|| "newestFirst".to_owned())
    }
}

/// Things that are meant.
#[derive(Debug, Args)]
pub(crate) struct Ids {
    /// Which, one after the other; the first that is refused ends it
    #[arg(value_name = "ID", required = true)]
    pub(super) ids: Vec<Uuid>,
}

/// Things that something is to be done with.
#[derive(Debug, Args)]
pub(crate) struct OnIds {
    #[command(flatten)]
    pub(super) ids: Ids,
    #[command(flatten)]
    pub(super) once: OnceArgs,
}

/// By what a command is known when it is repeated.
#[derive(Debug, Args)]
pub(crate) struct OnceArgs {
    /// Of commands with the same key one is carried out, within 24 hours. Where things are named by their ids, those
    /// are parts of it [default: a new one]
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    pub(super) idempotency_key: Option<String>,
}

/// An id, and what separates it, come after it.
fn idempotency_key(text: &str) -> Result<String, &'static str> {
    let is_key = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_key.then(|| text.to_owned()).ok_or("must be 1 to 200 visible ASCII characters")
}
