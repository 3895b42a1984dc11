//! By what services know whom the gateway asks for.

use http::{HeaderMap, HeaderValue, header};
use shared_service::ServiceTokens;
use shared_service::headers::{JETBRIDGE_ROLES, JETBRIDGE_SUBJECT};

/// Everybody may do everything.
const EVERYTHING: HeaderValue = HeaderValue::from_static("admin");

/// Says to a service that the gateway asks for somebody, whatever a client has said about that.
pub(crate) fn ask_for_somebody(headers: &mut HeaderMap, tokens: &ServiceTokens) {
    headers.remove(JETBRIDGE_SUBJECT);
    headers.insert(JETBRIDGE_ROLES, EVERYTHING);
    ask_for_itself(headers, tokens);
}

/// Says to a service that the gateway asks for itself.
pub(crate) fn ask_for_itself(headers: &mut HeaderMap, tokens: &ServiceTokens) {
    headers.insert(header::AUTHORIZATION, tokens.authorization());
}
