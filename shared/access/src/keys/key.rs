use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

const RANDOM_BYTES: usize = 32;
/// 32 bytes in base64, six bits for each character.
const LENGTH: usize = AccessKey::PREFIX.len() + (RANDOM_BYTES * 8).div_ceil(6);

/// A new key, which is shown once.
pub struct AccessKey(String);

impl AccessKey {
    /// How a key begins, by which those who look for leaked secrets find it.
    pub const PREFIX: &str = "jbk_";

    /// One that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        let encoded = URL_SAFE_NO_PAD.encode(rand::random::<[u8; RANDOM_BYTES]>());
        Self(format!("{}{encoded}", Self::PREFIX))
    }

    /// The key itself: for whoever it is made for, and nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(***)")
    }
}

/// The SHA-256 of a key. In the file it is written in hexadecimal digits.
///
/// Keys are looked up by it. That takes the same time whatever is presented, as far as it could help anybody: how much of
/// a digest is right says nothing about how much of a key is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// That of what somebody presents. `None` if it does not have the form of a key.
    #[must_use]
    pub fn of(presented: &str) -> Option<Self> {
        let encoded = presented.strip_prefix(AccessKey::PREFIX)?;
        let is_base64 = encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        (presented.len() == LENGTH && is_base64).then(|| Self(Sha256::digest(presented.as_bytes()).into()))
    }

    /// The digest itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for KeyDigest {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(***)")
    }
}

impl Serialize for KeyDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut digest = [0; 32];
        let is_hexadecimal = text.len() == 2 * digest.len() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal {
            return Err(D::Error::custom("a SHA-256 must be 64 hexadecimal digits"));
        }
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(D::Error::custom)?;
            *byte = u8::from_str_radix(digits, 16).map_err(D::Error::custom)?;
        }
        Ok(Self(digest))
    }
}
