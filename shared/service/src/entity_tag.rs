//! Lists of entity tags (RFC 9110, 8.8.3 and 5.6.1), as `If-Match` and `If-None-Match` have them.

use http::{HeaderMap, HeaderName};

/// An entity tag, as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    /// Whether it only stands for something equivalent.
    pub weak: bool,
    /// What is between the quotation marks, which need not be UTF-8.
    pub opaque: &'a [u8],
}

/// What a header lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags<'a> {
    /// `*`: anything that exists.
    Any,
    /// These; at least one.
    Listed(Vec<EntityTag<'a>>),
}

/// A header is neither `*` nor a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be * alone, or ETags in double quotes, as they were received, separated by commas")]
pub struct MalformedEntityTags;

impl<'a> EntityTags<'a> {
    /// Reads a header, which may be repeated: that is one list. `None` if it is not there. Empty elements do not count.
    ///
    /// # Errors
    /// [`MalformedEntityTags`], also if there is nothing in it, or `*` and something else.
    pub fn read(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<Self>, MalformedEntityTags> {
        if !headers.contains_key(name) {
            return Ok(None);
        }
        let (mut any, mut tags) = (false, Vec::new());
        for line in headers.get_all(name) {
            match trim(line.as_bytes()) {
                b"*" if any => return Err(MalformedEntityTags),
                b"*" => any = true,
                list => tags.append(&mut listed(list).ok_or(MalformedEntityTags)?),
            }
        }
        match (any, tags.is_empty()) {
            (true, true) => Ok(Some(Self::Any)),
            (false, false) => Ok(Some(Self::Listed(tags))),
            (true, false) | (false, true) => Err(MalformedEntityTags),
        }
    }

    /// Whether one of them is this one, by weak comparison (RFC 9110, 8.8.3.2).
    #[must_use]
    pub fn match_weakly(&self, opaque: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.opaque == opaque),
        }
    }
}

fn listed(mut rest: &[u8]) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    loop {
        while let Some(after) = rest.strip_prefix(b",") {
            rest = trim(after);
        }
        if rest.is_empty() {
            return Some(tags);
        }
        let (weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |quoted| (true, quoted));
        let (opaque, after) = until_quote(quoted.strip_prefix(b"\"")?)?;
        tags.push(EntityTag { weak, opaque });
        rest = trim(after);
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
}

/// What comes before a quotation mark, and after it. Nothing else ends an entity tag, not even a comma.
fn until_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'"')?;
    let (opaque, rest) = text.split_at(end);
    let is_allowed = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
    opaque.iter().all(is_allowed).then(|| (opaque, rest.get(1..).unwrap_or_default()))
}

/// Without spaces and tabs around it.
fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}
