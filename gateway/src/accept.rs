use http::{HeaderMap, header};

/// What a client would rather have, of what people and programs ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preferred {
    Html,
    Json,
    /// It has not said.
    Anything,
}

impl Preferred {
    /// Goes by the order of the types: nobody gives these two any other weights.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
                "text/html" | "application/xhtml+xml" => Some(Self::Html),
                "application/json" | "application/problem+json" => Some(Self::Json),
                _ => None,
            })
            .unwrap_or(Self::Anything)
    }
}
