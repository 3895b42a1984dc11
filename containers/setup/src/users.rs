use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use shared_infrastructure::event_store::{
    AppendFailure, EventMetadata, EventStore, InvalidAddress, Refusal, StoreError, StreamRights, UserChange,
};
use shared_infrastructure::refusals::{KEEP_REFUSALS_FOR, REFUSALS};
use shared_service::secret::{Secret, SecretFileError};
use shared_service::settings::{EventStoreArgs, SecretUrl};
use tokio::time::sleep;

/// What events say that this program has written.
const ACTOR: &str = "setup";
const SCHEMA_VERSION: u32 = 1;
/// The log of all streams, of which rights are said as of a stream.
const ALL_STREAMS: &str = "$all";
/// Services that are of no domain.
const AUDIT_LOG: &str = "auditlog-api";
const VERIFY: &str = "verify";

/// How long an event store that has just been started may take until it can be written to.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(1);
const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

/// Who uses the event store.
#[derive(Debug, Args)]
pub(crate) struct UsersArgs {
    #[command(flatten)]
    event_store: EventStoreArgs,
    /// Name of a service, such as flight-api, which its user has too, and the file with that user's password
    #[arg(long = "user", value_name = "NAME=FILE", required = true)]
    users: Vec<NamedUser>,
    /// Days for which refused commands are kept, as the APIs have it; 0 if they record none
    #[arg(long, value_name = "DAYS", env = "JETBRIDGE_KEEP_REFUSALS")]
    #[arg(default_value_t = KEEP_REFUSALS_FOR.as_secs() / SECONDS_OF_A_DAY)]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(0..=36_500))]
    keep_refusals: u64,
}

/// A service, and the file with the password of its user.
#[derive(Debug, Clone)]
pub(crate) struct NamedUser {
    name: String,
    file: PathBuf,
}

impl FromStr for NamedUser {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').ok_or("must be like NAME=FILE")?;
        let known = names();
        if !known.iter().any(|service| service == name) {
            return Err(format!("is not for a service that uses the event store: {}", known.join(", ")));
        }
        if file.is_empty() {
            return Err("must be like NAME=FILE".to_owned());
        }
        Ok(Self { name: name.to_owned(), file: PathBuf::from(file) })
    }
}

/// Users or rights are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsersError {
    /// A password is missing or of no use.
    #[error(transparent)]
    Password(#[from] SecretFileError),
    /// The address of the event store is of no use.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// A right cannot be given.
    #[error("cannot say who may do what with {stream}")]
    Rights {
        /// The stream.
        stream: String,
        /// Why.
        source: AppendFailure,
    },
    /// A user cannot be made.
    #[error("cannot make the user {name}")]
    User {
        /// The name.
        name: String,
        /// Why.
        source: StoreError,
    },
}

/// Who may do what with which stream. This is the one place where it is said.
fn rights() -> Vec<(&'static str, StreamRights)> {
    let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let apis: Vec<_> = domains::ALL.iter().map(|domain| domain.api()).collect();
    let of_domain = |domain: &&shared_kernel::Domain| {
        let mut read = vec![domain.api(), domain.processor()];
        read.extend(strings(&[AUDIT_LOG, VERIFY]));
        (domain.stream.name, StreamRights { read_metadata: read.clone(), read, append: vec![domain.api()] })
    };
    let mut know_age = apis.clone();
    know_age.push(AUDIT_LOG.to_owned());
    let refusals = StreamRights { read: strings(&[AUDIT_LOG]), append: apis, read_metadata: know_age };
    let all = StreamRights { read: strings(&[AUDIT_LOG]), ..StreamRights::default() };
    domains::ALL.iter().map(of_domain).chain([(REFUSALS.name, refusals), (ALL_STREAMS, all)]).collect()
}

/// The services that use the event store.
fn names() -> Vec<String> {
    let of_domains = domains::ALL.iter().flat_map(|domain| [domain.api(), domain.processor()]);
    of_domains.chain([AUDIT_LOG.to_owned(), VERIFY.to_owned()]).collect()
}

/// Makes sure that there are these users, and that they and others have the rights that they need and no more. Says what
/// was done. An event store that is not ready yet is waited for.
pub(crate) async fn ensure(args: &UsersArgs) -> Result<Vec<String>, UsersError> {
    let address = args.event_store.address()?;
    let event_store = EventStore::new(address.expose())?;
    let mut users = Vec::new();
    for user in &args.users {
        users.push((user, Secret::read(&user.file)?));
    }
    let mut done = vec![give_rights(&event_store, args.keep_refusals).await?];
    for (NamedUser { name, .. }, password) in users {
        let change = ensure_user(&event_store, &address, name, &password).await?;
        done.push(format!("user {name}: {change}"));
    }
    Ok(done)
}

async fn give_rights(event_store: &EventStore, keep_refusals: u64) -> Result<String, UsersError> {
    let written_by = &EventMetadata::unasked(ACTOR, SCHEMA_VERSION);
    let deadline = Instant::now() + PATIENCE;
    let mut has_changed = false;
    for (stream, rights) in &rights() {
        let failed = |source| UsersError::Rights { stream: (*stream).to_owned(), source };
        has_changed |=
            patiently(deadline, || event_store.allow(stream, rights, written_by), is_passing).await.map_err(failed)?;
    }
    if keep_refusals > 0 {
        let (stream, age) = (REFUSALS.name, Duration::from_secs(keep_refusals * SECONDS_OF_A_DAY));
        let failed = |source| UsersError::Rights { stream: stream.to_owned(), source };
        let keep = || event_store.keep_events_for(stream, age, written_by);
        has_changed |= patiently(deadline, keep, is_passing).await.map_err(failed)?;
    }
    // Last of all: until here, what a service had before goes on.
    let failed = |source| UsersError::Rights { stream: "other streams".to_owned(), source };
    let nothing_else = || event_store.allow_nothing_else(written_by);
    has_changed |= patiently(deadline, nothing_else, is_passing).await.map_err(failed)?;
    Ok(format!("rights: {}", if has_changed { "given" } else { "kept" }))
}

/// Makes a user with this password, unless the event store knows the two.
async fn ensure_user(
    event_store: &EventStore,
    address: &SecretUrl,
    name: &str,
    password: &Secret,
) -> Result<&'static str, UsersError> {
    let deadline = Instant::now() + PATIENCE;
    let failed = |source| UsersError::User { name: name.to_owned(), source };
    let as_user = EventStore::new(address.with_user(name, password).expose())?;
    // Each may read one of them, so it is the password that is not known where none can be read.
    let readable = rights().into_iter().find(|(_, rights)| rights.read.iter().any(|user| user == name));
    let stream = readable.map_or(REFUSALS.name, |(stream, _)| stream);
    let is_unavailable = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
    match patiently(deadline, || as_user.last_event(stream), is_unavailable).await {
        Ok(_) => return Ok("kept"),
        Err(StoreError::Refused(Refusal::AccessDenied(_))) => {}
        Err(error) => return Err(failed(error)),
    }
    let full_name = format!("Jetbridge {name}");
    let set = || event_store.set_user(name, &full_name, password.expose());
    let change = patiently(deadline, set, is_unavailable).await.map_err(failed)?;
    patiently(deadline, || as_user.last_event(stream), |_| true).await.map_err(failed)?;
    Ok(match change {
        UserChange::Made => "made",
        UserChange::PasswordSet => "has this password now",
    })
}

fn is_passing(failure: &AppendFailure) -> bool {
    matches!(failure, AppendFailure::NotWritten(StoreError::Unavailable(_)) | AppendFailure::Unknown(_))
}

/// Tries again, until the deadline, what fails in a way that may pass.
async fn patiently<T, E>(
    deadline: Instant,
    attempt: impl AsyncFn() -> Result<T, E>,
    may_pass: impl Fn(&E) -> bool,
) -> Result<T, E> {
    loop {
        match attempt().await {
            Err(error) if may_pass(&error) && Instant::now() < deadline => sleep(PAUSE).await,
            outcome => return outcome,
        }
    }
}
