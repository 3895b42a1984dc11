use std::collections::BTreeSet;

use crate::Revision;

/// Which versions of a thing a command is meant for: `If-Match` and `If-None-Match` (RFC 9110, 13.1) in the words of
/// the rules. Both have to be met. A command on what does not exist fails anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfVersion {
    one_of: Option<BTreeSet<Revision>>,
    none_of: BTreeSet<Revision>,
    never: bool,
}

impl IfVersion {
    /// One of these.
    #[must_use]
    pub fn one_of(versions: impl IntoIterator<Item = Revision>) -> Self {
        Self { one_of: Some(versions.into_iter().collect()), ..Self::default() }
    }

    /// The same, but none of these.
    #[must_use]
    pub fn and_none_of(mut self, versions: impl IntoIterator<Item = Revision>) -> Self {
        self.none_of.extend(versions);
        self
    }

    /// None at all: the thing must not exist.
    #[must_use]
    pub const fn and_absent(mut self) -> Self {
        self.never = true;
        self
    }

    /// Whether the command is meant for a thing in this version.
    #[must_use]
    pub fn is_met_by(&self, version: Revision) -> bool {
        let is_listed = self.one_of.as_ref().is_none_or(|versions| versions.contains(&version));
        is_listed && !self.never && !self.none_of.contains(&version)
    }

    /// Whether it lists the versions that it is meant for.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.one_of.is_some()
    }

    /// The same, with another version in place of each that it lists.
    #[must_use]
    pub fn map_listed(mut self, other: impl FnMut(Revision) -> Revision) -> Self {
        self.one_of = self.one_of.map(|versions| versions.into_iter().map(other).collect());
        self
    }
}

/// This one version.
impl From<Revision> for IfVersion {
    fn from(version: Revision) -> Self {
        Self::one_of([version])
    }
}
