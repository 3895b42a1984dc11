use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use shared_kernel::{FlightId, PassengerId};

use crate::parse;
use crate::problem::{Problem, ProblemType};

/// An identifier that stands in a path.
pub trait PathKey: FromStr {
    /// What to answer when nothing has this identifier. What is no identifier at all cannot exist either.
    const NOT_FOUND: ProblemType;
}

impl PathKey for FlightId {
    const NOT_FOUND: ProblemType = ProblemType::FlightNotFound;
}

impl PathKey for PassengerId {
    const NOT_FOUND: ProblemType = ProblemType::PassengerNotFound;
}

/// A flight's id in the path of its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestKey(pub FlightId);

impl FromStr for ManifestKey {
    type Err = <FlightId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl PathKey for ManifestKey {
    const NOT_FOUND: ProblemType = ProblemType::ManifestNotFound;
}

/// Extracts the identifier from a path with one parameter, such as `/api/flights/{id}`.
///
/// Anything that is not an identifier is answered with 404 and the type of [`PathKey::NOT_FOUND`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId<I>(pub I);

impl<S: Send + Sync, I: PathKey> FromRequestParts<S> for PathId<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(I::NOT_FOUND);
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let (_, text) = params.iter().next().ok_or_else(not_found)?;
        parse::id(text).map(Self).map_err(|_| not_found())
    }
}
