use std::net::IpAddr;

use clap::Args;

use super::{List, ServiceUrl};

/// Where requests may go unencrypted.
#[derive(Debug, Clone, Args)]
pub struct PlainHttpArgs {
    /// Host of a service to which requests go unencrypted, with the service token, although it is neither this machine
    /// nor a private address nor a name without a dot. More than one: again, or separated by commas
    #[arg(long, value_name = "HOST", env = "JETBRIDGE_ALLOW_PLAIN_HTTP")]
    allow_plain_http: Vec<List<String>>,
}

/// A service is somewhere where nobody has said that requests may go unencrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{url} is neither this machine nor a private address: what goes there is not encrypted, and the service token is \
     part of it. Use https there, or, if the network can be trusted, say so with --allow-plain-http {host}"
)]
pub struct PlainHttpRefused {
    url: ServiceUrl,
    host: String,
}

impl PlainHttpArgs {
    /// Whether requests may go to all of these services as they are.
    ///
    /// # Errors
    /// [`PlainHttpRefused`] for the first to which they may not.
    pub fn check<'a>(&self, services: impl IntoIterator<Item = &'a ServiceUrl>) -> Result<(), PlainHttpRefused> {
        let is_allowed = |url: &ServiceUrl| {
            let host = url.authority().host();
            url.is_secure()
                || is_near(host)
                || self.allow_plain_http.iter().flat_map(|list| &list.0).any(|allowed| names(allowed, host))
        };
        match services.into_iter().find(|url| !is_allowed(url)) {
            Some(url) => Err(PlainHttpRefused { url: url.clone(), host: url.authority().host().to_owned() }),
            None => Ok(()),
        }
    }
}

fn names(allowed: &str, host: &str) -> bool {
    allowed.trim_matches(['[', ']']).eq_ignore_ascii_case(host.trim_matches(['[', ']']))
}

/// Whether it is this machine, or on a network that does not go far: a private address, or a name without a dot, as
/// containers have it.
fn is_near(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        // One that begins with a digit may be an address in another form.
        Err(_) => host.starts_with(|first: char| first.is_ascii_alphabetic()) && !host.contains('.'),
    }
}
