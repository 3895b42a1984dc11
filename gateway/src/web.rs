//! The web client: one page for all of its addresses, and the files that this page asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use shared_access::Access;
use shared_service::Routes;
use shared_service::entity_tag::EntityTags;
use shared_service::problem::Problem;
use shared_service::problem_type;

use crate::config::WebDir;
use crate::pages;

const ROUTES: [&str; 7] = ["/", "/flights/{id}", "/passengers/{id}", "/audit-log", "/system", "/sign-in", "/wall"];
/// Where nobody looks for a page of the client.
const NOT_FOR_PEOPLE: [&str; 5] = ["/api", "/health", "/problems", "/assets", "/auth"];

const INDEX: &str = "index.html";
/// What the page says in place of a version as it is written.
const UNVERSIONED: &str = "dev";
/// How many bytes of the hash of all files are enough to tell versions apart.
const VERSION_BYTES: usize = 8;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The files that a browser has a use for.
#[derive(RustEmbed)]
#[folder = "web/"]
#[include = "*.html"]
#[include = "*.js"]
#[include = "*.css"]
#[include = "*.svg"]
#[include = "*.png"]
#[include = "*.ico"]
#[include = "*.woff2"]
#[include = "*.webmanifest"]
#[exclude = "tests/*"]
struct Embedded;

/// The web client.
pub(crate) struct WebClient {
    files: Files,
    version: String,
}

enum Files {
    /// As they were when this program was compiled.
    Embedded(BTreeMap<Cow<'static, str>, Bytes>),
    /// As they are at the moment.
    Folder(WebDir),
}

/// The routes of the client. They are for everybody: there is nothing in it but how to ask for what is not.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(client: Arc<WebClient>) -> Routes<S> {
    let assets = Routes::new().get("/assets/{version}/{*path}", Access::Public, asset);
    ROUTES.iter().fold(assets, |routes, route| routes.get(route, Access::Public, index)).with_state(client)
}

async fn index(State(client): State<Arc<WebClient>>, headers: HeaderMap) -> Result<Response, Problem> {
    let page = client.page().await?;
    Ok(client.unless_known(&headers, page))
}

async fn asset(
    State(client): State<Arc<WebClient>>,
    uri: Uri,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || Problem::new(problem_type::NOT_FOUND, "The web client has no such file.");
    // A slash that is encoded is none, and no file has one in its name.
    if uri.path().to_ascii_lowercase().contains("%2f") {
        return Err(missing());
    }
    let Path((version, path)) = path.map_err(|_| missing())?;
    // The page is not for use without the headers of a page.
    let content = if path == INDEX { None } else { client.read(&path).await? };
    let asset = client.answer(&path, &version, content.ok_or_else(missing)?);
    Ok(client.unless_known(&headers, asset))
}

/// Whether somebody who follows a link or types an address may ask for this, and should be told that nothing is there by
/// a page.
pub(crate) fn is_for_people(request: &Request) -> bool {
    let path = request.uri().path();
    let is_below = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    !NOT_FOR_PEOPLE.into_iter().any(is_below) && matches!(*request.method(), Method::GET | Method::HEAD)
}

impl WebClient {
    pub(crate) fn new(folder: Option<WebDir>) -> Self {
        match folder {
            Some(folder) => Self { files: Files::Folder(folder), version: UNVERSIONED.to_owned() },
            None => Self::embedded(),
        }
    }

    fn embedded() -> Self {
        let mut hash = Sha256::new();
        let mut files = BTreeMap::new();
        for (path, file) in Embedded::iter().filter_map(|path| Embedded::get(&path).map(|file| (path, file))) {
            hash.update(path.as_bytes());
            hash.update(file.metadata.sha256_hash());
            let content = match file.data {
                Cow::Borrowed(content) => Bytes::from_static(content),
                Cow::Owned(content) => content.into(),
            };
            files.insert(path, content);
        }
        let version: String = hash.finalize().iter().take(VERSION_BYTES).map(|byte| format!("{byte:02x}")).collect();
        if let Some(page) = files.get_mut(INDEX) {
            let versioned = String::from_utf8_lossy(page).replace(&base(UNVERSIONED), &base(&version));
            *page = versioned.into();
        }
        Self { files: Files::Embedded(files), version }
    }

    /// The address of the style sheet.
    pub(crate) fn style_sheet(&self) -> String {
        format!("{}style.css", base(&self.version))
    }

    /// The page for addresses at which nothing is: the client says so.
    pub(crate) async fn page_of_nothing(&self) -> Result<Response, Problem> {
        Ok((StatusCode::NOT_FOUND, self.page().await?).into_response())
    }

    async fn page(&self) -> Result<Response, Problem> {
        let content = self.read(INDEX).await?;
        let content = content.ok_or_else(|| Problem::internal("the folder of the web client has no index.html"))?;
        Ok(pages::with_headers(CONTENT_SECURITY_POLICY, self.answer(INDEX, UNVERSIONED, content)))
    }

    async fn read(&self, path: &str) -> Result<Option<Bytes>, Problem> {
        match &self.files {
            Files::Embedded(files) => Ok(files.get(path).cloned()),
            Files::Folder(_) if !is_plain(path) => Ok(None),
            Files::Folder(folder) => read_file(&folder.path().join(path)).await,
        }
    }

    /// The content of a file, and how long it may be kept under an address with this version in it.
    fn answer(&self, path: &str, version: &str, content: Bytes) -> Response {
        let caching = match self.files {
            Files::Folder(_) => "no-store",
            Files::Embedded(_) if version == self.version => "public, max-age=31536000, immutable",
            Files::Embedded(_) => "no-cache",
        };
        let headers =
            [(header::CONTENT_TYPE, content_type(path)), (header::CACHE_CONTROL, HeaderValue::from_static(caching))];
        (headers, content).into_response()
    }

    /// Adds the ETag, which all embedded files have in common, and leaves out what the client has already.
    fn unless_known(&self, request: &HeaderMap, mut response: Response) -> Response {
        if matches!(self.files, Files::Folder(_)) {
            return response;
        }
        let known = EntityTags::read(request, &header::IF_NONE_MATCH).ok().flatten();
        if known.is_some_and(|known| known.match_weakly(self.version.as_bytes())) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = axum::body::Body::empty();
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        // Weak, since it is the same for all encodings.
        if let Ok(etag) = HeaderValue::try_from(format!("W/\"{}\"", self.version)) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// Where the files of a version are.
fn base(version: &str) -> String {
    format!("/assets/{version}/")
}

/// Whether a path stays where it starts, and does not lead to a hidden file.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']))
}

/// The content of a file, if it is one.
async fn read_file(path: &FilePath) -> Result<Option<Bytes>, Problem> {
    let read = async {
        let is_file = tokio::fs::metadata(path).await?.is_file();
        if is_file { tokio::fs::read(path).await.map(|content| Some(content.into())) } else { Ok(None) }
    };
    match read.await {
        Err(error) if is_nothing_there(&error) => Ok(None),
        outcome => outcome.map_err(|error| Problem::internal(format_args!("cannot read {}: {error}", path.display()))),
    }
}

fn is_nothing_there(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
}

fn content_type(path: &str) -> HeaderValue {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    HeaderValue::try_from(format!("{kind}{charset}")).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
