//! What clients may not do, for tests of clients that lack a right.

/// What clients may do. Nobody is asked who they are: it holds for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everything.
    #[default]
    Everything,
    /// All but this, which is refused as `access-denied`.
    Deny(Vec<Right>),
}

/// Something that a client may be denied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Right {
    /// Reading `$all` and subscribing to it.
    ReadAll,
    /// Reading the stream with this name and subscribing to it.
    ReadStream(String),
    /// Appending to the stream with this name.
    AppendStream(String),
}

impl Access {
    fn is_denied(&self, is_it: impl FnMut(&Right) -> bool) -> bool {
        match self {
            Self::Everything => false,
            Self::Deny(rights) => rights.iter().any(is_it),
        }
    }

    pub(crate) fn may_read_all(&self) -> bool {
        !self.is_denied(|right| *right == Right::ReadAll)
    }

    pub(crate) fn may_read(&self, stream: &str) -> bool {
        !self.is_denied(|right| matches!(right, Right::ReadStream(denied) if denied == stream))
    }

    pub(crate) fn may_append_to(&self, stream: &str) -> bool {
        !self.is_denied(|right| matches!(right, Right::AppendStream(denied) if denied == stream))
    }
}
