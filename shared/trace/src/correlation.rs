//! The same id for everything that one request sets off.

use http::HeaderValue;
use shared_kernel::is_correlation_id;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: CorrelationId;
}

/// A correlation id, as [`is_correlation_id`] takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationId(HeaderValue);

impl CorrelationId {
    /// The id that this says; `None` if it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        is_correlation_id(text).then(|| HeaderValue::from_str(text).ok().map(Self)).flatten()
    }

    /// A fresh one.
    #[must_use]
    pub fn random() -> Self {
        let mut buffer = Uuid::encode_buffer();
        // A UUID is visible ASCII.
        let id = HeaderValue::from_str(Uuid::now_v7().hyphenated().encode_lower(&mut buffer));
        Self(id.unwrap_or(HeaderValue::from_static("none")))
    }

    /// As a header says it.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It is visible ASCII.
        self.0.to_str().unwrap_or_default()
    }

    /// Does something as a part of what has this id.
    pub async fn scope<F: Future>(self, doing: F) -> F::Output {
        CURRENT.scope(self, doing).await
    }

    /// The id of what is being done here, if it has one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }
}
