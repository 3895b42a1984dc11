//! The command line of a domain's services, made from the domain's description.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::net::SocketAddr;

use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser};
use shared_kernel::Domain;

use crate::metrics::MetricsSettings;
use crate::process::ServiceArgs;
use crate::secret::SecretFileError;
use crate::server::{ConnectionLimits, ServerSettings, TlsArgs, TlsError};
use crate::service_tokens::{ServiceTokenArgs, ServiceTokenError, ServiceTokens};
use crate::settings::{
    DatabaseAddressError, DatabaseArgs, EventStoreArgs, ListenArgs, PlainHttpArgs, PlainHttpRefused, SecretUrl,
    ServiceCaArgs, ServiceTrust, ServiceTrustError, ServiceUrls,
};
use crate::telemetry::{LogArgs, TraceArgs};

/// One of the services of a domain, as far as its command line says so.
pub trait DomainService {
    /// The domain.
    const DOMAIN: &'static Domain;
    /// Which of the domain's services it is.
    const KIND: ServiceKind;
    /// What it is of the domain's collections, in a few words, such as "read model and reactions of".
    const PURPOSE: &'static str;
}

/// The services that every domain has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// It carries out commands, and answers queries.
    Api,
    /// It follows the domain's stream.
    Processor,
}

/// Where the APIs of other domains are, by the names of the domains.
pub type ApiUrls = BTreeMap<&'static str, ServiceUrls>;

/// The settings of a domain's service: what every one has, where the APIs are that it calls, and `O`, what only it has.
#[derive(Debug)]
pub struct DomainServiceArgs<S, O> {
    common: CommonArgs,
    apis: ApiUrls,
    /// What only it has.
    pub own: O,
    service: PhantomData<S>,
}

#[derive(Debug, Args)]
struct CommonArgs {
    #[command(flatten)]
    listen: ListenArgs<0>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    event_store: EventStoreArgs,
    #[command(flatten)]
    tokens: ServiceTokenArgs,
    #[command(flatten)]
    plain_http: PlainHttpArgs,
    #[command(flatten)]
    service_ca: ServiceCaArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    traces: TraceArgs,
}

impl<S, O> DomainServiceArgs<S, O> {
    /// Where it listens.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.common.listen.listen
    }

    /// For whom it listens.
    ///
    /// # Errors
    /// As [`TlsArgs::tls`].
    pub fn server(&self) -> Result<ServerSettings, TlsError> {
        let server = self.common.listen.server(ConnectionLimits::of_a_process());
        Ok(ServerSettings { tls: self.common.tls.tls()?, ..server })
    }

    /// The address of the domain's database, with what is in the files.
    ///
    /// # Errors
    /// As [`DatabaseArgs::address`].
    pub fn database(&self) -> Result<SecretUrl, DatabaseAddressError> {
        self.common.database.address()
    }

    /// How many connections to the database requests share.
    #[must_use]
    pub const fn database_connections(&self) -> usize {
        self.common.database.database_connections
    }

    /// The address of the event store, with what is in the files.
    ///
    /// # Errors
    /// As [`EventStoreArgs::address`].
    pub fn event_store(&self) -> Result<SecretUrl, SecretFileError> {
        self.common.event_store.address()
    }
}

impl<S, O> DomainServiceArgs<S, O> {
    /// By what it knows the other services, and they know it.
    ///
    /// # Errors
    /// As [`ServiceTokenArgs::tokens`].
    pub fn tokens(&self) -> Result<ServiceTokens, ServiceTokenError> {
        self.common.tokens.tokens()
    }

    /// Where the APIs are that it calls.
    ///
    /// # Errors
    /// As [`PlainHttpArgs::check`].
    pub fn apis(&self) -> Result<ApiUrls, PlainHttpRefused> {
        self.common.plain_http.check(self.apis.values().flatten())?;
        Ok(self.apis.clone())
    }

    /// How those that it calls over TLS prove who they are.
    ///
    /// # Errors
    /// As [`ServiceCaArgs::trust`].
    pub fn trust(&self) -> Result<ServiceTrust, ServiceTrustError> {
        self.common.service_ca.trust(self.apis.values().flatten())
    }
}

impl<S: DomainService, O: Args> CommandFactory for DomainServiceArgs<S, O> {
    fn command() -> Command {
        let (name, port, kind) = match S::KIND {
            ServiceKind::Api => (S::DOMAIN.api(), S::DOMAIN.api_port, "API"),
            ServiceKind::Processor => (S::DOMAIN.processor(), S::DOMAIN.processor_port, "processor"),
        };
        let (domain, collections) = (S::DOMAIN.name, S::DOMAIN.collections.join(" and "));
        let about = format!("Jetbridge's {domain} {kind}: {} {collections}", S::PURPOSE);
        let command = Command::new(name).version(env!("CARGO_PKG_VERSION")).about(about);
        let command = O::augment_args(CommonArgs::augment_args(command))
            .mut_arg("listen", |listen| listen.default_value(format!("127.0.0.1:{port}")));
        let apis = S::DOMAIN.calls.iter().map(|called| service_arg(called, "api").required(true));
        command.args(apis)
    }

    fn command_for_update() -> Command {
        Self::command()
    }
}

impl<S: DomainService, O: Args> FromArgMatches for DomainServiceArgs<S, O> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let apis = S::DOMAIN.calls.iter().filter_map(|called| Some((*called, service_urls(matches, called, "api")?)));
        Ok(Self {
            common: CommonArgs::from_arg_matches(matches)?,
            apis: apis.collect(),
            own: O::from_arg_matches(matches)?,
            service: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<S: DomainService, O: Args> Parser for DomainServiceArgs<S, O> {}

impl<S: DomainService, O: Args> ServiceArgs for DomainServiceArgs<S, O> {
    fn log(&self) -> &LogArgs {
        &self.common.log
    }

    fn metrics(&self) -> Option<MetricsSettings> {
        self.common.listen.metrics()
    }

    fn traces(&self) -> Option<&TraceArgs> {
        Some(&self.common.traces)
    }
}

/// A setting that says where a service of a domain is, such as `--gate-api` and `JETBRIDGE_GATE_API`. `kind` is `api`
/// or `processor`.
#[must_use]
pub fn service_arg(domain: &str, kind: &str) -> Arg {
    let id = format!("{domain}-{kind}");
    let mut help = format!("The {domain} {}", if kind == "api" { "API" } else { kind });
    // Writing to a string cannot fail.
    let _ = match kind {
        "api" => write!(
            help,
            ", such as http://host:8081, or https:// for TLS. Several instances of it are separated by commas"
        ),
        _ => write!(help, ", such as http://host:8091, or https:// for TLS, to show how it is"),
    };
    let variable = format!("JETBRIDGE_{}", id.to_uppercase().replace('-', "_"));
    Arg::new(id.clone()).long(id).value_name("URL").env(variable).help(help).value_parser(str::parse::<ServiceUrls>)
}

/// What the command line says of [`service_arg`].
#[must_use]
pub fn service_urls(matches: &ArgMatches, domain: &str, kind: &str) -> Option<ServiceUrls> {
    matches.get_one::<ServiceUrls>(&format!("{domain}-{kind}")).cloned()
}
