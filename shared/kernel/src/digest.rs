use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// What is kept of a text that only has to be recognised: the first half of its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(
    /// For its size and its stored form. It is no UUID otherwise.
    Uuid,
);

impl Digest {
    /// That of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let digest: [u8; 32] = <Sha256 as sha2::Digest>::digest(text).into();
        // There is a half.
        Self(Uuid::from_bytes(digest.first_chunk().copied().unwrap_or_default()))
    }
}
