//! One invocation: queries and commands, one after the other.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use http::{HeaderValue, Method, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use shared_service::headers::JETBRIDGE_POSITION;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::arguments::{Answers, ListArgs, OnceArgs};
use super::connection::{Answer, Call, Connection, Key};
use super::failure::Failure;
use super::output;

/// How many items a page has at most.
const PAGE: usize = 1_000;

/// A connection, and what was seen over it.
pub(super) struct Session {
    connection: Connection,
    answers: Answers,
    /// What commands have done, which queries have to cover.
    done: RefCell<Option<HeaderValue>>,
    has_complained: Cell<bool>,
}

/// A part of a list.
#[derive(Deserialize, Serialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// Something that a table shows.
pub(super) trait Shown<const N: usize>: DeserializeOwned {
    /// What its columns are called.
    const TITLES: [&'static str; N];

    /// What is in them.
    fn cells(self) -> [String; N];
}

impl Session {
    pub(super) fn new(connection: Connection, answers: Answers) -> Self {
        Self { connection, answers, done: RefCell::new(None), has_complained: Cell::new(false) }
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether programs read the answers.
    pub(super) const fn is_for_programs(&self) -> bool {
        self.answers.json
    }

    /// Asks for something. The answer covers what commands have done before.
    pub(super) async fn query(&self, path: &str) -> Result<Answer, Failure> {
        let mut call = Call::get(path);
        if let Some(position) = self.done.borrow().clone() {
            call = call.with(JETBRIDGE_POSITION, position);
        }
        self.call(&call).await
    }

    /// Has something done, once.
    pub(super) async fn command(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        once: Once<'_>,
    ) -> Result<Answer, Failure> {
        let mut call = Call::command(method, path, body, once.key());
        if let Some(etag) = once.if_match {
            call = call.with(header::IF_MATCH, etag);
        }
        let answer = self.call(&call).await?;
        if let Some(position) = answer.headers.get(JETBRIDGE_POSITION) {
            self.done.replace(Some(position.clone()));
        }
        Ok(answer)
    }

    async fn call(&self, call: &Call) -> Result<Answer, Failure> {
        let repeating = |failure: &Failure| {
            if !self.has_complained.replace(true) {
                let limit = self.connection.retry_for().as_secs();
                output::say(&format!("note: {failure}\n  It is tried again, for up to {limit} s."));
            }
        };
        self.connection.call(call, repeating).await
    }

    /// Shows a thing.
    pub(super) fn show<const N: usize, T: Shown<N>>(&self, answer: &Answer) -> Result<(), Failure> {
        if self.answers.json {
            return Ok(output::lines([String::from_utf8_lossy(&answer.body)])?);
        }
        Ok(output::table(T::TITLES, [answer.read::<T>()?.cells()])?)
    }

    /// Shows a list, page after page up to its limit.
    pub(super) async fn list<const N: usize, T: Shown<N>>(
        &self,
        path: &str,
        filters: &[(&str, Option<String>)],
        list: &ListArgs,
    ) -> Result<(), Failure> {
        let mut all = Page { items: Vec::new(), next: list.after.clone() };
        while all.items.len() < list.limit {
            let size = (list.limit - all.items.len()).min(PAGE);
            let mut query = Serializer::new(String::new());
            query.append_pair("limit", &size.to_string());
            let after = all.next.as_deref().map(|after| ("after", after));
            let given = filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
            query.extend_pairs(given.chain(after));
            let page: Page = self.query(&format!("{path}?{}", query.finish())).await?.read()?;
            all.items.extend(page.items);
            all.next = page.next;
            if all.next.is_none() {
                break;
            }
        }
        if self.answers.json {
            return Ok(output::lines([Cow::Owned(serde_json::to_string(&all)?)])?);
        }
        let rows = all.items.iter().map(|item| serde_json::from_str::<T>(item.get()).map(T::cells));
        output::table(T::TITLES, rows.collect::<Result<Vec<_>, _>>()?)?;
        if let Some(next) = all.next {
            output::say(&format!("There is more: --after {}", output::visible(&next)));
        }
        Ok(())
    }
}

/// By what a command is known when it is repeated, and what it is about.
pub(super) struct Once<'a> {
    given: &'a OnceArgs,
    about: Option<Uuid>,
    if_match: Option<HeaderValue>,
}

impl<'a> Once<'a> {
    /// A command that makes something.
    pub(super) const fn new(given: &'a OnceArgs) -> Self {
        Self { given, about: None, if_match: None }
    }

    /// A command about something.
    pub(super) const fn on(given: &'a OnceArgs, about: Uuid) -> Self {
        Self { given, about: Some(about), if_match: None }
    }

    /// Only if it is still in this version.
    pub(super) fn if_match(self, etag: Option<&HeaderValue>) -> Self {
        Self { if_match: etag.cloned(), ..self }
    }

    fn key(&self) -> Key {
        let given = self.given.idempotency_key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        // Each of several commands has a key of its own.
        let sent = self.about.map_or_else(|| given.clone(), |id| format!("{given}/{id}"));
        Key { sent, given }
    }
}
