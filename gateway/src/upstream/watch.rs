//! Looks after the instances of services that have several: which there are, and which of them are ready.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::instance::{Instance, Said};
use super::resolve::{Place, Resolver};
use super::{Upstream, Upstreams};
use crate::health::{self, Unseen};

/// How often instances are asked how they are.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// How often names are looked up.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(5);

impl Upstreams {
    /// Looks after all services, for ever.
    pub(crate) async fn look_after(&self, resolver: &Resolver) {
        join_all(self.all().map(|upstream| look_after(self, upstream, resolver))).await;
    }
}

async fn look_after(upstreams: &Upstreams, upstream: &Upstream, resolver: &Resolver) {
    let mut places: Vec<_> = upstream.places.iter().cloned().map(Place::new).collect();
    let has_names = places.iter().any(Place::is_name);
    if !has_names && !upstream.has_several() {
        // Whatever it says, there is no other.
        return std::future::pending().await;
    }
    let mut looked_up: Option<Instant> = None;
    let mut has_failed = false;
    loop {
        if has_names && (has_failed || looked_up.is_none_or(|last| last.elapsed() >= LOOK_UP_INTERVAL)) {
            join_all(places.iter_mut().filter(|place| place.is_name()).map(|place| place.look_up(resolver))).await;
            looked_up = Some(Instant::now());
            adopt(upstreams, upstream, &places).await;
        }
        if upstream.has_several() {
            let instances = upstream.instances();
            join_all(instances.iter().map(|instance| ask(upstreams, upstream, instance))).await;
        }
        // A failure wakes this up, but once in a while only.
        tokio::time::sleep(PROBE_INTERVAL / 2).await;
        has_failed = tokio::time::timeout(PROBE_INTERVAL / 2, upstream.failed.notified()).await.is_ok();
    }
}

/// Takes over what was found. Instances that are there already stay what they are; others are asked first.
async fn adopt(upstreams: &Upstreams, upstream: &Upstream, places: &[Place]) {
    let old = upstream.instances();
    let found = places.iter().flat_map(|place| place.authorities().into_iter().map(|found| (found, &place.site)));
    let mut instances: Vec<Arc<Instance>> = Vec::new();
    let mut fresh = Vec::new();
    for (authority, site) in found {
        if instances.iter().any(|instance| instance.authority == authority) {
            continue;
        }
        let known = old.iter().find(|instance| instance.authority == authority);
        let instance = known.cloned().unwrap_or_else(|| Arc::new(Instance::new(authority, site.clone())));
        if known.is_none() {
            fresh.push(Arc::clone(&instance));
        }
        instances.push(instance);
    }
    if fresh.is_empty() && instances.len() == old.len() {
        return;
    }
    join_all(fresh.iter().map(|instance| ask(upstreams, upstream, instance))).await;
    tracing::info!(upstream.name = upstream.name, upstream.instances = instances.len(), "found instances of a service");
    upstream.replace(instances);
}

async fn ask(upstreams: &Upstreams, upstream: &Upstream, instance: &Instance) {
    let said = match health::ask(upstreams, instance).await {
        Ok(health) if health.is_ready() => Said::Ready,
        Ok(_) | Err(Unseen::Because(_)) => Said::NotReady,
        Err(Unseen::Late) => Said::Nothing,
    };
    let (name, place) = (&upstream.name, &instance.authority);
    match instance.said(said) {
        Some(true) => tracing::info!(upstream.name = name, upstream.instance = %place, "an instance is ready"),
        Some(false) => tracing::info!(upstream.name = name, upstream.instance = %place, "an instance is not ready"),
        None => {}
    }
}
