//! What the command line of a processor has beside that of every service: the subcommand `rebuild`.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser};
use shared_infrastructure::postgres::{Database, DatabaseError, InvalidDatabaseUrl};
use shared_infrastructure::reader::Projection;
use shared_infrastructure::rebuild::{Rebuild, RebuildStatus};
use shared_service::MetricsSettings;
use shared_service::domain_service::DomainServiceArgs;
use shared_service::process::{ServiceArgs, ended};
use shared_service::settings::{DatabaseAddressError, DatabaseArgs};
use shared_service::telemetry::{LogArgs, TraceArgs};
use tokio::time::{Instant, sleep};

use crate::{DomainProcessor, NoMore, ProcessorService};

/// The subcommand that asks for a rebuild.
const REBUILD: &str = "rebuild";
/// Who has asked for it, for people.
const ASKED_BY: &str = "the command line of a processor";
/// How often it is looked how far it has come.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long PostgreSQL may be away while it is waited.
const LONGEST_OUTAGE: Duration = Duration::from_secs(60);

/// The settings of a processor, and what its program does instead of running it.
pub(crate) struct ProcessorArgs<P: DomainProcessor>(pub(crate) DomainServiceArgs<ProcessorService<P>, NoMore>);

/// What a rebuild is asked for with: the database alone, whoever leads looks there.
#[derive(Debug, Args)]
struct RebuildArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Wait until it is done: exit code 0 then, 1 if it fails. It goes on if this is interrupted
    #[arg(long)]
    wait: bool,
}

impl<P: DomainProcessor> CommandFactory for ProcessorArgs<P> {
    fn command() -> Command {
        let about = "Asks the running processor to rebuild the read model beside the one that is shown, and to put it in \
                     its place";
        let rebuild = RebuildArgs::augment_args(Command::new(REBUILD).about(about));
        DomainServiceArgs::<ProcessorService<P>, NoMore>::command().subcommand(rebuild)
    }

    fn command_for_update() -> Command {
        Self::command()
    }
}

impl<P: DomainProcessor> FromArgMatches for ProcessorArgs<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        DomainServiceArgs::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<P: DomainProcessor> Parser for ProcessorArgs<P> {}

impl<P: DomainProcessor> ServiceArgs for ProcessorArgs<P> {
    fn log(&self) -> &LogArgs {
        self.0.log()
    }

    fn metrics(&self) -> Option<MetricsSettings> {
        self.0.metrics()
    }

    fn traces(&self) -> Option<&TraceArgs> {
        self.0.traces()
    }

    fn carry_out(subcommand: &str, matches: &ArgMatches) -> Option<ExitCode> {
        let rebuild = || {
            let args = RebuildArgs::from_arg_matches(matches)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(rebuild::<P>(&args))?;
            Ok(())
        };
        (subcommand == REBUILD).then(|| ended(rebuild()))
    }
}

/// Why there is no rebuild.
#[derive(Debug, thiserror::Error)]
enum NotRebuilt {
    /// A setting.
    #[error(transparent)]
    Address(#[from] DatabaseAddressError),
    /// The same.
    #[error(transparent)]
    Url(#[from] InvalidDatabaseUrl),
    /// PostgreSQL is away or refuses it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is one.
    #[error("the read model of {0} is being rebuilt already")]
    Running(&'static str),
    /// It has ended unseen.
    #[error("the rebuild of {0} has ended, and another one was asked for since; look whether that succeeds")]
    Replaced(&'static str),
    /// It was begun, and given up.
    #[error("the rebuild has failed, and what was shown before still is: {0}")]
    Failed(String),
}

async fn rebuild<P: DomainProcessor>(args: &RebuildArgs) -> Result<(), NotRebuilt> {
    let database = Database::with_connections(args.database.address()?.expose(), 1)?;
    let (name, read_model) = (<P::Projection as Projection>::NAME, P::DOMAIN.list());
    let asked = Rebuild::ask(&database, name, ASKED_BY).await?.ok_or(NotRebuilt::Running(read_model))?;
    say(&format!("{read_model}: asked for; whichever instance leads rebuilds it"));
    if !args.wait {
        return Ok(());
    }
    let mut answers_until = Instant::now() + LONGEST_OUTAGE;
    loop {
        sleep(LOOK_INTERVAL).await;
        let last = match Rebuild::last(&database, name).await {
            Err(error) if Instant::now() >= answers_until => return Err(error.into()),
            Err(_) => continue,
            Ok(last) => last,
        };
        answers_until = Instant::now() + LONGEST_OUTAGE;
        let same = last.filter(|last| last.asked_at == asked.asked_at);
        let last = same.ok_or(NotRebuilt::Replaced(read_model))?;
        match last.status {
            RebuildStatus::Running => {}
            RebuildStatus::Done => {
                say(&format!("{read_model}: done, {} events", last.events));
                return Ok(());
            }
            RebuildStatus::Failed => return Err(NotRebuilt::Failed(last.reason.unwrap_or_default())),
        }
    }
}

fn say(line: &str) {
    // If nobody reads it, there is nobody to tell.
    let _ = writeln!(io::stdout().lock(), "{line}");
}
