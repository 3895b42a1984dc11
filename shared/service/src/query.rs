//! Query strings, read parameter by parameter, so that every fault is reported at once and by name.

use std::fmt;
use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::json;
use shared_kernel::{Described, Schema};

use crate::faults::Faults;
use crate::fields::Noted;
use crate::paging::{self, MAX_LIMIT, Order, Paging};
use crate::parse;
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
    /// What they are, where they are read to be described.
    noted: Option<Vec<Noted>>,
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
        Self { unread, faults, noted: None }
    }

    /// What `read` reads. It is run on nothing, so what it asks for is what it is said to ask for.
    pub(crate) fn of<T>(read: impl FnOnce(&mut Self) -> Option<T>) -> Vec<Noted> {
        let mut params = Self { unread: Vec::new(), faults: Faults::default(), noted: Some(Vec::new()) };
        read(&mut params);
        params.noted.unwrap_or_default()
    }

    fn note(&mut self, name: &str, is_required: bool, schema: impl FnOnce() -> Schema) {
        if let Some(noted) = &mut self.noted {
            noted.push(Noted { name: name.to_owned(), is_required, schema: schema() });
        }
    }

    /// Reads a parameter that has to be there. `None` means that a fault was noted.
    pub fn required<T: Described, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.note(name, true, T::schema);
        let Some(text) = self.take(name) else {
            self.faults.parameter(name, "is required");
            return None;
        };
        self.read_value(name, &text, read)
    }

    /// Reads a parameter that may be absent. `None` means that, or that a fault was noted.
    pub fn optional<T: Described, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.note(name, false, T::schema);
        let text = self.take(name)?;
        self.read_value(name, &text, read)
    }

    /// Reads a whole number in this range, which is `default` unless it is given. `None` means that a fault was noted.
    pub fn whole_number(&mut self, name: &str, default: usize, allowed: RangeInclusive<usize>) -> Option<usize> {
        let (least, most) = allowed.clone().into_inner();
        self.note(name, false, || json!({"type": "integer", "minimum": least, "maximum": most, "default": default}));
        self.or(name, default, |text| parse::whole_number(text, allowed))
    }

    /// Reads a cursor, which is nothing unless it is given. `None` means that a fault was noted.
    pub fn cursor<T, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        self.note(name, false, || json!({"type": "string", "format": "cursor"}));
        self.or(name, None, |text| read(text).map(Some))
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
        self.page_size(paging::DEFAULT_LIMIT)
    }

    /// Reads `order`. `None` means that a fault was noted.
    pub fn order(&mut self) -> Option<Order> {
        self.note("order", false, || {
            let mut schema = Order::schema();
            schema["default"] = Order::default().as_str().into();
            schema
        });
        self.or("order", Order::default(), str::parse)
    }

    /// Reads `limit`, `order` and `after`, which is a cursor made by [`crate::Page::from_surplus`]. `None` means that a
    /// fault was noted.
    pub fn paging<K: DeserializeOwned>(&mut self) -> Option<Paging<K>> {
        let (limit, order) = (self.limit(), self.order());
        // Whether a cursor is one depends on the order.
        let after = self.cursor("after", |cursor| match order {
            Some(order) => paging::decode_place(order, cursor).map(Some),
            None => Ok(None),
        });
        Some(Paging { order: order?, limit: limit?, after: after?.flatten() })
    }

    /// Reads `limit`, which is this many unless it is given, and `after`, for a list that has one order. `None` means that
    /// a fault was noted.
    pub fn paging_of<K: DeserializeOwned>(&mut self, default_limit: usize) -> Option<Paging<K>> {
        let limit = self.page_size(default_limit);
        let order = Order::default();
        let after = self.cursor("after", |cursor| paging::decode_place(order, cursor));
        Some(Paging { order, limit: limit?, after: after? })
    }

    fn page_size(&mut self, default: usize) -> Option<usize> {
        self.whole_number("limit", default, 1..=MAX_LIMIT)
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
