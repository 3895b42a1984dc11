//! What one does with a page, and sees on it. Everything waits, up to a limit, until it can be done or seen.

mod keys;

use std::fmt::{self, Display};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fantoccini::Client;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::error::CmdError;
use jetbridge_testing::{eventually, http};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::LIMIT;
use super::chromium::Chromium;

/// What a browser says, and gives up its requests for, when the machine gets another network: of containers, for
/// example.
const NETWORK_CHANGED: &str = "net::ERR_NETWORK_CHANGED";
const LOAD_ATTEMPTS: usize = 5;

/// All that fits and can be seen. A `bdi` or a space within a text is no difference.
const FIND: &str = "
    const [selector, text] = arguments;
    const says = (element) => element.textContent.replaceAll('\\u00a0', ' ').includes(text);
    return [...document.querySelectorAll(selector)].filter((element) =>
        element.checkVisibility({ visibilityProperty: true }) && (text === null || says(element)));";

/// Notes whether a click gets through.
/// One whose button was replaced between its two halves is a click on what the button was in.
const NOTE_CLICK: &str = "
    const [meant] = arguments;
    window.ignored = true;
    window.onclick = ({ target }) => { if (meant.contains(target)) window.ignored = false; };";
const WAS_IGNORED: &str = "return window.ignored";

/// Where the focus is once the page has been drawn: what is hidden loses it only then.
const FOCUSED: &str = "
    const [done] = arguments;
    const describe = ({ localName, id, textContent }) => ({
        tag: localName, id, text: textContent.trim(),
    });
    requestAnimationFrame(() => requestAnimationFrame(() => done(describe(document.activeElement))));";

/// Elements that fit a CSS selector, and that have a text in them if one is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    selector: &'a str,
    text: Option<&'a str>,
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(selector: &'a str) -> Self {
        Self { selector, text: None }
    }
}

impl<'a> From<&'a String> for Target<'a> {
    fn from(selector: &'a String) -> Self {
        Self { selector, text: None }
    }
}

impl<'a, T: AsRef<str>> From<(&'a str, &'a T)> for Target<'a>
where
    T: ?Sized,
{
    fn from((selector, text): (&'a str, &'a T)) -> Self {
        Self { selector, text: Some(text.as_ref()) }
    }
}

impl Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text {
            Some(text) => write!(f, "{} with {text:?}", self.selector),
            None => f.write_str(self.selector),
        }
    }
}

/// What has the focus.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Focused {
    pub(super) tag: String,
    pub(super) id: String,
    pub(super) text: String,
}

/// A page of the web client in a browser of its own.
pub(super) struct Page {
    client: Client,
    /// For commands that are Chromium's own.
    http: reqwest::Client,
    session: String,
    base: String,
    /// What the browser has said so far: it says it once.
    messages: Mutex<Vec<String>>,
    /// Whether requests may be refused or broken.
    may_lose_the_server: AtomicBool,
}

impl Page {
    pub(super) fn of(browser: &Chromium, base: &str) -> Self {
        Self {
            client: browser.client().clone(),
            http: http(),
            session: browser.session().to_owned(),
            base: base.to_owned(),
            messages: Mutex::default(),
            may_lose_the_server: AtomicBool::new(false),
        }
    }

    /// Opens a path such as `/wall`, or an address elsewhere, as somebody does who types it.
    pub(super) async fn opens(&self, path: &str) {
        let is_path = path.starts_with('/');
        let url = if is_path { format!("{}{path}", self.base) } else { path.to_owned() };
        self.loads(async || self.client.goto(&url).await).await;
    }

    pub(super) async fn reloads(&self) {
        self.loads(async || self.client.refresh().await).await;
    }

    /// Loads a page, again if the machine's network changed meanwhile.
    async fn loads(&self, load: impl AsyncFn() -> Result<(), CmdError>) {
        for _ in 0..LOAD_ATTEMPTS {
            match load().await {
                Err(error) if error.to_string().contains(NETWORK_CHANGED) => continue,
                outcome => outcome.unwrap(),
            }
            let is_running: bool = self.evaluates("return document.querySelector('[data-status]') !== null", &[]).await;
            if is_running || !self.messages().await.iter().any(|message| message.contains(NETWORK_CHANGED)) {
                return;
            }
        }
    }

    /// Submits the dialog that is open.
    pub(super) async fn submits(&self) {
        self.clicks("dialog[open] button[type=submit]").await;
    }

    pub(super) async fn goes_back(&self) {
        self.client.back().await.unwrap();
    }

    /// The path of its address, with the query.
    pub(super) async fn address(&self) -> String {
        self.evaluates("return location.pathname + location.search", &[]).await
    }

    /// Waits until its address is one of these. Paths end with `*` where the rest does not matter.
    pub(super) async fn comes_to(&self, path: &str) {
        eventually(&format!("comes to {path}"), LIMIT, async || {
            let address = self.address().await;
            let is_there = path.strip_suffix('*').map_or(address == path, |start| address.starts_with(start));
            if is_there { Ok(()) } else { Err(address) }
        })
        .await;
    }

    /// Clicks on the first of these, until that is not ignored.
    pub(super) async fn clicks<'a>(&self, target: impl Into<Target<'a>>) {
        let target = target.into();
        eventually(&format!("click on {target}"), LIMIT, async || {
            self.is_settled(target).await?;
            let found = self.find(target).await?;
            let element = serde_json::to_value(&found).map_err(|error| error.to_string())?;
            self.client.execute(NOTE_CLICK, vec![element]).await.map_err(|error| error.to_string())?;
            found.click().await.map_err(|error| error.to_string())?;
            let is_ignored = self.client.execute(WAS_IGNORED, Vec::new()).await;
            // A page that is another one by now has taken it.
            if is_ignored.is_ok_and(|ignored| ignored == json!(true)) { Err("ignored".to_owned()) } else { Ok(()) }
        })
        .await;
    }

    /// Whether the first of these has been in its place for a while.
    async fn is_settled(&self, target: Target<'_>) -> Result<(), String> {
        let element = serde_json::to_value(self.find(target).await?).map_err(|error| error.to_string())?;
        let script = "return arguments[0].closest('[data-settling]') === null";
        let settled = self.client.execute(script, vec![element]).await.map_err(|error| error.to_string())?;
        if settled == json!(true) { Ok(()) } else { Err("it has just moved".to_owned()) }
    }

    /// Clicks on the first of these twice, as fast as a nervous hand.
    pub(super) async fn double_clicks<'a>(&self, target: impl Into<Target<'a>>) {
        let target = target.into();
        let is_settled = async || self.is_settled(target).await;
        eventually(&format!("{target} reacts"), LIMIT, is_settled).await;
        let element = self.sees(target).await;
        let (down, up) =
            (PointerAction::Down { button: MOUSE_BUTTON_LEFT }, PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        let move_there = PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 };
        let clicks = MouseActions::new("mouse".to_owned()).then(move_there);
        let clicks = clicks.then(down.clone()).then(up.clone()).then(down).then(up);
        self.client.perform_actions(clicks).await.unwrap();
    }

    /// Replaces what is in a field.
    pub(super) async fn fills<'a>(&self, target: impl Into<Target<'a>>, text: &str) {
        let field = self.sees(target).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses an option of a select element by its value.
    pub(super) async fn chooses<'a>(&self, target: impl Into<Target<'a>>, value: &str) {
        self.sees(target).await.select_by_value(value).await.unwrap();
    }

    /// The first of these, once it is there.
    pub(super) async fn sees<'a>(&self, target: impl Into<Target<'a>>) -> Element {
        let target = target.into();
        eventually(&format!("see {target}"), LIMIT, async || self.find(target).await).await
    }

    /// Waits until there is none of these.
    pub(super) async fn sees_no<'a>(&self, target: impl Into<Target<'a>>) {
        self.counts(target, 0).await;
    }

    /// Waits until there are so many of these.
    pub(super) async fn counts<'a>(&self, target: impl Into<Target<'a>>, expected: usize) {
        let target = target.into();
        eventually(&format!("count {expected} of {target}"), LIMIT, async || {
            let count = self.find_all(target).await?.len();
            if count == expected { Ok(()) } else { Err(format!("{count} of them")) }
        })
        .await;
    }

    /// What is in a field.
    pub(super) async fn value(&self, selector: &str) -> String {
        self.evaluates("return document.querySelector(arguments[0]).value", &[json!(selector)]).await
    }

    /// The texts of these, in the order of the page.
    pub(super) async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent)";
        self.evaluates(script, &[json!(selector)]).await
    }

    /// Waits until the texts of these are such.
    pub(super) async fn shows(&self, selector: &str, expected: &[impl AsRef<str>]) {
        let expected: Vec<_> = expected.iter().map(AsRef::as_ref).collect();
        eventually(&format!("{selector} say {expected:#?}"), LIMIT, async || {
            let texts = self.texts(selector).await;
            if texts == expected { Ok(()) } else { Err(format!("{texts:#?}")) }
        })
        .await;
    }

    pub(super) async fn focused(&self) -> Focused {
        let focused = self.client.execute_async(FOCUSED, Vec::new()).await.unwrap();
        serde_json::from_value(focused).unwrap()
    }

    /// What a script returns.
    pub(super) async fn evaluates<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.client.execute(script, arguments.to_vec()).await.unwrap();
        serde_json::from_value(value).unwrap()
    }

    /// What a script calls back with.
    pub(super) async fn awaits<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.client.execute_async(script, arguments.to_vec()).await.unwrap();
        serde_json::from_value(value).unwrap()
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub(super) async fn devtools(&self, command: &str, parameters: Value) {
        let answer = self.command("goog/cdp/execute", &json!({"cmd": command, "params": parameters})).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// The test takes the server away, so the browser may complain about that.
    pub(super) fn may_lose_the_server(&self) {
        self.may_lose_the_server.store(true, Ordering::Relaxed);
    }

    /// What the browser has said about the page: errors, warnings, and what scripts write.
    pub(super) async fn messages(&self) -> Vec<String> {
        let entries = self.command("se/log", &json!({"type": "browser"})).await;
        let mut messages = self.messages.lock().unwrap();
        match &entries {
            Ok(entries) => messages.extend(
                entries
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|entry| format!("{} {}", text(&entry["level"]), text(&entry["message"]))),
            ),
            Err(error) => messages.push(error.clone()),
        }
        messages.clone()
    }

    /// Fails if something on the page did not work.
    pub(super) async fn has_no_errors(&self) {
        let is_error = |message: &String| message.starts_with("SEVERE") && !self.is_expected(message);
        let errors: Vec<_> = self.messages().await.into_iter().filter(is_error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    fn is_expected(&self, message: &str) -> bool {
        // A browser writes a line for every answer that says no.
        let is_refusal = message.contains("Failed to load resource: the server responded with a status of 4");
        let is_lost = message.contains("Failed to load resource") || message.contains("net::ERR_");
        is_refusal || message.contains(NETWORK_CHANGED) || (is_lost && self.may_lose_the_server.load(Ordering::Relaxed))
    }

    /// The page as a PNG.
    pub(super) async fn screenshot(&self) -> Result<Vec<u8>, String> {
        self.client.screenshot().await.map_err(|error| error.to_string())
    }

    async fn find(&self, target: Target<'_>) -> Result<Element, String> {
        self.find_all(target).await?.into_iter().next().ok_or_else(|| "there is none".to_owned())
    }

    async fn find_all(&self, Target { selector, text }: Target<'_>) -> Result<Vec<Element>, String> {
        let found = self.client.execute(FIND, vec![json!(selector), json!(text)]).await;
        let found = found.map_err(|error| error.to_string())?;
        let elements = found.as_array().ok_or_else(|| format!("no list: {found}"))?;
        let ids = elements.iter().filter_map(|element| element.as_object()?.values().next()?.as_str());
        let element = |id: &str| Element::from_element_id(self.client.clone(), ElementRef::from(id.to_owned()));
        Ok(ids.map(element).collect())
    }

    /// Sends a command that is Chromium's own.
    async fn command(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.http.post(format!("{}/{path}", self.session)).json(body).timeout(Duration::from_secs(10));
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let mut answer: Value = response.json().await.map_err(|error| error.to_string())?;
        if status == StatusCode::OK { Ok(answer["value"].take()) } else { Err(answer.to_string()) }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
