//! By what a request is known that comes again with the same idempotency key.

use std::sync::Arc;

use axum::extract::OriginalUri;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use sha2::{Digest, Sha256};
use shared_kernel::{Idempotency, IdempotencyKey, PrincipalId};
use uuid::Uuid;

use crate::parse::{self, InvalidId};

/// What fingerprints begin with that cannot be made without a secret.
const KEYED: &str = "hmac-sha256:";
/// Has a token make other secrets here than anywhere else.
const PURPOSE: &[u8] = b"jetbridge: fingerprints of requests, 1";

/// The secrets that fingerprints are made with: the first makes those that are recorded, the others recognise theirs.
/// Without any, fingerprints are digests that everybody can make.
///
/// A request has them among its extensions where it came to a service with tokens that last.
#[derive(Clone, Default)]
pub(crate) struct FingerprintSecrets(Arc<[Hmac<Sha256>]>);

impl FingerprintSecrets {
    /// Those that follow from these tokens.
    pub(crate) fn of<'a>(tokens: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let secrets = tokens.into_iter().filter_map(|token| keyed(&keyed(token)?.chain_update(PURPOSE).finish()));
        Self(secrets.collect())
    }
}

/// A key of any length is taken.
fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key).ok()
}

/// What a command is known by: its key, and its fingerprint, which is of what the request means and not of its bytes.
///
/// For one who is known, both are that one's own: another one may use the same key for something else.
pub(crate) fn idempotency(
    key: IdempotencyKey,
    subject: Option<&PrincipalId>,
    parts: &Parts,
    (content, body): (&str, &[u8]),
) -> Idempotency {
    let (method, path) = (parts.method.as_str(), path(parts));
    let canonical = canonical(path);
    let mut fingerprints = Vec::new();
    if let Some(FingerprintSecrets(secrets)) = parts.extensions.get() {
        // With the key of the command, so that two that say the same have nothing in common.
        let asked = [subject.map_or("", PrincipalId::as_str), key.as_str(), method, &canonical];
        let made = secrets.iter().map(|secret| secret.clone().of(&asked, content.as_bytes()));
        fingerprints.extend(made.map(|fingerprint| format!("{KEYED}{}", hex(&fingerprint))));
    }
    let digest = |parts: &[&str], rest: &[u8]| Sha256::new().of(parts, rest);
    // What was recorded without a secret, or by the release before.
    let key = match subject {
        None => {
            fingerprints.push(hex(&digest(&[method, &canonical], content.as_bytes())));
            fingerprints.push(hex(&digest(&[method, path], body)));
            key
        }
        Some(subject) => {
            fingerprints.push(hex(&digest(&[subject.as_str(), method, &canonical], content.as_bytes())));
            IdempotencyKey::of_digest(digest(&[subject.as_str()], key.as_str().as_bytes()))
        }
    };
    let fingerprint = fingerprints.remove(0);
    Idempotency { other_fingerprints: fingerprints, ..Idempotency::new(key, fingerprint) }
}

fn path(parts: &Parts) -> &str {
    parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.path(), |uri| uri.0.path())
}

/// A path, with ids in one form: their letters may be of either case.
fn canonical(path: &str) -> String {
    let parts = path.split('/').map(|part| match parse::id::<Uuid>(part) {
        Ok(id) => id.to_string(),
        Err(InvalidId) => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A digest, with a secret or without one.
trait Made: Sized {
    fn add(&mut self, bytes: &[u8]);
    fn finish(self) -> [u8; 32];

    /// That of parts, none of which holds a NUL, and of what follows them.
    fn of(mut self, parts: &[&str], rest: &[u8]) -> [u8; 32] {
        for part in parts {
            self.add(part.as_bytes());
            self.add(&[0]);
        }
        self.add(rest);
        self.finish()
    }
}

impl Made for Sha256 {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.finalize().into()
    }
}

impl Made for Hmac<Sha256> {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.finalize().into_bytes().into()
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
