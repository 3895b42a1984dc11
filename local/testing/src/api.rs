//! A client of the public API. It checks in every answer what has to hold for all of them.

mod answer;
mod call;
mod contract;
mod made;

use std::time::Duration;

pub use answer::Answer;
pub use call::Call;
pub use made::{flight_details, unique, unknown_id};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::service::SERVICE_TOKEN;

/// How long an answer may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A client whose every request has a limit.
///
/// # Panics
///
/// When it cannot be set up.
pub fn http() -> Client {
    Client::builder().timeout(LIMIT).build().expect("a client of HTTP")
}

/// Talks to one API, or to the gateway in front of all.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    /// Whether the pages are there that explain problems.
    explains: bool,
    /// Whether it is a service of the system, and the roles of whom it asks for.
    service: Option<Option<&'static str>>,
}

impl Api {
    /// A client of the API at this address, `http://host:port`, with connections of its own.
    pub fn new(url: impl Into<String>) -> Self {
        Self { client: http(), base: url.into(), explains: false, service: None }
    }

    /// A client of the gateway at this address. Every type of problem that it answers has to have a page there, and every
    /// answer has to be as the document of the API says.
    pub fn of_gateway(url: impl Into<String>) -> Self {
        Self { explains: true, ..Self::new(url) }
    }

    /// The same one, as the gateway is for somebody with these roles.
    #[must_use]
    pub fn with_roles(&self, roles: &'static str) -> Self {
        Self { service: Some(Some(roles)), ..self.clone() }
    }

    /// The same one, as another service is that asks for itself.
    #[must_use]
    pub fn as_a_service(&self) -> Self {
        Self { service: Some(None), ..self.clone() }
    }

    /// The same one, over another connection.
    #[must_use]
    pub fn another_connection(&self) -> Self {
        Self { client: http(), ..self.clone() }
    }

    /// The address of a path such as `/api/flights`.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request for a path.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let mut request = self.client.request(method.clone(), self.at(path));
        if let Some(roles) = self.service {
            request = request.bearer_auth(SERVICE_TOKEN);
            request = roles.into_iter().fold(request, |request, roles| request.header("Jetbridge-Roles", roles));
        }
        Call::new(self.clone(), request, format!("{method} {path}"))
    }

    /// A `GET` of a path.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A `POST` to a path.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A `PUT` to a path.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A `DELETE` of a path.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// What is found at a path.
    ///
    /// # Panics
    ///
    /// When nothing is.
    pub async fn found(&self, path: &str) -> Value {
        self.get(path).send().await.expect(StatusCode::OK).body
    }

    /// A page of a list: its items, and the cursor behind them.
    ///
    /// # Panics
    ///
    /// When the answer is no page.
    pub async fn page(&self, path: &str) -> (Vec<Value>, Option<String>) {
        page_of(self.get(path)).await
    }

    /// All items of a list, page after page.
    ///
    /// # Panics
    ///
    /// When an answer is no page, or a cursor leads to an empty one.
    pub async fn whole(&self, path: &str) -> Vec<Value> {
        self.pages(path, |call| call).await.concat()
    }

    /// What each item of a whole list has in a field, such as its `id`.
    ///
    /// # Panics
    ///
    /// As [`whole`](Self::whole) does, and when an item does not have it.
    pub async fn texts(&self, path: &str, field: &str) -> Vec<String> {
        texts(&self.whole(path).await, field)
    }

    /// All items of a list, in pages of at most this many, as they are at `position` or later.
    ///
    /// # Panics
    ///
    /// As [`whole`](Self::whole) does, and when a page is longer.
    pub async fn walk(&self, path: &str, limit: usize, position: &str) -> Vec<Value> {
        let path = format!("{path}{}limit={limit}", separator(path));
        let pages = self.pages(&path, |call| call.position(position)).await;
        assert!(pages.iter().all(|page| page.len() <= limit), "more than {limit} items on a page of {path}");
        pages.concat()
    }

    async fn pages(&self, path: &str, asked: impl Fn(Call) -> Call) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut after = String::new();
        loop {
            let (items, next) = page_of(asked(self.get(&format!("{path}{after}")))).await;
            assert!(pages.is_empty() || !items.is_empty(), "a cursor of {path} leads to nothing");
            pages.push(items);
            match next {
                Some(next) => after = format!("{}after={next}", separator(path)),
                None => return pages,
            }
        }
    }
}

async fn page_of(call: Call) -> (Vec<Value>, Option<String>) {
    let mut page = call.send().await.expect(StatusCode::OK);
    let Value::Array(items) = page.body["items"].take() else { panic!("no items: {page:?}") };
    (items, page.body["next"].as_str().map(str::to_owned))
}

/// What each item has in a field, such as its `id`.
///
/// # Panics
///
/// When it is not there, or no text.
pub fn texts(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect()
}

/// The same texts from the last to the first.
pub fn reversed(texts: &[String]) -> Vec<String> {
    texts.iter().rev().cloned().collect()
}

/// The texts at these places.
///
/// # Panics
///
/// When there are not so many.
pub fn at(texts: &[String], places: &[usize]) -> Vec<String> {
    places.iter().map(|place| texts[*place].clone()).collect()
}

fn separator(path: &str) -> char {
    if path.contains('?') { '&' } else { '?' }
}
