//! Who asks for a command, and as part of what, as far as its headers say so. What cannot be kept as it is is refused.

use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use shared_kernel::{ActorName, Cause, Domain, InvalidCorrelationId, is_correlation_id, trace_parent};
use uuid::Uuid;

use crate::caller::Caller;
use crate::headers::{JETBRIDGE_ACTOR, TRACEPARENT, X_CORRELATION_ID};
use crate::problem::Problem;

/// What the audit log says where nobody gave a name.
const ANONYMOUS: &str = "anonymous";
/// The services that are not of a domain.
const SHARED_SERVICES: [&str; 2] = ["gateway", "auditlog-api"];

/// The names that services record for what they do by themselves. No client may give itself one of them.
///
/// As an extension of requests, it is found by [`crate::Command`].
#[derive(Debug, Clone)]
pub struct ServiceNames(Arc<[&'static str]>);

impl ServiceNames {
    /// The names of the services of these domains, and of those that belong to none.
    pub fn of(domains: impl IntoIterator<Item = &'static str>) -> Self {
        Self(domains.into_iter().collect())
    }

    /// The names that are known to the service of a domain: its own, and those of the domains that it calls.
    #[must_use]
    pub fn known_to(domain: &'static Domain) -> Self {
        Self::of([domain.name].into_iter().chain(domain.calls.iter().copied()))
    }

    /// Whether a service is called so.
    #[must_use]
    pub fn contain(&self, name: &str) -> bool {
        SHARED_SERVICES.iter().any(|own| own.eq_ignore_ascii_case(name))
            || self.0.iter().any(|domain| Domain::is_name_of_service(domain, name))
    }
}

/// Where a command comes from.
///
/// # Errors
/// 400 `malformed-header`.
pub fn cause(headers: &HeaderMap, extensions: &Extensions) -> Result<Cause, Problem> {
    let actor = actor(headers, extensions.get())?;
    Ok(Cause {
        correlation_id: correlation_id(headers)?,
        causation_id: None,
        subject: extensions.get().and_then(Caller::subject).cloned(),
        actor: actor.map_or_else(|| ANONYMOUS.to_owned(), |actor| actor.as_str().to_owned()),
        trace_parent: only_trace_parent(headers),
        step_of: None,
    })
}

/// Who asks, if `Jetbridge-Actor` says so: in UTF-8, or as an extended value (RFC 8187) such as `UTF-8''Zo%C3%AB`.
///
/// # Errors
/// 400 `malformed-header` if that is not a name, is the name of a service, or is said twice.
pub fn actor(headers: &HeaderMap, services: Option<&ServiceNames>) -> Result<Option<ActorName>, Problem> {
    const NAME: &str = "Jetbridge-Actor";
    let malformed = |detail: &dyn std::fmt::Display| Problem::malformed_header(NAME, detail);
    let Some(value) = only(headers, &JETBRIDGE_ACTOR, NAME)? else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| malformed(&"must be UTF-8, or an extended value such as UTF-8''Zo%C3%AB (RFC 8187)"))?;
    let decoded = extended(text).map_err(|detail| malformed(&detail))?;
    let actor = ActorName::new(decoded.as_deref().unwrap_or(text)).map_err(|error| malformed(&error))?;
    if services.is_some_and(|services| services.contain(actor.as_str())) {
        return Err(malformed(&format_args!("must not be the name of a service, but is {}", actor.as_str())));
    }
    Ok(Some(actor))
}

/// What an extended value stands for; `None` if the text is none.
fn extended(text: &str) -> Result<Option<String>, &'static str> {
    let Some((charset, rest)) = text.split_once('\'') else { return Ok(None) };
    let Some((_language, encoded)) = rest.split_once('\'').filter(|_| charset.eq_ignore_ascii_case("utf-8")) else {
        return Ok(None);
    };
    let follows = encoded.split('%').skip(1);
    let is_encoded = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !encoded.is_ascii() || !follows.into_iter().all(is_encoded) {
        return Err("must be percent-encoded after UTF-8'' (RFC 8187)");
    }
    let decoded = percent_decode_str(encoded).decode_utf8().map_err(|_| "must be UTF-8 once it is decoded")?;
    Ok(Some(decoded.into_owned()))
}

fn correlation_id(headers: &HeaderMap) -> Result<String, Problem> {
    const NAME: &str = "X-Correlation-Id";
    let Some(value) = only(headers, &X_CORRELATION_ID, NAME)? else { return Ok(Uuid::now_v7().to_string()) };
    let text = value.to_str().unwrap_or_default().trim();
    match is_correlation_id(text) {
        true => Ok(text.to_owned()),
        false => Err(Problem::malformed_header(NAME, InvalidCorrelationId)),
    }
}

/// The trace that a request is part of. One that cannot be read is not gone on with, and neither are two, as W3C Trace
/// Context asks for.
fn only_trace_parent(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    trace_parent(value.to_str().ok()?.trim())
}

/// The value of a header that may be given once.
///
/// # Errors
/// 400 `malformed-header` if it is repeated.
pub(crate) fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    shown: &str,
) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        Some(_) => Err(Problem::malformed_header(shown, "must be given only once")),
        None => Ok(first),
    }
}
