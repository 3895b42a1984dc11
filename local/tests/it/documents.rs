//! What the API says about itself.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared_service::openapi;

use crate::system::System;

/// Writes the documents of the gateway anew instead of comparing them.
const WRITE: &str = "JETBRIDGE_TEST_WRITE_DOCUMENTS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/openapi")
}

#[test]
fn every_route_is_documented_and_says_what_it_takes_in_an_example_that_it_would_take() {
    for (name, routes) in jetbridge::routes(&jetbridge::domains()) {
        for route in &routes {
            assert!(route.operation.is_some(), "{name} says nothing about {} {}", route.method, route.path);
        }
        let document = openapi::document(&routes);
        for operation in
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
        {
            let body = &operation["requestBody"]["content"]["application/json"];
            if body.is_object() {
                let fits = jsonschema::validator_for(&body["schema"]).unwrap().is_valid(&body["example"]);
                assert!(fits, "{operation}");
            }
        }
    }
}

#[test]
fn the_gateway_knows_the_documents_of_all_services() {
    let services = jetbridge::routes(&jetbridge::domains());
    for (name, routes) in &services {
        let (made, file) = (openapi::document(routes), folder().join(format!("{name}.json")));
        if std::env::var_os(WRITE).is_some() {
            fs::write(&file, format!("{made:#}\n")).unwrap();
        }
        let known: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert!(known == made, "{} is of other routes; write it anew: {WRITE}=1", file.display());
    }
    assert_eq!(fs::read_dir(folder()).unwrap().count(), services.len());
}

#[tokio::test]
async fn one_document_is_about_everything_and_there_is_a_page_of_it() {
    let system = System::shared().await;
    let document = system.api().found("/api/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let create = &document["paths"]["/api/flights"]["post"];
    assert_eq!(create["security"][0]["bearer"], json!(["dispatcher"]));
    let details = &create["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(details["properties"]["flightNumber"]["maxLength"], 10);
    assert_eq!(details["required"], json!(["flightNumber", "origin", "destination"]));
    let refusals = &document["paths"]["/api/passengers/{id}/board"]["post"]["responses"]["409"];
    let types = &refusals["content"]["application/problem+json"]["schema"]["properties"]["type"]["enum"];
    assert!(types.as_array().unwrap().contains(&"/problems/manifest-sealed".into()), "{types}");
    for path in
        ["/api/manifests/{flightId}", "/api/auditlog/events", "/api/admin/parked/{eventId}/discard", "/api/health"]
    {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    // Whatever it refers to is there.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }

    let page = reqwest::get(system.at("/docs")).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()["Content-Security-Policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let page = page.text().await.unwrap();
    assert!(page.contains("<code>POST /api/flights/{id}/disembark</code>"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://cdn"), "{page}");
}
