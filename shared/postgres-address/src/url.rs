//! The form `postgres://user:password@host:port/database?name=value&name=value`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};

use crate::InvalidPostgresAddress;

/// The names of parameters have underscores, which are easier to read as they are.
const ENCODED_IN_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_');

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

type Parts = (String, Vec<(String, Vec<u8>)>);

/// What is in front of the parameters, and they; `None` if the text is no URL of PostgreSQL.
pub(crate) fn take_apart(text: &str) -> Result<Option<Parts>, InvalidPostgresAddress> {
    let Some(scheme) = SCHEMES.into_iter().find(|scheme| text.starts_with(scheme)) else { return Ok(None) };
    // As drivers do it: the first @ ends user and password, in which a question mark has no meaning.
    let host = match text.split_once('@') {
        Some((user, _)) if user.split_once('?').is_some_and(|(_, rest)| rest.contains('=')) => {
            return Err(InvalidPostgresAddress(
                "an @ in its parameters must be written as %40, a ? in its password as %3F",
            ));
        }
        Some((user, _)) => user.len(),
        None => scheme.len(),
    };
    let Some(question_mark) = text[host..].find('?').map(|at| host + at) else {
        return Ok(Some((text.to_owned(), Vec::new())));
    };
    let parameters = text[question_mark + 1..].split_terminator('&').map(|parameter| {
        let (name, value) = parameter.split_once('=').ok_or(InvalidPostgresAddress::MALFORMED)?;
        let name = percent_decode_str(name).decode_utf8().map_err(|_| InvalidPostgresAddress::MALFORMED)?;
        Ok((name.into_owned(), percent_decode_str(value).collect()))
    });
    Ok(Some((text[..question_mark].to_owned(), parameters.collect::<Result<_, _>>()?)))
}

pub(crate) fn put_together(front: &str, parameters: &[(String, Vec<u8>)]) -> String {
    let mut url = front.to_owned();
    for (index, (name, value)) in parameters.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.extend(utf8_percent_encode(name, ENCODED_IN_NAME));
        url.push('=');
        url.extend(percent_encode(value, NON_ALPHANUMERIC));
    }
    url
}
