//! The addresses that a name stands for, looked up again and again: one that has several stands for as many instances.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::uri::{Authority, Scheme};
use tokio::time::timeout;

use super::site::Site;

/// How long looking up a name may take.
const LIMIT: Duration = Duration::from_secs(5);
/// So many addresses of one name are used, at most.
const MOST_ADDRESSES: usize = 64;
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

type Found = BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Finds the addresses of a host, with a port.
#[derive(Clone)]
pub struct Resolver(Arc<dyn Fn(String, u16) -> Found + Send + Sync>);

impl Resolver {
    /// One that asks this function.
    pub fn new<F>(find: impl Fn(String, u16) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self(Arc::new(move |host, port| Box::pin(find(host, port))))
    }
}

impl Default for Resolver {
    /// The system's.
    fn default() -> Self {
        Self::new(async |host: String, port| Ok(tokio::net::lookup_host((host, port)).await?.collect()))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

/// Where a service is, as somebody has set it: an address, or a name.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) site: Site,
    /// What the name was found to stand for, once that were several addresses. Connecting to one that stands for a single
    /// one, or for one of each family, looks it up by itself.
    several: Vec<SocketAddr>,
}

impl Place {
    pub(super) const fn new(site: Site) -> Self {
        Self { site, several: Vec::new() }
    }

    /// Whether it can come to stand for something else.
    pub(super) fn is_name(&self) -> bool {
        let host = self.site.authority.host().trim_matches(['[', ']']);
        host.parse::<std::net::IpAddr>().is_err()
    }

    /// Looks it up. What cannot be found out stays as it was.
    pub(super) async fn look_up(&mut self, Resolver(find): &Resolver) {
        let Site { scheme, authority, .. } = &self.site;
        let of_scheme = if *scheme == Scheme::HTTPS { HTTPS_PORT } else { HTTP_PORT };
        let (host, port) = (authority.host().to_owned(), authority.port_u16().unwrap_or(of_scheme));
        let mut found = match timeout(LIMIT, find(host, port)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                return tracing::debug!(upstream.place = %authority, "cannot look up a service: {error}");
            }
            Err(_elapsed) => return tracing::debug!(upstream.place = %authority, "no answer to a look-up in time"),
        };
        found.sort_unstable();
        found.dedup();
        // A process that listens for both families is one instance.
        let (v4, v6): (Vec<_>, Vec<_>) = found.into_iter().partition(SocketAddr::is_ipv4);
        let mut found = if v6.len() > v4.len() { v6 } else { v4 };
        found.truncate(MOST_ADDRESSES);
        if found.len() > 1 || !self.several.is_empty() && !found.is_empty() {
            self.several = found;
        }
    }

    /// Where its instances are.
    pub(super) fn authorities(&self) -> Vec<Authority> {
        if self.several.is_empty() {
            return vec![self.site.authority.clone()];
        }
        self.several.iter().filter_map(|address| Authority::try_from(address.to_string()).ok()).collect()
    }
}
