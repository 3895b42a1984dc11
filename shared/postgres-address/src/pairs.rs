//! The form `host=db user=ada password='s3 \' cret'`.

use std::iter::Peekable;
use std::str::Chars;

use crate::InvalidPostgresAddress;

pub(crate) fn take_apart(text: &str) -> Result<Vec<(String, Vec<u8>)>, InvalidPostgresAddress> {
    let mut rest = text.chars().peekable();
    let mut parameters = Vec::new();
    loop {
        skip_blanks(&mut rest);
        let mut name = String::new();
        while let Some(character) = rest.next_if(|&next| next != '=' && !next.is_whitespace()) {
            name.push(character);
        }
        if name.is_empty() && rest.peek().is_none() {
            return Ok(parameters);
        }
        skip_blanks(&mut rest);
        if name.is_empty() || rest.next() != Some('=') {
            return Err(InvalidPostgresAddress::MALFORMED);
        }
        skip_blanks(&mut rest);
        parameters.push((name, value(&mut rest)?.into_bytes()));
    }
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| next.is_whitespace()).is_some() {}
}

/// A value, with or without quotes. A backslash takes the meaning from the character behind it.
fn value(rest: &mut Peekable<Chars<'_>>) -> Result<String, InvalidPostgresAddress> {
    let is_quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match rest.peek() {
            Some('\'') if is_quoted => {
                rest.next();
                return Ok(value);
            }
            Some(next) if !is_quoted && next.is_whitespace() => return Ok(value),
            None if is_quoted => return Err(InvalidPostgresAddress("a quote in it is not closed")),
            None => return Ok(value),
            Some(_) => {}
        }
        let _escaping = rest.next_if_eq(&'\\');
        value.extend(rest.next());
    }
}

pub(crate) fn put_together(parameters: &[(String, Vec<u8>)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| {
        // They have come from text, all of them.
        let value = String::from_utf8_lossy(value).replace('\\', r"\\").replace('\'', r"\'");
        format!("{name}='{value}'")
    });
    pairs.collect::<Vec<_>>().join(" ")
}
