//! A document of OpenAPI as HTML.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::pages::text;

/// The methods that a path can have, in the order in which they are shown.
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];
const PROBLEM: &str = "application/problem+json";

/// The document for people: its operations, by what they are about, and the schemas that they name.
pub(super) fn of(document: &Value) -> String {
    let mut groups: BTreeMap<&str, String> = BTreeMap::new();
    for (path, methods) in entries(&document["paths"]) {
        for method in METHODS {
            if let Some(operation) = methods.get(method) {
                let group = groups.entry(operation["tags"][0].as_str().unwrap_or_default()).or_default();
                group.push_str(&of_operation(document, method, path, operation));
            }
        }
    }
    let mut html = format!(
        "<p>{}</p><p>For programs: <a href=\"/api/openapi.json\">OpenAPI 3.1</a>. \
         <a href=\"/problems\">All problems</a></p>",
        text(string(&document["info"]["description"])),
    );
    for (name, operations) in groups {
        // Writing to a string does not fail.
        let _ = write!(html, "<h2>{}</h2>{operations}", text(name));
    }
    html.push_str("<h2>Schemas</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        let _ = write!(html, "<details id=\"{0}\"><summary>{0}</summary>{1}</details>", text(name), pretty(schema));
    }
    html
}

fn of_operation(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let mut html = format!(
        "<details id=\"{}\"><summary><code>{} {}</code> {}</summary>",
        text(string(&operation["operationId"])),
        method.to_uppercase(),
        text(path),
        text(string(&operation["summary"])),
    );
    for paragraph in string(&operation["description"]).split("\n\n") {
        let _ = write!(html, "<p>{}</p>", text(paragraph));
    }
    if let Some(parameters) = operation["parameters"].as_array() {
        html.push_str("<h3>Parameters</h3><table><tbody>");
        for parameter in parameters {
            let found = resolved(document, parameter);
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
                text(string(&found["name"])),
                text(string(&found["in"])),
                text(string(&found["description"])),
                text(&found["schema"].to_string()),
            );
        }
        html.push_str("</tbody></table>");
    }
    for (kind, content) in entries(&operation["requestBody"]["content"]) {
        let _ = write!(html, "<h3>Body</h3><p><code>{}</code></p>{}", text(kind), pretty(&content["schema"]));
        let _ = write!(html, "<p>Example</p>{}", pretty(&content["example"]));
    }
    html.push_str("<h3>Answers</h3><table><tbody>");
    for (status, answer) in entries(&operation["responses"]) {
        let _ = write!(html, "<tr><td>{}</td><td>{}</td></tr>", text(status), of_answer(answer));
    }
    html.push_str("</tbody></table></details>");
    html
}

fn of_answer(answer: &Value) -> String {
    let mut html = String::new();
    let types = &answer["content"][PROBLEM]["schema"]["properties"]["type"]["enum"];
    let types = types.as_array().map(Vec::as_slice).unwrap_or_default();
    if types.is_empty() || entries(&answer["content"]).count() > 1 {
        html.push_str(&text(string(&answer["description"])));
    }
    for (kind, content) in entries(&answer["content"]).filter(|(kind, _)| *kind != PROBLEM) {
        let _ = write!(html, "<p><code>{}</code></p>{}", text(kind), pretty(&content["schema"]));
    }
    for path in types.iter().map(string) {
        let _ = write!(html, " <a href=\"{0}\">{1}</a>", text(path), text(path.trim_start_matches("/problems/")));
    }
    html
}

/// What is meant by a reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    format!("<pre>{}</pre>", text(&serde_json::to_string_pretty(value).unwrap_or_default()))
}
