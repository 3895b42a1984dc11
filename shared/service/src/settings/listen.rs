use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::host::HostName;
use crate::metrics::MetricsSettings;
use crate::server::{ConnectionLimits, ServerSettings};

/// Where a service listens, `PORT` on the loopback interface unless set, and for whom.
#[derive(Debug, Clone, Args)]
pub struct ListenArgs<const PORT: u16> {
    /// Address to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "JETBRIDGE_LISTEN",
        default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))
    )]
    pub listen: SocketAddr,
    /// Name for which requests are answered, beside localhost, the machine's own name and IP addresses. More than one:
    /// again, or separated by commas
    #[arg(long, value_name = "NAME", env = "JETBRIDGE_PUBLIC_HOST")]
    public_host: Vec<List<HostName>>,
    /// Address to answer Prometheus on, GET /metrics and nothing else, to whoever reaches it: one of this machine or of an
    /// inner network [default: none]
    #[arg(long, value_name = "ADDRESS", env = "JETBRIDGE_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Connections at a time; beyond that, silent and idle ones are closed, and then new ones [default: 10000, fewer
    /// where few files may be open]
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_MAX_CONNECTIONS")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    max_connections: Option<usize>,
    /// Seconds for which a connection is kept between two requests. Longer than what is in front keeps it
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_IDLE_TIMEOUT", default_value_t = 75)]
    #[arg(value_parser = clap::value_parser!(u32).range(30..=3600))]
    idle_timeout: u32,
}

impl<const PORT: u16> ListenArgs<PORT> {
    /// For whom it listens. What is not set is as it is in `limits`.
    #[must_use]
    pub fn server(&self, limits: ConnectionLimits) -> ServerSettings {
        let limits = ConnectionLimits {
            connections: self.max_connections.unwrap_or(limits.connections),
            idle: Duration::from_secs(self.idle_timeout.into()),
            ..limits
        };
        let public_hosts = self.public_host.iter().flat_map(|names| names.0.iter().cloned()).collect();
        ServerSettings { public_hosts, limits, ..ServerSettings::default() }
    }

    /// Where Prometheus is answered, if it is.
    #[must_use]
    pub fn metrics(&self) -> Option<MetricsSettings> {
        let server = self.server(ConnectionLimits::default());
        self.metrics_listen.map(|listen| MetricsSettings { listen, server })
    }
}

/// Values of a setting, separated by commas. There may be none: an empty variable is as good as one that is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        let parts = text.split(',').map(str::trim);
        if text.trim().is_empty() {
            Ok(Self(Vec::new()))
        } else {
            parts.map(str::parse).collect::<Result<_, _>>().map(Self)
        }
    }
}
