//! Documents: all that is said about the routes of a service, or of several.

use serde_json::{Map, Value, json};
use shared_kernel::{Schema, object_schema};

use super::headers;
use super::operation::PROBLEM_SCHEMA;
use crate::routes::Route;

/// Where public paths begin.
const PUBLIC: &str = "/api/";
/// What keeps the parts of a document together.
const SCHEMAS: &str = "#/components/schemas/";

/// The document of these routes: of those that clients reach.
pub fn document<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let Some(operation) = route.operation.as_ref().filter(|_| route.path.starts_with(PUBLIC)) else { continue };
        let described = operation.describe(&route.method, &route.path, route.access);
        let path = paths.entry(&route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = described;
    }
    let mut schemas = Map::from_iter([(PROBLEM_SCHEMA.to_owned(), problem())]);
    let mut paths = Value::from(paths);
    name_schemas(&mut paths, &mut schemas);
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Jetbridge",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON in UTF-8; identifiers are UUIDs, times RFC 3339. \
                Errors are problems (RFC 9457), whose types have pages of their own below `/problems`. Where the \
                server asks nobody who they are, everybody may do everything.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": headers::parameters(),
            "headers": headers::headers(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access key, `jbk_…`, or a token of the identity provider. The role that an \
                        operation takes stands beside it.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-jetbridge-session",
                    "description": "The session of somebody who has signed in with a browser.",
                },
            },
        },
    })
}

/// One document of several, each of other paths.
#[must_use]
pub fn merged(documents: impl IntoIterator<Item = Value>) -> Value {
    let mut merged = document([]);
    for document in documents {
        for (part, place) in [("/paths", "paths"), ("/components/schemas", "components")] {
            let Some(found) = document.pointer(part).and_then(Value::as_object) else { continue };
            let target = match place {
                "paths" => &mut merged["paths"],
                _ => &mut merged["components"]["schemas"],
            };
            for (name, value) in found {
                match target[name].as_object_mut().zip(value.as_object()) {
                    // Two services may have methods of one path.
                    Some((there, more)) => there.extend(more.clone()),
                    None => target[name] = value.clone(),
                }
            }
        }
    }
    merged
}

/// Gives each schema that has a title a place of its own, and refers to it.
fn name_schemas(value: &mut Value, schemas: &mut Map<String, Value>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| name_schemas(value, schemas)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| name_schemas(value, schemas));
            let is_schema = fields.get("type").is_some_and(|kind| kind == "object");
            if let Some(title) = fields.get("title").and_then(Value::as_str).filter(|_| is_schema) {
                let reference = json!({"$ref": format!("{SCHEMAS}{title}")});
                schemas.insert(title.to_owned(), Value::Object(fields.clone()));
                *value = reference;
            }
        }
        _ => {}
    }
}

/// A problem document (RFC 9457). Some types say more.
fn problem() -> Schema {
    let text = || json!({"type": "string", "minLength": 1});
    let fault = json!({
        "type": "object",
        "properties": {
            "pointer": {"type": "string", "description": "A JSON pointer into the body"},
            "parameter": {"type": "string", "description": "A query parameter"},
            "detail": text(),
        },
        "required": ["detail"],
        "additionalProperties": false,
    });
    let status = json!({"type": "integer", "minimum": 400, "maximum": 599});
    let mut problem = object_schema(
        PROBLEM_SCHEMA,
        "Why something was not done (RFC 9457)",
        [
            ("type", json!({"type": "string", "pattern": "^/problems/[a-z-]+$"}), Some("/problems/not-found".into())),
            ("title", text(), None),
            ("status", status, Some(404.into())),
            ("detail", text(), None),
        ],
    );
    problem["properties"]["errors"] =
        json!({"type": "array", "items": fault, "minItems": 1, "description": "All that is wrong with the request"});
    let instance =
        json!({"type": "string", "format": "uri", "description": "This occurrence, by its X-Correlation-Id"});
    problem["properties"]["instance"] = instance;
    problem["additionalProperties"] = true.into();
    problem
}
