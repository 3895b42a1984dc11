//! `Authorization: Bearer …` (RFC 6750).

use http::{HeaderMap, HeaderValue, header};
use shared_access::keys::AccessKey;
use shared_service::{Problem, problem_type};

const NAME: &str = "Authorization";
const SCHEME: &str = "Bearer";
const INVALID_REQUEST: HeaderValue = HeaderValue::from_static("Bearer realm=\"jetbridge\", error=\"invalid_request\"");
const INVALID_TOKEN: HeaderValue = HeaderValue::from_static("Bearer realm=\"jetbridge\", error=\"invalid_token\"");

/// What somebody shows.
#[derive(Clone, Copy)]
pub(super) struct Bearer<'a>(&'a str);

impl<'a> Bearer<'a> {
    /// What the headers show. `None` if they show nothing, or something of another kind, which is as good as nothing.
    ///
    /// # Errors
    /// 400 `malformed-header` if it is not written as it has to be, or there several times.
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Option<Self>, Problem> {
        let malformed =
            |detail| Problem::malformed_header(NAME, detail).header(header::WWW_AUTHENTICATE, INVALID_REQUEST);
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(malformed("must be given only once"));
        }
        let text = value.to_str().map_err(|_| malformed("must be visible ASCII characters"))?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Ok(None);
        }
        let token = token.trim();
        if is_token(token) { Ok(Some(Self(token))) } else { Err(malformed("must be Bearer, a space and a token")) }
    }

    /// Whether it can be nothing but an access key.
    pub(super) fn is_key(&self) -> bool {
        self.0.starts_with(AccessKey::PREFIX)
    }

    pub(super) const fn token(&self) -> &'a str {
        self.0
    }
}

/// What RFC 6750 (2.1) calls a `b64token`.
fn is_token(text: &str) -> bool {
    let before_padding = text.trim_end_matches('=');
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !before_padding.is_empty() && before_padding.bytes().all(is_of_it)
}

/// 401: what was shown is of no use.
pub(super) fn invalid_token(detail: &str) -> Problem {
    let detail = format!("{detail} Nothing was done.");
    Problem::new(problem_type::AUTHENTICATION_REQUIRED, detail).header(header::WWW_AUTHENTICATE, INVALID_TOKEN)
}
