//! The services behind the gateway: which instances each has, and which of them answers a request.

mod instance;
mod meters;
mod resolve;
mod site;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use axum::body::Body;
use http::{Request, Response, header};
use hyper_util::client::legacy;
use shared_kernel::Domain;
use shared_service::settings::ServiceUrls;
use shared_service::{InProcess, ServiceTokens};
use shared_telemetry::Counter;
use tokio::sync::Notify;

use crate::config::{Config, DomainServices, Services};
use crate::traced;
pub(crate) use instance::{Instance, Lease, Standing};
pub(crate) use meters::measured;
pub use resolve::Resolver;
use site::{Site, Sites};

/// What the audit log API answers for.
const OF_AUDIT_LOG: [&str; 2] = ["auditlog", "changes"];

/// A service behind the gateway.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Its name, for people.
    pub(crate) name: String,
    /// Where it is, as somebody has set it.
    places: Vec<Site>,
    instances: ArcSwap<Vec<Arc<Instance>>>,
    /// Whose turn it is among those that have as much to do.
    turn: AtomicUsize,
    /// Told of each instance that is left out because a request to it has failed.
    failed: Notify,
    /// How often one was.
    ejections: Counter,
}

impl Upstream {
    fn new(name: String, places: &ServiceUrls, sites: &Sites) -> Self {
        let places: Vec<_> = places.iter().map(|url| sites.at(url)).collect();
        let instances =
            places.iter().map(|place| Arc::new(Instance::new(place.authority.clone(), place.clone()))).collect();
        let (turn, failed, ejections) = (AtomicUsize::new(0), Notify::new(), meters::ejections(&name));
        Self { name, places, instances: ArcSwap::from_pointee(instances), turn, failed, ejections }
    }

    /// Its instances at the moment, at least one.
    pub(crate) fn instances(&self) -> Arc<Vec<Arc<Instance>>> {
        self.instances.load_full()
    }

    /// Whether there is more than one to choose from.
    pub(crate) fn has_several(&self) -> bool {
        self.instances.load().len() > 1
    }

    fn replace(&self, instances: Vec<Arc<Instance>>) {
        if !instances.is_empty() {
            self.instances.store(Arc::new(instances));
        }
    }

    /// The instance with the fewest requests in flight, of those that are ready and have not failed; of all, if there are
    /// none.
    pub(crate) fn pick(&self) -> Option<Lease> {
        self.pick_other_than(None)
    }

    /// As [`Self::pick`], but never this one.
    pub(crate) fn pick_other_than(&self, tried: Option<&Instance>) -> Option<Lease> {
        let instances = self.instances.load();
        if let ([only], None) = (instances.as_slice(), tried) {
            return Some(Lease::of(only));
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % instances.len().max(1);
        let (before, after) = instances.split_at(turn);
        let others = || {
            let all = after.iter().chain(before);
            all.filter(|one| tried.is_none_or(|tried| tried.authority != one.authority))
        };
        let usable = others().filter(|instance| instance.is_usable()).min_by_key(|instance| instance.in_flight());
        usable.or_else(|| others().min_by_key(|instance| instance.in_flight())).map(Lease::of)
    }

    /// Takes note that a request to one of its instances has failed.
    pub(crate) fn note_failure(&self, instance: &Instance, reason: &str) {
        if self.has_several() && instance.eject() {
            let (name, place) = (&self.name, &instance.authority);
            tracing::warn!(upstream.name = name, upstream.instance = %place, reason, "left out an instance that failed");
            self.ejections.inc();
            self.failed.notify_one();
        }
    }
}

/// The processor of a domain.
#[derive(Debug)]
pub(crate) struct Processor {
    pub(crate) domain: &'static Domain,
    /// `None` if the gateway was not told where it is.
    pub(crate) upstream: Option<Upstream>,
}

/// The services behind the gateway, and the connections to them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    /// Those that are here too, which are asked without a connection.
    in_process: InProcess,
    /// By what they know the gateway.
    tokens: ServiceTokens,
    /// The APIs of the domains, each with its domain.
    apis: Vec<(&'static Domain, Upstream)>,
    auditlog_api: Upstream,
    processors: Vec<Processor>,
}

impl Upstreams {
    pub(crate) fn new(config: Config) -> Self {
        let Services { domains, auditlog_api } = config.services;
        let sites = Sites::new(&config.limits, config.trust);
        let mut upstreams = Self {
            in_process: config.server.in_process,
            tokens: config.tokens,
            apis: Vec::new(),
            auditlog_api: Upstream::new("auditlog-api".to_owned(), &auditlog_api, &sites),
            processors: Vec::new(),
        };
        for DomainServices { domain, api, processor } in domains {
            upstreams.apis.push((domain, Upstream::new(domain.api(), &api, &sites)));
            let upstream = processor.map(|urls| Upstream::new(domain.processor(), &urls, &sites));
            upstreams.processors.push(Processor { domain, upstream });
        }
        upstreams
    }

    /// Sends a request to an instance of a service, which it is addressed to. All that the gateway sends to any of them
    /// goes through here, with what they know it by.
    pub(crate) async fn send(
        &self,
        instance: &Instance,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, legacy::Error> {
        request.headers_mut().insert(header::AUTHORIZATION, self.tokens.authorization());
        let service = request.uri().host().unwrap_or_default().to_owned();
        let here = request.uri().authority().and_then(|place| self.in_process.to(place));
        traced::ask(&service, request, async |request| match here {
            Some(asking) => Ok(asking.send(request).await),
            None => Ok(instance.site.request(request).await?.map(Body::new)),
        })
        .await
    }

    /// The collection that this path is of, if there is one of that name.
    pub(crate) fn collection(&self, path: &str) -> Option<&'static str> {
        let resource = path.strip_prefix("/api/")?;
        let name = resource.split_once('/').map_or(resource, |(collection, _)| collection);
        let of_domains = self.apis.iter().flat_map(|(domain, _)| domain.collections.iter().copied());
        OF_AUDIT_LOG.into_iter().chain(of_domains).find(|collection| *collection == name)
    }

    /// The service that answers for this path.
    pub(crate) fn for_path(&self, path: &str) -> Option<&Upstream> {
        let collection = self.collection(path)?;
        if OF_AUDIT_LOG.contains(&collection) {
            return Some(&self.auditlog_api);
        }
        self.apis.iter().find(|(domain, _)| domain.collections.contains(&collection)).map(|(_, api)| api)
    }

    /// The processor of each domain.
    pub(crate) fn processors(&self) -> &[Processor] {
        &self.processors
    }

    /// Those that answer clients.
    pub(crate) fn apis(&self) -> impl Iterator<Item = &Upstream> {
        self.apis.iter().map(|(_, api)| api).chain([&self.auditlog_api])
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Upstream> {
        let processors = self.processors.iter().filter_map(|processor| processor.upstream.as_ref());
        self.apis().chain(processors)
    }
}
