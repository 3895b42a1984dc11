use std::fs;
use std::path::{Path, PathBuf};

use jetbridge_testing::TestService;
use reqwest::{Client, Method, RequestBuilder, Response};

use crate::support::{expect_problem, gateway, nobody};

/// What browsers send for a page.
const FROM_A_BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn get(gateway: &TestService, path: &str) -> Response {
    Client::new().get(gateway.url(path)).send().await.unwrap()
}

fn visit(gateway: &TestService, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, gateway.url(path)).header("accept", FROM_A_BROWSER)
}

/// Where the page says that the files are: `/assets/VERSION/`.
async fn assets(gateway: &TestService) -> String {
    let page = get(gateway, "/").await.text().await.unwrap();
    let (before, _) = page.split_once("main.js\"").expect("the page loads its script");
    before[before.rfind("/assets/").unwrap()..].to_owned()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

/// All files below a folder, as paths from there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => found.push(entry.path().strip_prefix(folder).unwrap().to_owned()),
            }
        }
    }
    found
}

fn assert_page_headers(page: &Response) {
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    assert_eq!(
        page.headers()["content-security-policy"],
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(page.headers()["cross-origin-resource-policy"], "same-origin");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["cross-origin-opener-policy"], "same-origin");
    assert!(page.headers()["permissions-policy"].to_str().unwrap().contains("geolocation=()"));
}

#[tokio::test]
async fn the_page_answers_at_each_of_its_addresses() {
    let gateway = gateway(nobody().await).await;
    let assets = assets(&gateway).await;
    assert_ne!(assets, "/assets/dev/");
    let source = fs::read_to_string(sources().join("index.html")).unwrap();
    for path in ["/", "/flights/0190", "/passengers/%C3%BC?a=b", "/audit-log", "/system", "/wall"] {
        let page = get(&gateway, path).await;
        assert_eq!(page.status(), 200, "{path}");
        assert_page_headers(&page);
        assert_eq!(page.text().await.unwrap(), source.replace("/assets/dev/", &assets));
    }
}

#[tokio::test]
async fn the_page_is_asked_for_again_and_sent_if_it_has_changed() {
    let gateway = gateway(nobody().await).await;
    let etag = get(&gateway, "/").await.headers()["etag"].to_str().unwrap().to_owned();
    for known in [etag.clone(), format!("\"x\", {etag}"), etag.trim_start_matches("W/").to_owned(), "*".to_owned()] {
        let request = Client::new().get(gateway.url("/wall")).header("if-none-match", known);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers()["etag"], etag);
        assert_eq!(answer.headers()["cache-control"], "no-cache");
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        assert!(!answer.headers().contains_key("content-type") && !answer.headers().contains_key("content-length"));
        assert_eq!(answer.text().await.unwrap(), "");
    }
    let request = Client::new().get(gateway.url("/")).header("if-none-match", "\"x\"");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn files_of_this_version_are_kept_for_ever() {
    let gateway = gateway(nobody().await).await;
    let assets = assets(&gateway).await;
    for (file, kind) in [("main.js", "text/javascript; charset=utf-8"), ("style.css", "text/css; charset=utf-8")] {
        let asset = get(&gateway, &format!("{assets}{file}")).await;
        assert_eq!(asset.status(), 200);
        assert_eq!(asset.headers()["content-type"], kind);
        assert_eq!(asset.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(asset.headers()["x-content-type-options"], "nosniff");
        assert_eq!(asset.headers()["cross-origin-resource-policy"], "same-origin");
        assert_eq!(asset.bytes().await.unwrap(), fs::read(sources().join(file)).unwrap());
    }
}

#[tokio::test]
async fn a_page_from_before_an_upgrade_still_finds_its_files() {
    let gateway = gateway(nobody().await).await;
    for version in ["0123456789abcdef", "dev"] {
        let asset = get(&gateway, &format!("/assets/{version}/main.js")).await;
        assert_eq!(asset.status(), 200);
        assert_eq!(asset.headers()["cache-control"], "no-cache");
        let etag = asset.headers()["etag"].clone();
        assert_eq!(asset.bytes().await.unwrap(), fs::read(sources().join("main.js")).unwrap());
        let again = Client::new().get(gateway.url(&format!("/assets/{version}/main.js")));
        assert_eq!(again.header("if-none-match", etag).send().await.unwrap().status(), 304);
    }
}

#[tokio::test]
async fn only_what_belongs_to_a_browser_is_served() {
    let gateway = gateway(nobody().await).await;
    let assets = assets(&gateway).await;
    for file in files(&sources()) {
        let name = file.to_str().unwrap();
        let is_test = name.starts_with("tests/");
        let is_of_use = ["js", "css", "svg", "png", "ico", "woff2", "webmanifest"]
            .iter()
            .any(|extension| file.extension().is_some_and(|found| found == *extension));
        let asset = get(&gateway, &format!("{assets}{name}")).await;
        assert_eq!(asset.status(), if is_of_use && !is_test { 200 } else { 404 }, "{name}");
    }
}

#[tokio::test]
async fn other_files_do_not_exist() {
    let gateway = gateway(nobody().await).await;
    let assets = assets(&gateway).await;
    for path in ["no.js", "index.html", "../Cargo.toml", "..%2FCargo.toml", "", "%ff", "views"] {
        expect_problem(visit(&gateway, Method::GET, &format!("{assets}{path}")), 404, "not-found").await;
    }
    for path in ["/assets", "/assets/", "/assets/dev", "/assets/main.js", "/assets/x/deno.json"] {
        expect_problem(visit(&gateway, Method::GET, path), 404, "not-found").await;
    }
}

#[tokio::test]
async fn a_visitor_is_told_by_the_page_that_nothing_is_there() {
    let gateway = gateway(nobody().await).await;
    for path in ["/nowhere", "/flights", "/flights/1/2", "/apis", "//api/flights", "/%ff"] {
        let page = visit(&gateway, Method::GET, path).send().await.unwrap();
        assert_eq!(page.status(), 404, "{path}");
        assert_page_headers(&page);
        assert!(!page.headers().contains_key("etag"), "{path}");
        assert!(page.text().await.unwrap().contains("main.js"));
        let page = visit(&gateway, Method::HEAD, path).send().await.unwrap();
        assert_eq!(page.status(), 404, "{path}");
        assert_page_headers(&page);
    }
}

#[tokio::test]
async fn programs_are_told_by_a_problem() {
    let gateway = gateway(nobody().await).await;
    for accept in ["*/*", "application/json", "application/json, text/html;q=0.5", "image/png"] {
        let request = Client::new().get(gateway.url("/nowhere")).header("accept", accept);
        expect_problem(request, 404, "not-found").await;
    }
    expect_problem(visit(&gateway, Method::POST, "/nowhere"), 404, "not-found").await;
    for path in ["/api", "/api/nowhere", "/health", "/health/nowhere", "/problems/nowhere", "/problems/a/b"] {
        expect_problem(visit(&gateway, Method::GET, path), 404, "not-found").await;
    }
}

#[tokio::test]
async fn pages_and_files_can_only_be_read() {
    let gateway = gateway(nobody().await).await;
    for path in ["/", "/flights/1", "/wall", "/assets/dev/main.js"] {
        let head = Client::new().head(gateway.url(path)).send().await.unwrap();
        assert_eq!(head.status(), 200);
        let length: usize = head.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(length, get(&gateway, path).await.bytes().await.unwrap().len());
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let headers = expect_problem(visit(&gateway, method, path), 405, "method-not-allowed").await;
            assert_eq!(headers["allow"], "GET,HEAD");
        }
    }
}

#[tokio::test]
async fn an_encoded_slash_is_none() {
    let gateway = gateway(nobody().await).await;
    for path in ["/assets/dev%2Fmain.js", "/assets/dev/styles%2Fwall.css", "/assets/dev/%2E%2E%2Fmain.js"] {
        expect_problem(Client::new().get(gateway.url(path)), 404, "not-found").await;
    }
}

#[tokio::test]
async fn what_is_answered_in_two_forms_says_so() {
    let gateway = gateway(nobody().await).await;
    for path in ["/nowhere", "/problems", "/problems/not-found"] {
        for accept in ["text/html", "application/json", "*/*"] {
            let answer = Client::new().get(gateway.url(path)).header("accept", accept).send().await.unwrap();
            let vary: Vec<_> = answer.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(vary.iter().any(|value| value.eq_ignore_ascii_case("accept")), "{path} {accept} {vary:?}");
            assert!(answer.headers().contains_key("cache-control"), "{path} {accept}");
        }
    }
}
