//! What a request says about who sends it: removed from all that comes from outside, and set anew for the services.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared_service::headers::{JETBRIDGE_ACTOR, JETBRIDGE_POSITION, JETBRIDGE_ROLES, JETBRIDGE_SUBJECT};

use crate::visitor::{Known, Who};

/// By these names, or such that begin so, something in front or behind says who somebody is, where they come from, or what
/// they really ask for. None of it is believed when it comes from outside. What proves who somebody is, the gateway itself
/// needs; it goes in [`Identity::apply`].
const NAMES: [&str; 22] = [
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-user",
    "x-userid",
    "x-username",
    "x-email",
    "x-groups",
    "x-roles",
    "x-subject",
    "x-actor",
    "x-client-ip",
    "x-cluster-client-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];
const BEGINNINGS: [&str; 17] = [
    "x-forwarded-",
    "x-auth-",
    "x-authenticated-",
    "x-authentik-",
    "x-authorization-",
    "x-remote-",
    "x-user-",
    "x-webauth-",
    "x-ssl-",
    "x-client-cert",
    "x-jwt-",
    "x-ms-",
    "x-goog-",
    "x-amzn-oidc-",
    "remote-",
    "ssl-",
    "proxy-",
];
/// Our own, of which others than this one are between the gateway and the services.
const OURS: &str = "jetbridge-";

/// Removes from the headers of a request that has come from outside all that could be taken for who sends it. The client's
/// own word, `Jetbridge-Actor`, stays where everybody is believed.
///
/// Names with an underscore all go, as most proxies have it: where headers become variables, it is the same as a dash.
pub(crate) fn remove(headers: &mut HeaderMap, believes_actor: bool) {
    let stays = |name: &HeaderName| *name == JETBRIDGE_POSITION || believes_actor && *name == JETBRIDGE_ACTOR;
    // Most requests have none of them, so nothing is collected for those.
    let claims: Vec<HeaderName> =
        headers.keys().filter(|name| is_claim(name.as_str()) && !stays(name)).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Names of headers are in lower case by the time anybody sees them.
fn is_claim(name: &str) -> bool {
    name.contains('_')
        || name.starts_with(OURS)
        || NAMES.contains(&name)
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Who asks, as the services get to know it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity(HeaderMap);

impl Identity {
    /// Nothing for nobody: a service lets those in nowhere.
    pub(crate) fn of(who: &Who) -> Self {
        let mut headers = HeaderMap::new();
        match who {
            Who::Anybody => {
                headers.insert(JETBRIDGE_ROLES, HeaderValue::from_static("admin"));
            }
            Who::Nobody => {}
            Who::Known(Known { principal, .. }) => {
                let text = |text: &str| HeaderValue::from_str(text).ok();
                headers.extend(
                    [
                        (JETBRIDGE_SUBJECT, text(principal.id.as_str())),
                        (JETBRIDGE_ACTOR, text(&actor(principal.name.as_str()))),
                        (JETBRIDGE_ROLES, text(&principal.roles.to_string())),
                    ]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?))),
                );
            }
        }
        Self(headers)
    }

    /// Says it to a service, in place of what has proved it, once nothing else changes headers any more.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::COOKIE);
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
    }
}

/// A name as it is, or, where that could be read as something else, as an extended value (RFC 8187).
fn actor(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\'');
    if is_plain { name.to_owned() } else { format!("UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC)) }
}

#[cfg(test)]
mod tests;
