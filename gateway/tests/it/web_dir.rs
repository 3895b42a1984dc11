//! The web client from a folder.

use std::fs;
use std::path::PathBuf;

use jetbridge_testing::TestService;
use reqwest::{Client, Response};
use tempfile::TempDir;

use crate::support::{expect_problem, gateway_serving};

/// A folder with a web client, beside a file that belongs to nobody else.
fn folder() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("web");
    fs::create_dir_all(folder.join("views/deep")).unwrap();
    fs::write(folder.join("index.html"), "<script src=\"/assets/dev/main.js\"></script>").unwrap();
    fs::write(folder.join("main.js"), "first()").unwrap();
    fs::write(folder.join("views/deep/a b.css"), "p {}").unwrap();
    fs::write(folder.join(".hidden.js"), "secret()").unwrap();
    fs::write(parent.path().join("secret.js"), "secret()").unwrap();
    (parent, folder)
}

async fn get(gateway: &TestService, path: &str) -> Response {
    let answer = Client::new().get(gateway.url(path)).header("if-none-match", "*").send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(!answer.headers().contains_key("etag"));
    answer
}

#[tokio::test]
async fn files_are_read_at_each_request() {
    let (_parent, folder) = folder();
    let gateway = gateway_serving(&folder).await;
    let page = get(&gateway, "/flights/1").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    assert!(page.text().await.unwrap().contains("/assets/dev/main.js"));
    assert_eq!(get(&gateway, "/assets/dev/main.js").await.text().await.unwrap(), "first()");
    let nested = get(&gateway, "/assets/any/views/deep/a%20b.css").await;
    assert_eq!(nested.headers()["content-type"], "text/css; charset=utf-8");

    fs::write(folder.join("index.html"), "changed").unwrap();
    fs::write(folder.join("main.js"), "second()").unwrap();
    fs::write(folder.join("new.svg"), "<svg/>").unwrap();
    assert_eq!(get(&gateway, "/").await.text().await.unwrap(), "changed");
    let asset = get(&gateway, "/assets/dev/main.js").await;
    assert_eq!(asset.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(asset.text().await.unwrap(), "second()");
    assert_eq!(get(&gateway, "/assets/dev/new.svg").await.headers()["content-type"], "image/svg+xml");

    let problems = Client::new().get(gateway.url("/problems")).send().await.unwrap().text().await.unwrap();
    assert!(problems.contains("href=\"/assets/dev/style.css\""), "{problems}");
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let (parent, folder) = folder();
    let gateway = gateway_serving(&folder).await;
    let absolute = parent.path().join("secret.js");
    let absolute = absolute.to_str().unwrap();
    for path in [
        "..%2fsecret.js",
        "%2e%2e%2fsecret.js",
        "views/..%2f..%2fsecret.js",
        "views%2f..%2f..%2fsecret.js",
        "..%5csecret.js",
        absolute,
        &absolute.replace('/', "%2f"),
        ".hidden.js",
        "views",
        "views/",
        "views/deep",
        "main.js/",
        "main.js/x",
        "main.js%00",
        "index.html",
        "none.js",
        &"x".repeat(5000),
    ] {
        expect_problem(Client::new().get(gateway.url(&format!("/assets/dev/{path}"))), 404, "not-found").await;
    }
}

#[tokio::test]
async fn a_page_that_is_gone_is_an_error_until_it_is_back() {
    let (_parent, folder) = folder();
    let gateway = gateway_serving(&folder).await;
    fs::remove_file(folder.join("index.html")).unwrap();
    expect_problem(Client::new().get(gateway.url("/")), 500, "internal-error").await;
    fs::write(folder.join("index.html"), "back").unwrap();
    assert_eq!(get(&gateway, "/").await.text().await.unwrap(), "back");
}
