use http::HeaderMap;
use shared_service::accept;

/// What a client would rather have, of what people and programs ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preferred {
    Html,
    Json,
}

impl Preferred {
    /// What its `Accept` says; `otherwise`, if it is the same to it, or takes neither.
    pub(crate) fn of(headers: &HeaderMap, otherwise: Self) -> Self {
        let html = ("text/html", Self::Html);
        let [json, problem] = ["application/json", "application/problem+json"].map(|json| (json, Self::Json));
        let offered = match otherwise {
            Self::Html => [html, json, problem],
            Self::Json => [json, problem, html],
        };
        accept::preferred(headers, &offered).unwrap_or(otherwise)
    }
}
