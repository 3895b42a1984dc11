//! What is said about one route.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use shared_access::Access;
use shared_kernel::{Described, ProblemType, PublicKey, Schema};

use super::headers::{KNOWN, header, parameter};
use crate::fields::{BodyRule, Fields, FromFields, Noted};
use crate::problem_type as shared;
use crate::query::{FromQuery, Params};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
/// Where the problem documents of all types are described.
pub(super) const PROBLEM_SCHEMA: &str = "Problem";

/// What every operation can be answered with.
const ANYWHERE: [&ProblemType; 7] = [
    shared::MALFORMED_HEADER,
    shared::EXPECTATION_FAILED,
    shared::MISDIRECTED_REQUEST,
    shared::INVALID_REQUEST,
    shared::TOO_MANY_REQUESTS,
    shared::INTERNAL_ERROR,
    shared::UNAVAILABLE,
];
/// What whoever has to be known can be answered with.
const WITH_ACCESS: [&ProblemType; 2] = [shared::AUTHENTICATION_REQUIRED, shared::NOT_ALLOWED];
const QUERIES: [&ProblemType; 6] = [
    shared::NOT_YET,
    shared::PARKED,
    shared::READ_MODEL_OF_ANOTHER_HISTORY,
    shared::EVENT_STORE_REFUSED,
    shared::BAD_GATEWAY,
    shared::GATEWAY_TIMEOUT,
];
const COMMANDS: [&ProblemType; 10] = [
    shared::MALFORMED_JSON,
    shared::CROSS_SITE,
    shared::REQUEST_TIMEOUT,
    shared::ALREADY_EXISTS,
    shared::PRECONDITION_FAILED,
    shared::CONTENT_TOO_LARGE,
    shared::UNSUPPORTED_MEDIA_TYPE,
    shared::IDEMPOTENCY_KEY_REUSED,
    shared::EVENT_STORE_REFUSED,
    shared::OUTCOME_UNKNOWN,
];
const COMMAND_HEADERS: [&str; 4] = ["Idempotency-Key", "Jetbridge-Actor", "X-Correlation-Id", "traceparent"];
const PRECONDITIONS: [&str; 2] = ["If-Match", "If-None-Match"];

/// What is said about a route: what it takes, which is asked of the readers of its requests, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    id: String,
    summary: &'static str,
    description: &'static str,
    headers: BTreeSet<&'static str>,
    query: Vec<Value>,
    key: Option<Schema>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    problems: Vec<&'static ProblemType>,
}

/// A query or a command about a single thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// It has an `ETag`, which requests can name.
    Versioned,
    /// It has none.
    Plain,
}

impl Operation {
    fn new(id: String, summary: &'static str, problems: &[&'static ProblemType]) -> Self {
        Self {
            id,
            summary,
            description: "",
            headers: BTreeSet::new(),
            query: Vec::new(),
            key: None,
            body: None,
            answers: BTreeMap::new(),
            problems: problems.to_vec(),
        }
    }

    /// An operation that is neither of those below. `id` is what clients that are made of the document call it.
    #[must_use]
    pub fn plain(id: impl Into<String>, summary: &'static str) -> Self {
        Self::new(id.into(), summary, &[])
    }

    /// A query, whose answer covers a `Jetbridge-Position`.
    #[must_use]
    pub fn query(id: impl Into<String>, summary: &'static str) -> Self {
        Self::new(id.into(), summary, &QUERIES).header("Jetbridge-Position")
    }

    /// A command that is as `I` reads it, with an example of its body.
    #[must_use]
    pub fn command<I: FromFields>(id: impl Into<String>, summary: &'static str, example: &Value) -> Self {
        let mut operation = Self::new(id.into(), summary, &COMMANDS).body::<I>(example);
        operation.headers.extend(COMMAND_HEADERS);
        operation.headers.extend(PRECONDITIONS);
        operation
    }

    /// More about it.
    #[must_use]
    pub fn describing(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// With this header, one of those that are described for all.
    #[must_use]
    pub fn header(mut self, name: &'static str) -> Self {
        self.headers.insert(name);
        self
    }

    /// With a body that is as `I` reads it.
    #[must_use]
    pub fn body<I: FromFields>(self, example: &Value) -> Self {
        let fields = Fields::of::<I>();
        let required: Vec<&str> =
            fields.iter().filter(|field| field.is_required).map(|field| field.name.as_str()).collect();
        let properties = fields.iter().map(|Noted { name, is_required, schema }| {
            let nullable = json!({"anyOf": [schema, {"type": "null"}]});
            (name.clone(), if *is_required { schema.clone() } else { nullable })
        });
        let mut schema = json!({
            "type": "object",
            "properties": properties.collect::<Map<_, _>>(),
            "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if I::BODY == BodyRule::Empty { self } else { self.body_of(I::BODY == BodyRule::Required, schema, example) }
    }

    /// With a body that no [`FromFields`] reads.
    #[must_use]
    pub fn body_of(mut self, is_required: bool, schema: Schema, example: &Value) -> Self {
        let content = json!({JSON: {"schema": schema, "example": example}});
        self.body = Some(json!({"required": is_required, "content": content}));
        self
    }

    /// With the parameters that `Q` reads.
    #[must_use]
    pub fn parameters<Q: FromQuery>(self) -> Self {
        self.parameters_of(Q::read)
    }

    /// With the parameters that a function reads.
    #[must_use]
    pub fn parameters_of<Q>(mut self, read: impl FnOnce(&mut Params) -> Option<Q>) -> Self {
        self.query.extend(Params::of(read).into_iter().map(|Noted { name, is_required, schema }| {
            let is_list = schema["type"] == "array";
            let mut parameter = json!({"name": name, "in": "query", "required": is_required, "schema": schema});
            if is_list {
                parameter["style"] = "form".into();
                parameter["explode"] = false.into();
                parameter["schema"]["minItems"] = 1.into();
                parameter["schema"]["maxItems"] = crate::parse::MAX_VALUES.into();
            }
            parameter
        }));
        self
    }

    /// About the thing whose key is in the path.
    #[must_use]
    pub fn on<K: PublicKey + Described>(mut self, thing: Thing) -> Self {
        self.key = Some(K::schema());
        self.problems.push(K::NOT_FOUND);
        // That of commands is there already.
        if thing == Thing::Versioned && !self.headers.contains("If-Match") {
            self.headers.insert(KNOWN);
        }
        self
    }

    /// It can be refused with these problems as well.
    #[must_use]
    pub fn refused_with(mut self, problems: &[&'static ProblemType]) -> Self {
        self.problems.extend(problems);
        self
    }

    /// It is answered with this status, and JSON.
    #[must_use]
    pub fn answers(self, status: StatusCode, description: &str, schema: Schema, headers: &[&str]) -> Self {
        self.answers_as(status, description, &[(JSON, schema)], headers)
    }

    /// It is answered with this status, in one of several forms, or in none.
    #[must_use]
    pub fn answers_as(
        mut self,
        status: StatusCode,
        description: &str,
        forms: &[(&str, Schema)],
        headers: &[&str],
    ) -> Self {
        let mut answer = json!({"description": description});
        if !forms.is_empty() {
            answer["content"] =
                forms.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema}))).collect();
        }
        if !headers.is_empty() {
            answer["headers"] = headers.iter().map(|name| ((*name).to_owned(), header(name))).collect();
        }
        self.answers.insert(status.as_u16(), answer);
        self
    }

    /// It is answered with a page of a list of these.
    #[must_use]
    pub fn answers_page(self, item: Schema) -> Self {
        let page = page(item, json!({"type": ["string", "null"]}));
        self.answers(StatusCode::OK, "A page of the list", page, &["Jetbridge-Position"])
    }

    /// It is answered with a thing that has an `ETag`, or 304 to who has it.
    #[must_use]
    pub fn answers_thing<T: Described>(self, description: &str) -> Self {
        let is_query = self.headers.contains("Jetbridge-Position");
        let known = ["ETag", "Jetbridge-Position"];
        let answered = self.answers(StatusCode::OK, description, T::schema(), &known);
        if is_query { answered.answers_as(StatusCode::NOT_MODIFIED, "As it was", &[], &known) } else { answered }
    }

    /// It is answered without a body.
    #[must_use]
    pub fn answers_nothing(self, description: &str) -> Self {
        self.answers_as(StatusCode::NO_CONTENT, description, &[], &["Jetbridge-Position"])
    }

    /// It is answered with what was made.
    #[must_use]
    pub fn answers_made<T: Described>(self, description: &str) -> Self {
        let headers = ["ETag", "Jetbridge-Position", "Location"];
        self.answers(StatusCode::CREATED, description, T::schema(), &headers)
    }

    /// What was made can be used with these operations, which have its id in their paths.
    #[must_use]
    pub fn leading_to(mut self, operations: &[&str]) -> Self {
        if let Some(made) = self.answers.get_mut(&StatusCode::CREATED.as_u16()) {
            let link =
                |id: &&str| ((*id).to_owned(), json!({"operationId": id, "parameters": {"id": "$response.body#/id"}}));
            made["links"] = operations.iter().map(link).collect();
        }
        self
    }

    /// The operation as OpenAPI has it.
    pub(super) fn describe(&self, method: &Method, path: &str, access: Access) -> Value {
        let key = path.split('{').nth(1).and_then(|rest| rest.split('}').next());
        let key = key.zip(self.key.as_ref());
        let key = key.map(|(name, schema)| json!({"name": name, "in": "path", "required": true, "schema": schema}));
        let headers = self.headers.iter().map(|name| parameter(name));
        let parameters: Vec<Value> = key.into_iter().chain(self.query.iter().cloned()).chain(headers).collect();
        let collection = path.trim_start_matches("/api/").split('/').next().unwrap_or_default();
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [collection],
            "responses": self.responses(method, access),
        });
        let description = [self.description, &who_may(access)].join("\n\n");
        operation["description"] = description.trim().into();
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        operation["security"] = match access {
            Access::Public => json!([]),
            Access::Role(role) => json!([{"bearer": [role.as_str()]}, {"session": [role.as_str()]}]),
            Access::Known | Access::Service => json!([{"bearer": []}, {"session": []}]),
        };
        operation
    }

    fn responses(&self, method: &Method, access: Access) -> Map<String, Value> {
        let mut problems: Vec<&ProblemType> = ANYWHERE.iter().chain(&self.problems).copied().collect();
        if access != Access::Public {
            problems.extend(WITH_ACCESS);
        }
        if *method != Method::GET && !problems.contains(&shared::CROSS_SITE) {
            problems.push(shared::CROSS_SITE);
        }
        let mut responses: Map<String, Value> =
            self.answers.iter().map(|(status, answer)| (status.to_string(), answer.clone())).collect();
        let mut statuses: BTreeMap<u16, Vec<&ProblemType>> = BTreeMap::new();
        for problem in problems {
            let same = statuses.entry(problem.status).or_default();
            if !same.contains(&problem) {
                same.push(problem);
            }
        }
        for (status, problems) in statuses {
            let described = refused(status, &problems);
            match responses.get_mut(&status.to_string()) {
                // Some answers of that status are none of them.
                Some(answer) => answer["content"][PROBLEM] = described["content"][PROBLEM].clone(),
                None => drop(responses.insert(status.to_string(), described)),
            }
        }
        responses
    }
}

/// A page of a list.
#[must_use]
pub fn page(item: Schema, next: Schema) -> Schema {
    json!({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": item, "maxItems": crate::paging::MAX_LIMIT},
            "next": next,
        },
        "required": ["items", "next"],
        "additionalProperties": false,
    })
}

fn who_may(access: Access) -> String {
    match access {
        Access::Public => String::new(),
        Access::Known => "Everybody may who says who they are.".to_owned(),
        Access::Role(role) => format!("Takes the role `{role}`, or one that includes it."),
        Access::Service => "For services alone.".to_owned(),
    }
}

fn refused(status: u16, problems: &[&ProblemType]) -> Value {
    let types: Vec<&str> = problems.iter().map(|problem| problem.path).collect();
    let titles: Vec<&str> = problems.iter().map(|problem| problem.title).collect();
    let schema = json!({
        "allOf": [{"$ref": format!("#/components/schemas/{PROBLEM_SCHEMA}")}],
        "properties": {"type": {"enum": types}, "status": {"const": status}},
    });
    let mut refused = json!({"description": titles.join("; "), "content": {PROBLEM: {"schema": schema}}});
    match status {
        401 => refused["headers"] = json!({"WWW-Authenticate": header("WWW-Authenticate")}),
        429 | 503 => refused["headers"] = json!({"Retry-After": header("Retry-After")}),
        _ => {}
    }
    refused
}
