use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use shared_kernel::{ActorName, PrincipalId};

/// The name of an access key: at most 100 visible ASCII characters and spaces, which are neither first nor last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName {
    id: PrincipalId,
    name: ActorName,
}

/// A text is not the name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a name of 1 to 100 visible ASCII characters or spaces, such as \"Gate 12\"")]
pub struct InvalidKeyName;

impl KeyName {
    /// What whoever has the key is called in metadata: `key:` and the name.
    #[must_use]
    pub const fn id(&self) -> &PrincipalId {
        &self.id
    }

    /// The name that people know them by.
    #[must_use]
    pub const fn name(&self) -> &ActorName {
        &self.name
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.name.as_str()
    }

    /// The same for all names that people would take for each other.
    pub(super) fn folded(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

impl FromStr for KeyName {
    type Err = InvalidKeyName;

    fn from_str(text: &str) -> Result<Self, InvalidKeyName> {
        let name = ActorName::new(text).map_err(|_| InvalidKeyName)?;
        let id = format!("key:{text}").parse().map_err(|_| InvalidKeyName)?;
        if name.as_str() == text { Ok(Self { id, name }) } else { Err(InvalidKeyName) }
    }
}

impl TryFrom<String> for KeyName {
    type Error = InvalidKeyName;

    fn try_from(text: String) -> Result<Self, InvalidKeyName> {
        text.parse()
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
