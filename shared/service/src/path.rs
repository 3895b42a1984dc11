use axum::extract::{FromRequestParts, RawPathParams};
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

shared_kernel::id! {
    /// Identifies an event of any domain.
    EventId
}

impl PublicKey for EventId {
    const NOT_FOUND: &'static ProblemType = problem_type::NOT_FOUND;
}
