//! The address of a PostgreSQL database, in both of libpq's forms: a URL, or `key=value` pairs.
//!
//! What it says about the database is read by the driver. Here its parameters are found and replaced, and those that
//! the driver does not know are explained: how the connection is protected.

mod pairs;
mod protection;
mod url;

use std::fmt;
use std::str::FromStr;

pub use protection::{Authorities, Protection};

/// The name of the parameter with settings for the session, such as `-c search_path=things`.
const OPTIONS: &str = "options";

/// A text is not the address of a PostgreSQL database. The reason does not repeat it, for it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPostgresAddress(&'static str);

impl InvalidPostgresAddress {
    /// It has neither form, or holds what nobody knows.
    pub const MALFORMED: Self = Self("it must be like postgres://user:password@host/database");
}

/// The address of a PostgreSQL database: `postgres://user:password@host/database?name=value`, or
/// `host=… user=… name='value'`. It may hold a password, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    form: Form,
    /// In their order. Values are decoded; they are bytes because the path of a socket need not be text.
    parameters: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// What is in front of its parameters.
    Url(String),
    /// Everything is in its parameters.
    Pairs,
}

impl PostgresAddress {
    /// The value of a parameter; the last one, if it is there more than once.
    fn parameter(&self, name: &str) -> Result<Option<&str>, InvalidPostgresAddress> {
        let found = self.parameters.iter().rfind(|(known, _)| known == name);
        let value = found.map(|(_, value)| str::from_utf8(value)).transpose();
        value.map_err(|_| InvalidPostgresAddress("its parameters must be UTF-8"))
    }

    fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        self
    }

    /// The address with this parameter, in place of the same one if it has that. `password` wins over the one in front
    /// of a URL's host.
    #[must_use]
    pub fn with_parameter(self, name: &str, value: &str) -> Self {
        let mut address = self.without(name);
        address.parameters.push((name.to_owned(), value.as_bytes().to_vec()));
        address
    }

    /// The address with more options for the session, such as `-c search_path=things`. They win over those that it has.
    ///
    /// # Errors
    /// [`InvalidPostgresAddress`] if those that it has are not UTF-8.
    pub fn with_options(self, more: &str) -> Result<Self, InvalidPostgresAddress> {
        let options = match self.parameter(OPTIONS)? {
            Some(own) if !own.is_empty() => format!("{own} {more}"),
            _ => more.to_owned(),
        };
        Ok(self.with_parameter(OPTIONS, &options))
    }

    /// How a connection has to be protected.
    ///
    /// # Errors
    /// [`InvalidPostgresAddress`] if it asks for something that would be less safe than it looks.
    pub fn protection(&self) -> Result<Protection, InvalidPostgresAddress> {
        Protection::asked_for(self.parameter(protection::MODE)?, self.parameter(protection::AUTHORITIES)?)
    }

    /// The address without what it says about protection, of which drivers do not know everything.
    #[must_use]
    pub fn without_protection(self) -> Self {
        self.without(protection::MODE).without(protection::AUTHORITIES)
    }

    /// The address with everything in it: for connecting, never for showing.
    #[must_use]
    pub fn expose(&self) -> String {
        match &self.form {
            Form::Url(front) => url::put_together(front, &self.parameters),
            Form::Pairs => pairs::put_together(&self.parameters),
        }
    }
}

impl FromStr for PostgresAddress {
    type Err = InvalidPostgresAddress;

    fn from_str(text: &str) -> Result<Self, InvalidPostgresAddress> {
        match url::take_apart(text)? {
            Some((front, parameters)) => Ok(Self { form: Form::Url(front), parameters }),
            None => Ok(Self { form: Form::Pairs, parameters: pairs::take_apart(text)? }),
        }
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresAddress(***)")
    }
}

#[cfg(test)]
mod tests;
