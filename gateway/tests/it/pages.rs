use gateway::Gateway;
use jetbridge_testing::TestService;
use reqwest::{Client, Response};
use serde_json::Value;
use shared_kernel::ProblemType;
use shared_service::problem_type;

use crate::support::{all_at, config, expect_problem, gateway, nobody};

fn all() -> impl Iterator<Item = &'static ProblemType> {
    let of_domains = domains::ALL.iter().flat_map(|domain| domain.problem_types);
    problem_type::ALL.iter().chain(of_domains).copied()
}

async fn get(gateway: &TestService, path: &str, accept: &str) -> Response {
    Client::new().get(gateway.url(path)).header("accept", accept).send().await.unwrap()
}

#[tokio::test]
async fn every_problem_has_its_page() {
    let gateway = gateway(nobody().await).await;
    let index = get(&gateway, "/problems", "*/*").await.text().await.unwrap();
    for kind in all() {
        assert!(index.contains(&format!("href=\"{}\"", kind.path)));
        let page = get(&gateway, kind.path, "text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.text().await.unwrap().contains(kind.title));
    }
}

#[tokio::test]
async fn programs_can_ask_for_json() {
    let gateway = gateway(nobody().await).await;
    let entry: Value = get(&gateway, "/problems/manifest-sealed", "application/json").await.json().await.unwrap();
    assert_eq!(entry["type"], "/problems/manifest-sealed");
    assert_eq!(entry["status"], 409);
    let index: Value = get(&gateway, "/problems", "application/problem+json;q=1").await.json().await.unwrap();
    assert_eq!(index.as_array().unwrap().len(), all().count());
}

#[tokio::test]
async fn they_have_the_style_of_the_client_and_no_scripts() {
    let gateway = gateway(nobody().await).await;
    for path in ["/problems", "/problems/not-found"] {
        let page = get(&gateway, path, "text/html").await;
        assert_eq!(page.status(), 200);
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'self'"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers()["x-content-type-options"], "nosniff");
        assert_eq!(page.headers()["referrer-policy"], "no-referrer");
        let text = page.text().await.unwrap();
        assert!(!text.contains("<script") && !text.contains("style="));
        assert!(text.contains("<main class=\"page\">") && text.contains("<a href=\"/\">"), "{text}");
        let (_, style_sheet) = text.split_once("<link rel=\"stylesheet\" href=\"").unwrap();
        let (style_sheet, _) = style_sheet.split_once('"').unwrap();
        let style_sheet = get(&gateway, style_sheet, "text/css").await;
        assert_eq!(style_sheet.status(), 200);
        assert!(style_sheet.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    }
}

#[tokio::test]
async fn other_problems_and_methods_are_refused() {
    let gateway = gateway(nobody().await).await;
    for path in ["/problems/nonsense", "/problems/%3Cscript%3E", "/problems/%ff"] {
        expect_problem(Client::new().get(gateway.url(path)), 404, "not-found").await;
    }
    let headers = expect_problem(Client::new().post(gateway.url("/problems")), 405, "method-not-allowed").await;
    assert_eq!(headers["allow"], "GET,HEAD");
    expect_problem(Client::new().delete(gateway.url("/api/health")), 405, "method-not-allowed").await;
}

#[tokio::test]
async fn the_form_with_the_greater_weight_is_answered() {
    let gateway = gateway(nobody().await).await;
    for (accept, media_type) in [
        ("text/html;q=0.4, application/json;q=0.5", "application/json"),
        ("application/json;q=0.4, text/html;q=0.5", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("text/html;q=0, */*", "application/json"),
    ] {
        for path in ["/problems", "/problems/not-found"] {
            let answer = get(&gateway, path, accept).await;
            assert_eq!(answer.headers()["content-type"], media_type, "{accept}");
        }
    }
}

#[tokio::test]
async fn every_route_of_the_api_is_documented() {
    let nobody = nobody().await;
    let of_gateway = Gateway::new(config(all_at(nobody)));
    let gateway = gateway(nobody).await;
    let document: Value = get(&gateway, "/api/openapi.json", "*/*").await.json().await.unwrap();
    let of_api: Vec<_> = of_gateway.routes().iter().filter(|route| route.path.starts_with("/api/")).collect();
    assert!(!of_api.is_empty());
    for route in of_api {
        let method = route.method.as_str().to_ascii_lowercase();
        assert!(document["paths"][&route.path][&method].is_object(), "{method} {} is not documented", route.path);
    }
}
