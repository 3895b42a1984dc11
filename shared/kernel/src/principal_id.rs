use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Identifies who asks, as far as that was checked: a way of identifying, a colon, and what it calls them, such as
/// `key:Gate 12`. At most 512 visible ASCII characters and spaces, which are neither first nor last in the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PrincipalId(String);

/// A text does not identify anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a way of identifying, a colon and a name, in at most 512 visible ASCII characters or spaces")]
pub struct InvalidPrincipalId;

impl PrincipalId {
    /// The longest one, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PrincipalId {
    type Err = InvalidPrincipalId;

    fn from_str(text: &str) -> Result<Self, InvalidPrincipalId> {
        let (way, name) = text.split_once(':').ok_or(InvalidPrincipalId)?;
        let is_way = !way.is_empty() && way.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_name = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b' '..=b'~')) && name.trim() == name;
        match is_way && is_name && text.len() <= Self::MAX_BYTES {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidPrincipalId),
        }
    }
}

impl TryFrom<String> for PrincipalId {
    type Error = InvalidPrincipalId;

    fn try_from(text: String) -> Result<Self, InvalidPrincipalId> {
        text.parse()
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
