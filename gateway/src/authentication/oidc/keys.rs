//! The public keys of the provider (RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::Deserialize;
use serde_json::Value;

/// More keys than this are not looked at.
const MOST: usize = 64;

/// A document with keys, of which those that cannot be read are somebody else's concern.
#[derive(Deserialize)]
pub(super) struct Document {
    keys: Vec<Value>,
}

/// Keys for signatures of the few kinds that are taken: with public keys, and of today's strength.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl From<Document> for KeySet {
    fn from(document: Document) -> Self {
        let keys = document.keys.into_iter().take(MOST).filter_map(|key| serde_json::from_value(key).ok());
        Self(keys.filter_map(|key: Jwk| Key::read(&key)).collect())
    }
}

impl KeySet {
    /// The key that a token says it is signed with; without its id, the only one that it can be. The key says what kind
    /// of signature it makes, and the token has to agree.
    pub(super) fn find(&self, header: &Header) -> Option<&DecodingKey> {
        let mut fitting =
            self.0.iter().filter(|key| key.algorithm == header.alg && (header.kid.is_none() || header.kid == key.id));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(&first.key)
    }
}

impl Key {
    fn read(jwk: &Jwk) -> Option<Self> {
        let (algorithm, name) = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        let is_for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let is_for_this = jwk.common.key_algorithm.is_none_or(|of| of == name);
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (is_for_signatures && is_for_this).then(|| Self { id: jwk.common.key_id.clone(), algorithm, key })
    }
}
