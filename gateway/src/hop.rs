//! Headers that belong to one connection, and those that tell a service about the connection before it.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Removes what concerns only the connection that a message came on (RFC 9110, 7.6.1).
pub(crate) fn remove_connection_headers(headers: &mut HeaderMap) {
    // The usual Connection header names nothing or `keep-alive`, so nothing is collected for most messages.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        header::CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// Tells the service who asked the gateway, and how. `authority` is where the request was sent to, in HTTP/2.
pub(crate) fn describe_client(headers: &mut HeaderMap, peer: Option<SocketAddr>, authority: Option<&str>) {
    if let Some(peer) = peer {
        append_forwarded_for(headers, peer);
    }
    let host = headers.remove(header::HOST).or_else(|| HeaderValue::from_str(authority?).ok());
    if let Some(host) = host {
        headers.entry(X_FORWARDED_HOST).or_insert(host);
    }
    headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
}

fn append_forwarded_for(headers: &mut HeaderMap, peer: SocketAddr) {
    let address = peer.ip().to_canonical();
    let earlier: Vec<&str> = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let list = if earlier.is_empty() { address.to_string() } else { format!("{}, {address}", earlier.join(", ")) };
    if let Ok(list) = HeaderValue::try_from(list) {
        headers.insert(X_FORWARDED_FOR, list);
    }
}
