//! The gateway as a process of its own.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgMatches, Args as _, Command, CommandFactory, FromArgMatches, Parser};
use gateway::{
    AuthenticationArgs, AuthenticationFiles, ClientArgs, Config, DomainServices, LimitArgs, Resolver, Services, WebArgs,
};
use shared_access::keys::{KEYS, KEYS_ABOUT, KeysArgs, KeysError};
use shared_allocator as _;
use shared_kernel::Domain;
use shared_service::domain_service::{service_arg, service_urls};
use shared_service::process::{ServiceArgs, ended, run_service};
use shared_service::settings::{ListenArgs, PlainHttpArgs, ServiceCaArgs, ServiceUrl, ServiceUrls};
use shared_service::telemetry::{LogArgs, TraceArgs};
use shared_service::{ConnectionLimits, DrainArgs, MetricsSettings, ServiceNames, ServiceTokenArgs, TlsArgs};
use tokio_util::sync::CancellationToken;

/// The settings: those of the gateway itself, and where the services of each domain are.
#[derive(Debug)]
struct Args {
    own: OwnArgs,
    domains: Vec<DomainServices>,
}

/// Jetbridge's gateway: the one address that clients talk to
#[derive(Debug, Parser)]
#[command(name = "gateway", version)]
struct OwnArgs {
    #[command(flatten)]
    listen: ListenArgs<8080>,
    /// The audit log API, such as http://host:8083, or https:// for TLS. Several instances of it are separated by commas
    #[arg(long, value_name = "URL", env = "JETBRIDGE_AUDITLOG_API")]
    auditlog_api: ServiceUrls,
    #[command(flatten)]
    limits: LimitArgs,
    /// Seconds that a service may take until its answer begins
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_REQUEST_LIMIT", default_value_t = 35)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3600))]
    request_limit: u32,
    #[command(flatten)]
    tokens: ServiceTokenArgs,
    #[command(flatten)]
    plain_http: PlainHttpArgs,
    #[command(flatten)]
    service_ca: ServiceCaArgs,
    #[command(flatten)]
    authentication: AuthenticationArgs,
    #[command(flatten)]
    clients: ClientArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    drain: DrainArgs,
    #[command(flatten)]
    web: WebArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    traces: TraceArgs,
}

impl CommandFactory for Args {
    fn command() -> Command {
        let of_domain =
            |domain: &Domain| [service_arg(domain.name, "api").required(true), service_arg(domain.name, "processor")];
        let keys = KeysArgs::augment_args(Command::new(KEYS).about(KEYS_ABOUT));
        OwnArgs::command().args(domains::ALL.iter().copied().flat_map(of_domain)).subcommand(keys)
    }

    fn command_for_update() -> Command {
        Self::command()
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let of_domain = |domain: &'static Domain| {
            let api = service_urls(matches, domain.name, "api")?;
            Some(DomainServices { domain, api, processor: service_urls(matches, domain.name, "processor") })
        };
        let domains = domains::ALL.iter().copied().filter_map(of_domain).collect();
        Ok(Self { own: OwnArgs::from_arg_matches(matches)?, domains })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Parser for Args {}

impl ServiceArgs for Args {
    fn log(&self) -> &LogArgs {
        &self.own.log
    }

    fn metrics(&self) -> Option<MetricsSettings> {
        self.own.listen.metrics()
    }

    fn traces(&self) -> Option<&TraceArgs> {
        Some(&self.own.traces)
    }

    fn carry_out(subcommand: &str, matches: &ArgMatches) -> Option<ExitCode> {
        let change = || {
            let KeysArgs { access_keys_file, command } = KeysArgs::from_arg_matches(matches)?;
            let names = ServiceNames::of(domains::ALL.iter().map(|domain| domain.name));
            command.run(&access_keys_file.ok_or(KeysError::NoFile)?, |name| names.contain(name))?;
            Ok(())
        };
        (subcommand == KEYS).then(|| ended(change()))
    }
}

impl Args {
    fn config(self) -> Result<Config, Box<dyn Error + Send + Sync>> {
        let Self { own, domains } = self;
        let services = domains.iter().flat_map(|domain| [Some(&domain.api), domain.processor.as_ref()]);
        let services: Vec<&ServiceUrl> = services.flatten().chain([&own.auditlog_api]).flatten().collect();
        own.plain_http.check(services.iter().copied())?;
        let trust = own.service_ca.trust(services)?;
        let mut server = own.clients.applied_to(own.listen.server(ConnectionLimits::of_a_process()));
        server.public_hosts.extend(own.authentication.public_host());
        (server.drain, server.tls) = (own.drain.drain(), own.tls.tls()?);
        Ok(Config {
            authentication: own.authentication.open(AuthenticationFiles::default(), &server.allowed_origins)?,
            trusted_proxies: own.clients.trusted_proxies(),
            resolver: Resolver::default(),
            trust,
            services: Services { domains, auditlog_api: own.auditlog_api },
            tokens: own.tokens.tokens()?,
            documents: gateway::documents(),
            limits: own.limits.limits(Duration::from_secs(own.request_limit.into())),
            web_dir: own.web.web_dir,
            server,
        })
    }
}

fn main() -> ExitCode {
    run_service(|args: Args, shutdown: CancellationToken| async move {
        let listen = args.own.listen.listen;
        args.own.authentication.check(listen)?;
        let config = args.config()?;
        let listener = shared_service::bind(listen).await?;
        gateway::run(config, listener, shutdown).await;
        Ok::<(), Box<dyn Error + Send + Sync>>(())
    })
}
