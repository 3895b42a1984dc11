//! Query strings, read parameter by parameter, so that every fault is reported at once and by name.

use std::fmt;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::faults::Faults;
use crate::paging::{self, Order, Paging};
use crate::problem::Problem;

/// What can be read from a query string.
pub trait FromQuery: Sized {
    /// Reads all parameters, then puts the value together; `None` if a fault was noted.
    fn read(params: &mut Params) -> Option<Self>;
}

impl FromQuery for () {
    fn read(_: &mut Params) -> Option<Self> {
        Some(())
    }
}

/// Extracts a value from the query string; 422 `invalid-request` with all that is wrong otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: FromQuery> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Params::read(parts, T::read).map(Self)
    }
}

/// The query parameters that have not been read yet, and the faults found so far.
#[derive(Debug)]
pub struct Params {
    unread: Vec<(String, String)>,
    faults: Faults,
}

impl Params {
    /// Reads the query string of a request: all parameters, then the value put together; `None` if a fault was noted.
    ///
    /// # Errors
    /// 422 `invalid-request` with all that is wrong.
    pub fn read<T>(parts: &Parts, read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Problem> {
        let mut params = Self::new(parts);
        let value = read(&mut params);
        params.finish(value)
    }

    fn new(parts: &Parts) -> Self {
        let mut faults = Faults::default();
        // Decoding alone would put replacement characters in place of what is not UTF-8.
        let query = parts.uri.query().unwrap_or_default();
        let is_utf8 = percent_encoding::percent_decode_str(query).decode_utf8().is_ok();
        let unread = match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(unread)) if is_utf8 => unread,
            _ => {
                faults.parameter("", "must be percent-encoded UTF-8");
                Vec::new()
            }
        };
        Self { unread, faults }
    }

    /// Reads a parameter that has to be there. `None` means that a fault was noted.
    pub fn required<T, E: fmt::Display>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let Some(text) = self.take(name) else {
            self.faults.parameter(name, "is required");
            return None;
        };
        self.read_value(name, &text, read)
    }

    /// Reads a parameter that may be absent. `None` means that, or that a fault was noted.
    pub fn optional<T, E: fmt::Display>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.take(name)?;
        self.read_value(name, &text, read)
    }

    /// Reads a parameter that may be absent and means `default` then. `None` means that a fault was noted.
    pub fn or<T, E: fmt::Display>(
        &mut self,
        name: &str,
        default: T,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name) {
            Some(text) => self.read_value(name, &text, read),
            None => Some(default),
        }
    }

    /// Reads `limit`, the number of items on a page. `None` means that a fault was noted.
    pub fn limit(&mut self) -> Option<usize> {
        self.or("limit", paging::DEFAULT_LIMIT, paging::limit)
    }

    /// Reads `order`. `None` means that a fault was noted.
    pub fn order(&mut self) -> Option<Order> {
        self.or("order", Order::default(), str::parse)
    }

    /// Reads `limit`, `order` and `after`, which is a cursor made by [`crate::Page::from_surplus`]. `None` means that a
    /// fault was noted.
    pub fn paging<K: DeserializeOwned>(&mut self) -> Option<Paging<K>> {
        let (limit, order) = (self.limit(), self.order());
        // Whether a cursor is one depends on the order.
        let after = self.or("after", None, |cursor| match order {
            Some(order) => paging::decode_place(order, cursor).map(Some),
            None => Ok(None),
        });
        Some(Paging { order: order?, limit: limit?, after: after? })
    }

    /// Reads `limit`, which is this many unless it is given, and `after`, for a list that has one order. `None` means that
    /// a fault was noted.
    pub fn paging_of<K: DeserializeOwned>(&mut self, default_limit: usize) -> Option<Paging<K>> {
        let limit = self.or("limit", default_limit, paging::limit);
        let order = Order::default();
        let after = self.or("after", None, |cursor| paging::decode_place(order, cursor).map(Some));
        Some(Paging { order, limit: limit?, after: after? })
    }

    /// Refuses a parameter that others like it take.
    pub fn refuse(&mut self, name: &str, detail: impl fmt::Display) {
        if self.take(name).is_some() {
            self.faults.parameter(name, detail);
        }
    }

    /// Notes what is wrong with a parameter together with others.
    pub fn fault(&mut self, name: &str, detail: impl fmt::Display) {
        self.faults.parameter(name, detail);
    }

    /// Lets parameters that are not read be, where they were never looked at before.
    pub fn ignore_others(&mut self) {
        self.unread.clear();
    }

    fn read_value<T, E: fmt::Display>(
        &mut self,
        name: &str,
        text: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        read(text).map_err(|error| self.faults.parameter(name, error)).ok()
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.unread.iter().position(|(found, _)| found == name)?;
        let (_, text) = self.unread.remove(at);
        let others = self.unread.len();
        self.unread.retain(|(found, _)| found != name);
        if self.unread.len() < others {
            self.faults.parameter(name, "must be given only once");
        }
        Some(text)
    }

    fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        for (name, _) in &self.unread {
            self.faults.parameter(name, "is not a parameter of this request; remove it");
        }
        self.faults.or_value(value)
    }
}
