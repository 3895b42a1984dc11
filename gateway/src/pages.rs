//! Pages that explain what the problems of the API mean. Plain HTML, without scripts.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use shared_access::Access;
use shared_kernel::{Domain, ProblemType};
use shared_service::Routes;
use shared_service::problem::Problem;
use shared_service::problem_type;

use crate::accept::Preferred;
use crate::web::WebClient;

const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The pages, which look like those of the web client, about the problems of all services and of these domains.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(client: Arc<WebClient>, domains: Vec<&Domain>) -> Routes<S> {
    let own = domains.into_iter().flat_map(|domain| domain.problem_types);
    let pages = Arc::new(Pages { client, problem_types: problem_type::ALL.iter().chain(own).copied().collect() });
    let routes = Routes::new().get("/problems", Access::Public, index);
    routes.get("/problems/{slug}", Access::Public, explanation).with_state(pages)
}

struct Pages {
    client: Arc<WebClient>,
    problem_types: Vec<&'static ProblemType>,
}

/// A type of problem, for programs.
#[derive(Serialize)]
struct ProblemEntry {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    meaning: &'static str,
    remedy: &'static str,
}

impl From<&'static ProblemType> for ProblemEntry {
    fn from(kind: &'static ProblemType) -> Self {
        Self { r#type: kind.path, title: kind.title, status: kind.status, meaning: kind.meaning, remedy: kind.remedy }
    }
}

async fn index(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    if Preferred::of(&headers, Preferred::Html) == Preferred::Json {
        return varying(
            Json(pages.problem_types.iter().copied().map(ProblemEntry::from).collect::<Vec<_>>()).into_response(),
        );
    }
    let rows: String = pages
        .problem_types
        .iter()
        .map(|kind| {
            let (status, path, slug) = (kind.status, kind.path, kind.slug);
            format!("<tr><td>{status}</td><td><a href=\"{path}\">{slug}</a></td><td>{}</td></tr>", text(kind.meaning))
        })
        .collect();
    varying(page(
        &pages.client,
        "Problems",
        &format!(
            "<table><thead><tr><th>Status</th><th>Type</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        ),
    ))
}

async fn explanation(
    State(pages): State<Arc<Pages>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = path
        .ok()
        .and_then(|Path(slug)| pages.problem_types.iter().copied().find(|kind| kind.slug == slug))
        .ok_or_else(|| Problem::new(problem_type::NOT_FOUND, "There is no such type of problem; see /problems."))?;
    if Preferred::of(&headers, Preferred::Html) == Preferred::Json {
        return Ok(varying(Json(ProblemEntry::from(kind)).into_response()));
    }
    let body = format!(
        "<p><code>{}</code>, status {}</p><h2>What it means</h2><p>{}</p><h2>What to do</h2><p>{}</p>\
         <p><a href=\"/problems\">All problems</a></p>",
        kind.path,
        kind.status,
        text(kind.meaning),
        text(kind.remedy),
    );
    Ok(varying(page(&pages.client, kind.title, &body)))
}

/// Says that who prefers something else gets something else.
pub(crate) fn varying(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// A page without scripts, in the style of the web client. `body` is HTML.
pub(crate) fn page(client: &WebClient, title: &str, body: &str) -> Response {
    let style_sheet = client.style_sheet();
    let document = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Jetbridge</title>\
         <link rel=\"stylesheet\" href=\"{style_sheet}\"></head><body><main class=\"page\">\
         <p><a href=\"/\">Jetbridge</a></p><h1>{title}</h1>{body}</main></body></html>"
    );
    with_headers(CONTENT_SECURITY_POLICY, Html(document).into_response())
}

/// Adds the headers that keep a page what it is.
pub(crate) fn with_headers(content_security_policy: &'static str, page: Response) -> Response {
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(content_security_policy)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
        (PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()")),
    ];
    (headers, page).into_response()
}

/// Plain text as HTML; what stands between backticks is code.
pub(crate) fn text(plain: &str) -> String {
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
