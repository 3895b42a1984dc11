//! What the audit log tells, and what it means: folded here independently of the services, with every rule of the two
//! domains checked at every position.

mod world;

use std::collections::{BTreeMap, HashSet};

pub(crate) use jetbridge_testing::Entry;
use jetbridge_testing::{Api, eventually};
use reqwest::StatusCode;

pub(crate) use self::world::World;
use crate::system::LIMIT;

/// The whole audit log, in the order in which it happened, and its position.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    pub(crate) position: String,
}

impl History {
    pub(crate) async fn read(api: &Api) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut after = String::new();
        loop {
            let page = api.get(&format!("/api/auditlog/all?limit=1000{after}")).send().await.expect(StatusCode::OK);
            let items: Vec<Entry> = serde_json::from_value(page.body["items"].clone()).expect("entries");
            if items.is_empty() {
                return Self { entries, position: page.position() };
            }
            entries.extend(items);
            after = format!("&after={}", page.body["next"].as_str().expect("a cursor"));
        }
    }

    /// What happened to this flight and its passengers.
    pub(crate) fn of_flight(&self, flight: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.flight() == flight).collect()
    }

    /// What came of the commands with this idempotency key.
    pub(crate) fn with_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.key() == Some(key))
    }

    /// What is so now. Fails if a rule was broken on the way.
    pub(crate) fn fold(&self) -> World {
        let mut world = World::default();
        let mut next = BTreeMap::from([("flight-stream", 0), ("passenger-stream", 0)]);
        let mut ids = HashSet::new();
        for entry in &self.entries {
            let number = next.get_mut(entry.stream.as_str()).expect("a stream of the two domains");
            assert_eq!(entry.event_number, *number, "{} has a gap", entry.stream);
            *number += 1;
            assert!(ids.insert(&entry.event_id), "twice: {entry:?}");
            if let Err(broken) = world.apply(entry) {
                let story: Vec<_> = self
                    .of_flight(entry.flight())
                    .into_iter()
                    .map(|entry| format!("{} {} {} {}", entry.stream, entry.event_number, entry.event_type, entry.data))
                    .collect();
                panic!("{broken}: at {} {}:\n{}", entry.stream, entry.event_number, story.join("\n"));
            }
        }
        world
    }

    /// The audit log once all reactions have been carried out.
    pub(crate) async fn settled(api: &Api) -> (Self, World) {
        Self::once(api, World::unfinished).await
    }

    /// The audit log once all reactions to what happened to this flight have been carried out.
    pub(crate) async fn settled_for(api: &Api, flight: &str) -> (Self, World) {
        Self::once(api, |world| world.unfinished_of(flight)).await
    }

    async fn once(api: &Api, unfinished: impl Fn(&World) -> Option<String>) -> (Self, World) {
        eventually("all reactions are carried out", LIMIT, async || {
            let history = Self::read(api).await;
            let world = history.fold();
            match unfinished(&world) {
                None => Ok((history, world)),
                Some(unfinished) => Err(unfinished),
            }
        })
        .await
    }
}
