//! What the API says about itself.

use std::fs;
use std::path::Path;

use flight_contract::Admission;
use passenger_contract::{FlightEnding, MissingPassenger, PassengerId, SealAnswer};
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use shared_kernel::{Cause, Described, Domain, Revision};
use shared_rpc::Effect;
use shared_rpc::openrpc::{self, Method};
use shared_service::openapi;

use crate::system::System;

/// Writes the documents that are checked in anew instead of comparing them.
const WRITE: &str = "JETBRIDGE_TEST_WRITE_DOCUMENTS";

/// What the gateway knows of the services.
const OPENAPI: &str = "gateway/openapi";
/// What is told about the calls between the domains.
const OPENRPC: &str = "documentation/rpc";

/// Checks that a folder of the repository has exactly these documents.
fn assert_checked_in(folder: &str, made: &[(String, Value)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    for (name, made) in made {
        let file = folder.join(format!("{name}.json"));
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, format!("{made:#}\n")).unwrap();
        }
        let known: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert!(known == *made, "{} says something else; write it anew: {WRITE}=1", file.display());
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), made.len());
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
    let services = jetbridge::routes(&jetbridge::domains()).into_iter();
    let made: Vec<_> = services.map(|(name, routes)| (name.to_string(), openapi::document(&routes))).collect();
    assert_checked_in(OPENAPI, &made);
}

#[test]
fn what_domains_ask_each_other_is_documented() {
    let document = |domain: &Domain, methods: &[Method]| (domain.name.to_owned(), openrpc::document(domain, methods));
    let made = [
        document(flight_contract::DOMAIN, &flight_rpc::methods()),
        document(passenger_contract::DOMAIN, &passenger_rpc::methods()),
    ];
    assert_checked_in(OPENRPC, &made);
}

/// This value and what comes after it, until nothing does. The matches below name every variant of their type, so that a
/// new one does not compile before there is a value of it.
fn variants<T>(first: T, next: impl Fn(&T) -> Option<T>) -> Vec<T> {
    std::iter::successors(Some(first), next).collect()
}

fn admissions() -> Vec<Admission> {
    variants(Admission::Open, |admission| match admission {
        Admission::Open => Some(Admission::UnknownFlight),
        Admission::UnknownFlight => Some(Admission::Departed),
        Admission::Departed => Some(Admission::Arrived),
        Admission::Arrived => None,
    })
}

fn endings() -> Vec<FlightEnding> {
    variants(FlightEnding::Landed, |ending| match ending {
        FlightEnding::Landed => Some(FlightEnding::Deleted),
        FlightEnding::Deleted => None,
    })
}

fn seal_answers() -> Vec<SealAnswer> {
    let revision = Some(Revision(7));
    let ada = MissingPassenger { id: PassengerId::from(uuid::Uuid::now_v7()), name: "Ada".to_owned() };
    variants(SealAnswer::Sealed { revision, newly: true }, |answer| match answer {
        SealAnswer::Sealed { .. } => {
            Some(SealAnswer::NotAllBoarded { missing: 1, passengers: vec![ada.clone()], revision: None })
        }
        SealAnswer::NotAllBoarded { .. } => Some(SealAnswer::Closed),
        SealAnswer::Closed => None,
    })
}

/// The least that a cause says, and all that it can.
fn causes() -> [Cause; 2] {
    let bare = json!({"correlationId": "c", "actor": "a"});
    let step_of = json!({"key": "k", "fingerprint": "0".repeat(64)});
    let full = json!({
        "correlationId": "c", "causationId": "d", "actor": "a", "subject": "key:Gate 12", "stepOf": step_of,
        "traceParent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    let causes = [bare, full].map(|cause| serde_json::from_value::<Cause>(cause).unwrap());
    // All members by name, so that a new one does not compile before it is among them.
    let Cause { correlation_id: _, actor: _, causation_id, subject, trace_parent, step_of } = &causes[1];
    assert!(causation_id.is_some() && subject.is_some() && trace_parent.is_some() && step_of.is_some());
    causes
}

#[test]
fn what_domains_tell_each_other_is_as_the_documents_say() {
    fn assert_described<T: Described + Serialize>(values: &[T]) {
        let mut schema = T::schema();
        // Others may say more one day; what is said today has to be described.
        schema["unevaluatedProperties"] = false.into();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for value in values {
            let sent = serde_json::to_value(value).unwrap();
            assert!(validator.is_valid(&sent), "{sent} is not {schema}");
        }
    }
    assert_described(&admissions());
    assert_described(&endings());
    assert_described(&seal_answers());
    assert_described(&causes());
    assert_described(&[Effect { revision: Some(Revision(7)) }, Effect { revision: None }]);
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
