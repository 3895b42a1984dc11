//! `If-Match` and `If-None-Match` (RFC 9110, 13.1). `If-Modified-Since` and `If-Unmodified-Since` are ignored, as they
//! are to be where nothing has a modification date; so are `Range` and `If-Range`.

use axum::extract::FromRequestParts;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use shared_kernel::{IfVersion, Revision};

use crate::entity_tag::{EntityTag, EntityTags, MalformedEntityTags};
use crate::problem::Problem;
use crate::problem_type;

/// The `ETag` of a thing at this revision.
#[must_use]
pub(crate) fn etag(revision: Revision) -> HeaderValue {
    // Digits in quotes are always a valid header value.
    HeaderValue::try_from(format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The revision whose [`etag`] this is, by its characters. Of a thing that has none, nothing has this tag.
fn revision(tag: &EntityTag<'_>) -> Option<Revision> {
    let number = std::str::from_utf8(tag.opaque).ok()?.parse().ok()?;
    Some(Revision(number)).filter(|revision| revision.to_string().as_bytes() == tag.opaque)
}

fn malformed(name: &str, error: MalformedEntityTags) -> Problem {
    Problem::malformed_header(name, error)
}

/// What a command demands of the thing that it is about; `None` if it demands nothing. `If-Match: *` does not: a
/// command on what does not exist fails anyway.
///
/// # Errors
/// 400 `malformed-header`.
pub(crate) fn of_command(headers: &HeaderMap) -> Result<Option<IfVersion>, Problem> {
    let matches = EntityTags::read(headers, &IF_MATCH).map_err(|error| malformed("If-Match", error))?;
    let none = EntityTags::read(headers, &IF_NONE_MATCH).map_err(|error| malformed("If-None-Match", error))?;
    let listed = match matches {
        // A weak tag never matches here (13.1.1).
        Some(EntityTags::Listed(tags)) => Some(tags.iter().filter(|tag| !tag.weak).filter_map(revision).collect()),
        Some(EntityTags::Any) | None => None::<Vec<_>>,
    };
    if listed.is_none() && none.is_none() {
        return Ok(None);
    }
    let demanded = listed.map_or_else(IfVersion::default, IfVersion::one_of);
    Ok(Some(match none {
        Some(EntityTags::Listed(tags)) => demanded.and_none_of(tags.iter().filter_map(revision)),
        Some(EntityTags::Any) => demanded.and_absent(),
        None => demanded,
    }))
}

/// Checks what a command demands of a list that it adds something to: that exists, and has no ETag.
///
/// # Errors
/// 400 `malformed-header`, 412 `precondition-failed`.
pub(crate) fn of_addition(headers: &HeaderMap) -> Result<(), Problem> {
    let matches = EntityTags::read(headers, &IF_MATCH).map_err(|error| malformed("If-Match", error))?;
    let none = EntityTags::read(headers, &IF_NONE_MATCH).map_err(|error| malformed("If-None-Match", error))?;
    let refused = |detail: &str| Err(Problem::new(problem_type::PRECONDITION_FAILED, detail));
    if matches!(matches, Some(EntityTags::Listed(_))) {
        return refused("A list has no ETag, so that no If-Match fits it. Nothing was done.");
    }
    if none == Some(EntityTags::Any) {
        return refused("The list exists, which If-None-Match: * rules out. Nothing was done.");
    }
    Ok(())
}

/// What `If-None-Match` says that the client of a query has already.
///
/// A header that cannot be read is as good as none: the answer is then complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfNoneMatch {
    any: bool,
    revisions: Vec<Revision>,
}

impl IfNoneMatch {
    /// Whether the client has the thing at this revision, so that 304 is enough.
    #[must_use]
    pub fn covers(&self, revision: Revision) -> bool {
        self.any || self.revisions.contains(&revision)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(match EntityTags::read(&parts.headers, &IF_NONE_MATCH) {
            Ok(Some(EntityTags::Any)) => Self { any: true, revisions: Vec::new() },
            Ok(Some(EntityTags::Listed(tags))) => {
                Self { any: false, revisions: tags.iter().filter_map(revision).collect() }
            }
            Ok(None) | Err(MalformedEntityTags) => Self::default(),
        })
    }
}
