//! Where a request comes from, which a proxy that is trusted says of the clients behind it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;
use shared_service::Problem;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED: &str = "Forwarded";

/// A network, such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a network such as 10.0.0.0/8 or fd00::/8, or an address")]
pub struct InvalidNetwork;

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| address()).map(|network| Self(network.trunc())).map_err(|_| InvalidNetwork)
    }
}

/// Proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Vec<Network>);

/// Where a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// The client: the other end of the connection, or whom the proxy there has got the request from.
    pub(crate) address: IpAddr,
    /// The proxy at the other end of the connection, if its word counts.
    proxy: Option<IpAddr>,
    /// What it says about how the client has sent it.
    scheme: Option<HeaderValue>,
    host: Option<HeaderValue>,
}

impl Sender {
    fn direct(address: IpAddr) -> Self {
        Self { address, proxy: None, scheme: None, host: None }
    }

    /// The same, who has sent it over TLS to here, if no proxy says how they did.
    pub(crate) fn over_tls(self) -> Self {
        Self { scheme: self.scheme.or(Some(HeaderValue::from_static("https"))), ..self }
    }

    /// Whether it is this machine.
    pub(crate) const fn is_here(&self) -> bool {
        self.address.to_canonical().is_loopback()
    }

    /// Tells a service where a request comes from. `authority` is where it was sent to, in HTTP/2.
    pub(crate) fn describe(&self, headers: &mut HeaderMap, authority: Option<&str>) {
        let address = self.address.to_canonical();
        let list = match self.proxy {
            Some(proxy) => format!("{address}, {}", proxy.to_canonical()),
            None => address.to_string(),
        };
        if let Ok(list) = HeaderValue::try_from(list) {
            headers.insert(X_FORWARDED_FOR, list);
        }
        let host = headers.remove(header::HOST).or_else(|| HeaderValue::from_str(authority?).ok());
        if let Some(host) = self.host.clone().or(host) {
            headers.insert(X_FORWARDED_HOST, host);
        }
        let scheme = self.scheme.clone().unwrap_or(HeaderValue::from_static("http"));
        headers.insert(X_FORWARDED_PROTO, scheme);
    }
}

impl TrustedProxies {
    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.0.contains(&address.to_canonical()))
    }

    /// Where a request comes from that came from `peer`: if that is one of these proxies, from whom it says, read from the
    /// right for as long as it is one of them who says it (RFC 7239, 7.1 and 8.1).
    ///
    /// # Errors
    /// 400 `malformed-header` if such a proxy says it in two ways, or in none that can be read.
    pub(crate) fn sender(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<Sender, Problem> {
        let Some(peer) = peer.map(|peer| peer.ip()) else { return Ok(Sender::direct(Ipv6Addr::UNSPECIFIED.into())) };
        if !self.contain(peer) {
            return Ok(Sender::direct(peer));
        }
        let hops = match (headers.contains_key(header::FORWARDED), headers.contains_key(X_FORWARDED_FOR)) {
            (true, true) => return Err(Problem::malformed_header(FORWARDED, "must not come with X-Forwarded-For")),
            (true, false) => forwarded(headers)?,
            (false, _) => x_forwarded(headers)?,
        };
        let mut sender = Sender { proxy: Some(peer), ..Sender::direct(peer) };
        for hop in hops.into_iter().rev() {
            if !self.contain(sender.address) {
                break;
            }
            (sender.scheme, sender.host) = (hop.scheme.or(sender.scheme), hop.host.or(sender.host));
            // Whom it does not name is whoever comes from that proxy.
            let Some(address) = hop.address else { break };
            sender.address = address;
        }
        if sender.address == peer {
            sender.proxy = None;
        }
        Ok(sender)
    }
}

/// What one proxy says about whom it has got a request from.
#[derive(Default)]
struct Hop {
    address: Option<IpAddr>,
    scheme: Option<HeaderValue>,
    host: Option<HeaderValue>,
}

/// What `Forwarded` says, from the client to here.
fn forwarded(headers: &HeaderMap) -> Result<Vec<Hop>, Problem> {
    let malformed =
        || Problem::malformed_header(FORWARDED, "must be as RFC 7239 has it, such as for=192.0.2.60;proto=https");
    let mut hops = Vec::new();
    for value in headers.get_all(header::FORWARDED) {
        let value = value.to_str().map_err(|_| malformed())?;
        for element in split(value, ',').ok_or_else(malformed)? {
            let mut hop = Hop::default();
            for pair in split(element, ';').ok_or_else(malformed)?.into_iter().filter(|pair| !pair.is_empty()) {
                let (name, value) = pair.split_once('=').ok_or_else(malformed)?;
                let value = unquoted(value).ok_or_else(malformed)?;
                match name.to_ascii_lowercase().as_str() {
                    "for" => hop.address = node(&value).map_err(|()| malformed())?,
                    "proto" => hop.scheme = Some(scheme(&value).ok_or_else(malformed)?),
                    "host" => hop.host = Some(HeaderValue::from_str(&value).map_err(|_| malformed())?),
                    _ => {}
                }
            }
            hops.push(hop);
        }
    }
    Ok(hops)
}

/// What the headers say that were there before `Forwarded`.
fn x_forwarded(headers: &HeaderMap) -> Result<Vec<Hop>, Problem> {
    const NAME: &str = "X-Forwarded-For";
    let mut hops = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        let list = value.to_str().map_err(|_| Problem::malformed_header(NAME, "must be a list of addresses"))?;
        for address in list.split(',').map(str::trim).filter(|address| !address.is_empty()) {
            let address = node(address).map_err(|()| Problem::malformed_header(NAME, "must be a list of addresses"))?;
            hops.push(Hop { address, ..Hop::default() });
        }
    }
    let nearest = |name: &HeaderName| {
        let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        value.rsplit(',').next().map(str::trim).map(str::to_owned)
    };
    if hops.is_empty() {
        hops.push(Hop::default());
    }
    if let Some(last) = hops.last_mut() {
        let read = |text: String| {
            scheme(&text).ok_or_else(|| Problem::malformed_header("X-Forwarded-Proto", "must be http or https"))
        };
        last.scheme = nearest(&X_FORWARDED_PROTO).map(read).transpose()?;
        last.host = nearest(&X_FORWARDED_HOST).and_then(|host| HeaderValue::try_from(host).ok());
    }
    Ok(hops)
}

fn scheme(text: &str) -> Option<HeaderValue> {
    let is = |scheme: &str| text.eq_ignore_ascii_case(scheme);
    let scheme = ["http", "https"].into_iter().find(|scheme| is(scheme))?;
    Some(HeaderValue::from_static(scheme))
}

/// An address, with a port or without. `None` if it is kept secret.
fn node(text: &str) -> Result<Option<IpAddr>, ()> {
    if text.eq_ignore_ascii_case("unknown") || text.starts_with('_') {
        return Ok(None);
    }
    let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = in_brackets.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.map(Some).map_err(|_| ())
}

/// The parts of a list, between which there is this character, except in quoted strings. `None` if one has no end.
fn split(text: &str, at: char) -> Option<Vec<&str>> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if character == at && !is_quoted => {
                parts.push(text[begin..place].trim());
                begin = place + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[begin..].trim());
    (!is_quoted).then_some(parts)
}

/// What a token, or a quoted string, stands for.
fn unquoted(text: &str) -> Option<String> {
    let Some(inside) = text.strip_prefix('"') else { return (!text.contains('"')).then(|| text.to_owned()) };
    let mut plain = String::new();
    let mut characters = inside.strip_suffix('"')?.chars();
    while let Some(character) = characters.next() {
        plain.push(if character == '\\' { characters.next()? } else { character });
    }
    Some(plain)
}
