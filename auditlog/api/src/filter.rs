//! Which events of the audit log are wanted.

use jiff::{SignedDuration, Timestamp};
use shared_infrastructure::event_store::Recorded;
use shared_kernel::{Domain, Order, Text};
use shared_service::{Params, parse};
use uuid::Uuid;

use crate::facets::Facets;

/// By how much the event store's clock may be set back, or differ between its nodes, without an entry being missed that
/// is looked for by its time.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// Only events that meet all conditions that are given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// The things that they are about: fields of their data, and the values that these must have.
    things: Vec<(&'static str, Uuid)>,
    event_type: Option<Text<100>>,
    actor: Option<Text<100>>,
    times: Times,
}

/// When events were recorded, by the clock of the event store.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// Not before.
    from: Option<Timestamp>,
    /// Before.
    to: Option<Timestamp>,
}

impl Times {
    fn read(params: &mut Params) -> Self {
        let (from, to) = (params.optional("from", parse::instant), params.optional("to", parse::instant));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            params.fault("from", "must not be later than the query parameter to");
        }
        Self { from, to }
    }

    const fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn contain(&self, created: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= created) && self.to.is_none_or(|to| created < to)
    }

    /// In this order, what was recorded on the near side of it is not wanted: before it, oldest first; at it or after
    /// it, newest first. `None` if all is.
    pub(crate) fn near(&self, order: Order) -> Option<Timestamp> {
        match order {
            Order::OldestFirst => earlier(self.from?),
            Order::NewestFirst => later(self.to?),
        }
    }

    /// Whether in this order nothing is wanted any more from an event on that was recorded then.
    pub(crate) fn are_over(&self, order: Order, created: Timestamp) -> bool {
        match order {
            Order::OldestFirst => self.to.and_then(later).is_some_and(|end| created >= end),
            Order::NewestFirst => self.from.and_then(earlier).is_some_and(|end| created < end),
        }
    }
}

fn earlier(time: Timestamp) -> Option<Timestamp> {
    time.checked_sub(CLOCK_TOLERANCE).ok()
}

fn later(time: Timestamp) -> Option<Timestamp> {
    time.checked_add(CLOCK_TOLERANCE).ok()
}

impl Filter {
    /// Reads the parameters of a query for entries that were recorded: those of [`Filter::read_live`], and `from` and
    /// `to`.
    pub(crate) fn read(domains: &[&'static Domain], params: &mut Params) -> Self {
        Self { times: Times::read(params), ..Self::read_live(domains, params) }
    }

    /// Reads the parameters of a query for entries as they come: the identifiers of the things of each domain, such as
    /// `flightId`, `eventType` and `actor`.
    pub(crate) fn read_live(domains: &[&'static Domain], params: &mut Params) -> Self {
        let about = Self::read_things(domains, params);
        Self {
            event_type: params.optional("eventType", Text::new),
            actor: params.optional("actor", Text::new),
            ..about
        }
    }

    /// Reads the parameters of a query for changes: the identifiers of the things of each domain.
    pub(crate) fn read_things(domains: &[&'static Domain], params: &mut Params) -> Self {
        let fields = domains.iter().map(|domain| domain.id_field);
        let things = fields.filter_map(|field| Some((field, params.optional(field, parse::id)?)));
        Self { things: things.collect(), ..Self::default() }
    }

    /// Whether every event is wanted.
    pub(crate) const fn is_open(&self) -> bool {
        self.event_type.is_none() && self.times.is_open() && !self.looks_inside()
    }

    /// Whether it takes what is in the data or metadata of an event.
    const fn looks_inside(&self) -> bool {
        !self.things.is_empty() || self.actor.is_some()
    }

    /// When the events were recorded that are wanted.
    pub(crate) const fn times(&self) -> &Times {
        &self.times
    }

    pub(crate) fn matches(&self, event: &Recorded) -> bool {
        self.matches_outside(&event.event_type, event.created)
            && (!self.looks_inside() || self.matches_inside(&Facets::of(event)))
    }

    /// The same for an event whose facets are known.
    pub(crate) fn admits(&self, facets: &Facets) -> bool {
        self.matches_outside(&facets.event_type, facets.created) && self.matches_inside(facets)
    }

    fn matches_outside(&self, event_type: &str, created: Timestamp) -> bool {
        self.event_type.as_ref().is_none_or(|wanted| wanted.as_str() == event_type) && self.times.contain(created)
    }

    fn matches_inside(&self, facets: &Facets) -> bool {
        let of_actor = self.actor.as_ref().is_none_or(|wanted| facets.actor.as_deref() == Some(wanted.as_str()));
        of_actor && self.things.iter().all(|(field, wanted)| facets.thing(field) == Some(*wanted))
    }
}
