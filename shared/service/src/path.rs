use axum::extract::{FromRequestParts, RawPathParams};
use http::Uri;
use http::request::Parts;
use shared_kernel::{ProblemType, PublicKey};

use crate::parse;
use crate::problem::Problem;
use crate::problem_type;

/// Extracts the key from a path with one parameter, such as `/api/things/{id}`.
///
/// Anything that is not a key is answered with 404 and the type of [`PublicKey::NOT_FOUND`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId<I>(pub I);

impl<S: Send + Sync, I: PublicKey> FromRequestParts<S> for PathId<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(I::NOT_FOUND);
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let (_, text) = params.iter().next().ok_or_else(not_found)?;
        parse::id(text).map(Self).map_err(|_| not_found())
    }
}

/// An address in whose path letters, digits and `-_~` stand for themselves, which may be percent-encoded as well (RFC
/// 3986, 6.2.2.2): `/api/%70arcels` is `/api/parcels`. `%2F` is no slash. `None` if there is nothing to change.
///
/// Full stops stay encoded: a path never comes to have dot segments that it did not have.
pub(crate) fn with_plain_letters(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains('%') {
        return None;
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let letter = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let letter = letter.and_then(|digits| u8::from_str_radix(digits, 16).ok()).map(char::from);
        rest = match letter.filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~')) {
            Some(letter) => {
                plain.push(letter);
                after.get(2..).unwrap_or_default()
            }
            None => {
                plain.push('%');
                after
            }
        };
    }
    plain.push_str(rest);
    if plain == path {
        return None;
    }
    if let Some(query) = uri.query() {
        plain.push('?');
        plain.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(plain.parse().ok()?);
    Uri::from_parts(parts).ok()
}

shared_kernel::id! {
    /// Identifies an event of any domain.
    EventId
}

impl PublicKey for EventId {
    const NOT_FOUND: &'static ProblemType = problem_type::NOT_FOUND;
}
