//! What clients would rather have (RFC 9110, 12.5.1).

use headers_accept::Accept;
use http::{HeaderMap, header};
use mediatype::MediaType;

/// Which of the media types on offer a client would rather have, by the weights in its `Accept`; of several with the same
/// weight the one that it names most exactly, or else first, and of those that one range stands for the first on offer.
/// `None` if it has not said, cannot be understood, or takes none of them.
#[must_use]
pub fn preferred<T: Copy>(headers: &HeaderMap, offered: &[(&str, T)]) -> Option<T> {
    let values = headers.get_all(header::ACCEPT).iter().map(|value| value.to_str().ok());
    let accept: Accept = values.collect::<Option<Vec<_>>>()?.join(",").parse().ok()?;
    let offered = offered.iter().filter_map(|(text, what)| Some((MediaType::parse(text).ok()?, *what)));
    let offered: Vec<_> = offered.collect();
    let preferred = accept.negotiate(offered.iter().map(|(media_type, _)| media_type))?;
    offered.iter().find(|(media_type, _)| std::ptr::eq(media_type, preferred)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests;
