use std::collections::HashMap;
use std::hash::Hash;

use shared_kernel::Revision;
use uuid::Uuid;

/// What a batch of events comes to for each row of a table, so that each row is written once. `K` is the key, `P` the
/// parts of a row that may have changed.
#[derive(Debug)]
pub struct Changes<K, P> {
    rows: HashMap<K, Change<P>>,
    deleted: Vec<Uuid>,
}

#[derive(Debug)]
struct Change<P> {
    is_new: bool,
    version: Revision,
    parts: P,
}

/// A row to write: its key, the number of the last event about it, and what is written of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<V> {
    pub(super) key: Uuid,
    pub(super) version: Revision,
    pub(super) value: V,
}

impl<V> Changed<V> {
    /// What the events up to the one with this number come to for the row with this key.
    pub fn new(key: impl Into<Uuid>, version: Revision, value: V) -> Self {
        Self { key: key.into(), version, value }
    }
}

impl<K, P> Default for Changes<K, P> {
    fn default() -> Self {
        Self { rows: HashMap::new(), deleted: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash + Into<Uuid>, P: Default> Changes<K, P> {
    /// The parts of a row that the event with this number adds.
    pub fn add(&mut self, key: K, revision: Revision) -> &mut P {
        let change = self.touch(key, revision);
        change.is_new = true;
        &mut change.parts
    }

    /// The parts of a row that the event with this number is about.
    pub fn change(&mut self, key: K, revision: Revision) -> &mut P {
        &mut self.touch(key, revision).parts
    }

    /// A row is deleted.
    pub fn delete(&mut self, key: K) {
        self.rows.remove(&key);
        self.deleted.push(key.into());
    }

    /// The rows that are added, with what `pick` makes of them; those without are left out.
    pub fn added<'a, V>(&'a self, pick: impl Fn(&'a P) -> Option<V>) -> Vec<Changed<V>> {
        self.pick(true, pick)
    }

    /// The rows that are there already, with what `pick` makes of them; those without are left out.
    pub fn changed<'a, V>(&'a self, pick: impl Fn(&'a P) -> Option<V>) -> Vec<Changed<V>> {
        self.pick(false, pick)
    }

    /// The keys of the rows that are deleted.
    #[must_use]
    pub fn deleted(&self) -> &[Uuid] {
        &self.deleted
    }

    fn touch(&mut self, key: K, revision: Revision) -> &mut Change<P> {
        let unchanged = || Change { is_new: false, version: revision, parts: P::default() };
        let change = self.rows.entry(key).or_insert_with(unchanged);
        change.version = revision;
        change
    }

    fn pick<'a, V>(&'a self, is_new: bool, pick: impl Fn(&'a P) -> Option<V>) -> Vec<Changed<V>> {
        let rows = self.rows.iter().filter(|(_, change)| change.is_new == is_new);
        rows.filter_map(|(key, change)| Some(Changed::new(*key, change.version, pick(&change.parts)?))).collect()
    }
}
