//! Answers, and what has to hold for each.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What an API has answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// To what: method and path.
    pub what: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body if it is JSON, or null.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    pub(super) fn check_problem(&self) {
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        assert!(self.body["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{self:?}");
        let is_temporary = matches!(self.status.as_u16(), 429 | 503);
        assert_eq!(self.header("Retry-After").is_some(), is_temporary, "{self:?}");
        assert_ne!(self.status, StatusCode::INTERNAL_SERVER_ERROR, "{self:?}");
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            assert!(self.header("Allow").is_some(), "{self:?}");
        }
        if self.slug() == "invalid-request" {
            assert!(!self.errors().is_empty(), "{self:?}");
            for error in self.errors() {
                assert!(error["pointer"].is_string() != error["parameter"].is_string(), "{self:?}");
                assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
            }
        }
    }

    /// This answer, which has this status.
    ///
    /// # Panics
    ///
    /// When it has another.
    #[track_caller]
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        self
    }

    /// This answer, which is a problem of this type.
    ///
    /// # Panics
    ///
    /// When it is none, or of another type.
    #[track_caller]
    pub fn expect_problem(self, status: u16, slug: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.slug()), (status, slug), "{}: {}", self.what, self.text);
        self
    }

    /// The last part of the problem's type; empty if this is not a problem.
    pub fn slug(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
    }

    /// A header, if it is there.
    ///
    /// # Panics
    ///
    /// When it is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }

    /// The `id` of what is in the body.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

    /// The `Jetbridge-Position` that it covers.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn position(&self) -> String {
        self.header("Jetbridge-Position").unwrap_or_else(|| panic!("no position: {self:?}")).to_owned()
    }

    /// The `ETag`.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("ETag").unwrap_or_else(|| panic!("no ETag: {self:?}")).to_owned()
    }

    fn errors(&self) -> &[Value] {
        self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// Where the body or the query is at fault: pointers and parameters, sorted.
    pub fn faults(&self) -> Vec<&str> {
        let mut faults: Vec<&str> = self.errors().iter().map(place).collect();
        faults.sort_unstable();
        faults
    }

    /// The only fault of a request that is not valid: where, and what to change.
    ///
    /// # Panics
    ///
    /// When the request was valid, or has more than one fault.
    #[track_caller]
    pub fn fault(self) -> (String, String) {
        let refused = self.expect_problem(422, "invalid-request");
        let [error] = refused.errors() else { panic!("not one fault: {}", refused.text) };
        (place(error).to_owned(), error["detail"].as_str().unwrap_or_default().to_owned())
    }
}

fn place(error: &Value) -> &str {
    error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or_default()
}
