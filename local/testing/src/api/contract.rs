//! Whether answers are as the document of the API says.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Answer, Api};

/// A document of OpenAPI, and what of it was used already.
struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An answer is one that the document describes, if it describes the operation at all.
///
/// # Panics
///
/// When it is not.
pub(super) async fn check_described(api: &Api, answer: &Answer) {
    let (method, address) = answer.what.split_once(' ').expect("a method and a path");
    let path = address.split('?').next().unwrap_or_default();
    // The system may have been killed since it answered; then another answer is looked at.
    let Some(contract) = contract(api).await else { return };
    let Some((template, operation)) = contract.operation(&method.to_ascii_lowercase(), path) else { return };
    let status = answer.status.as_u16().to_string();
    let described = &operation["responses"][&status];
    assert!(described.is_object(), "{method} {template} is not said to answer {status}: {}", answer.text);
    if answer.text.is_empty() {
        return;
    }
    let kind = answer.header("Content-Type").unwrap_or_default().split(';').next().unwrap_or_default();
    assert!(described["content"][kind].is_object(), "{method} {template} is not said to answer {status} with {kind}");
    if kind.ends_with("json") {
        let validator = contract.validator(format!("{method} {template} {status} {kind}"), &described["content"][kind]);
        let faults: Vec<_> = validator.iter_errors(&answer.body).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{method} {template} {status} is not as described: {faults:?}: {}", answer.text);
    }
}

/// The document of the system at this address. It is asked for once.
async fn contract(api: &Api) -> Option<Arc<Contract>> {
    static CONTRACTS: LazyLock<Mutex<HashMap<String, Arc<Contract>>>> = LazyLock::new(Mutex::default);
    let known = CONTRACTS.lock().unwrap_or_else(PoisonError::into_inner).get(&api.base).cloned();
    if known.is_some() {
        return known;
    }
    let response = api.client.get(api.at("/api/openapi.json")).send().await.ok()?;
    assert_eq!(response.status(), StatusCode::OK);
    let contract = Arc::new(Contract { document: response.json().await.ok()?, validators: Mutex::default() });
    CONTRACTS.lock().unwrap_or_else(PoisonError::into_inner).insert(api.base.clone(), Arc::clone(&contract));
    Some(contract)
}

impl Contract {
    /// The operation that answers this, and its path: of several that fit, the one with most words in common.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let parts: Vec<&str> = path.split('/').collect();
        let is_any = |part: &&str| part.starts_with('{');
        let fits = |template: &str| {
            let expected: Vec<&str> = template.split('/').collect();
            let mut pairs = expected.iter().zip(&parts);
            expected.len() == parts.len()
                && pairs.all(|(expected, part)| expected == part || (is_any(expected) && !part.is_empty()))
        };
        let paths = self.document["paths"].as_object()?.iter();
        let (template, operations) = paths
            .filter(|(template, _)| fits(template))
            .min_by_key(|(template, _)| template.split('/').filter(is_any).count())?;
        Some((template, operations.get(method)?))
    }

    fn validator(&self, name: String, content: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let made = validators.entry(name).or_insert_with(|| {
            let mut schema = content["schema"].clone();
            // What it refers to.
            schema["components"] = self.document["components"].clone();
            Arc::new(jsonschema::validator_for(&schema).expect("a schema"))
        });
        Arc::clone(made)
    }
}
