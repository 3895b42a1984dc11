//! Pages for people: where the API is, and what its problems mean. Plain HTML, without scripts and styles.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use shared_service::problem::{Problem, ProblemType};

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The pages.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(home)).route("/problems", get(index)).route("/problems/{slug}", get(explanation))
}

async fn home() -> Response {
    page(
        "Jetbridge",
        "<p>Jetbridge manages flights and their passengers for the people who turn a flight round at the gate.</p>\
         <p>This is its API:</p><ul>\
         <li><code>/api/flights</code></li>\
         <li><code>/api/passengers?flightId=…</code></li>\
         <li><code>/api/manifests</code></li>\
         <li><a href=\"/api/auditlog/all\"><code>/api/auditlog/all</code></a></li>\
         <li><a href=\"/api/health\"><code>/api/health</code></a>: how all services are</li>\
         <li><a href=\"/problems\"><code>/problems</code></a>: what errors mean</li></ul>",
    )
}

/// A type of problem, for programs.
#[derive(Serialize)]
struct Entry {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    meaning: &'static str,
    remedy: &'static str,
}

impl From<ProblemType> for Entry {
    fn from(kind: ProblemType) -> Self {
        Self {
            r#type: kind.path(),
            title: kind.title(),
            status: kind.status().as_u16(),
            meaning: kind.meaning(),
            remedy: kind.remedy(),
        }
    }
}

async fn index(headers: HeaderMap) -> Response {
    if prefers_json(&headers) {
        return varying(Json(ProblemType::ALL.iter().copied().map(Entry::from).collect::<Vec<_>>()).into_response());
    }
    let rows: String = ProblemType::ALL
        .iter()
        .map(|kind| {
            let (status, path, slug) = (kind.status().as_u16(), kind.path(), kind.slug());
            format!("<tr><td>{status}</td><td><a href=\"{path}\">{slug}</a></td><td>{}</td></tr>", text(kind.meaning()))
        })
        .collect();
    varying(page(
        "Problems",
        &format!(
            "<table><thead><tr><th>Status</th><th>Type</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        ),
    ))
}

async fn explanation(path: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Result<Response, Problem> {
    let kind = path
        .ok()
        .and_then(|Path(slug)| ProblemType::from_slug(&slug))
        .ok_or_else(|| Problem::new(ProblemType::NotFound, "There is no such type of problem; see /problems."))?;
    if prefers_json(&headers) {
        return Ok(varying(Json(Entry::from(kind)).into_response()));
    }
    let body = format!(
        "<p><code>{}</code>, status {}</p><h2>What it means</h2><p>{}</p><h2>What to do</h2><p>{}</p>\
         <p><a href=\"/problems\">All problems</a></p>",
        kind.path(),
        kind.status().as_u16(),
        text(kind.meaning()),
        text(kind.remedy()),
    );
    Ok(varying(page(kind.title(), &body)))
}

/// Whether JSON is asked for, and HTML is not.
fn prefers_json(headers: &HeaderMap) -> bool {
    let mut types = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    let first = types.find(|media| {
        matches!(*media, "application/json" | "application/problem+json" | "text/html" | "application/xhtml+xml")
    });
    matches!(first, Some("application/json" | "application/problem+json"))
}

fn varying(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// A page with the headers that keep it what it is. `body` is HTML.
fn page(title: &str, body: &str) -> Response {
    let document = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    );
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, Html(document)).into_response()
}

/// Plain text as HTML; what stands between backticks is code.
fn text(plain: &str) -> String {
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut html = String::with_capacity(escaped.len());
    for (at, part) in escaped.split('`').enumerate() {
        match at % 2 {
            0 => html.push_str(part),
            _ => html.extend(["<code>", part, "</code>"]),
        }
    }
    html
}
