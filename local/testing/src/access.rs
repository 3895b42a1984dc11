//! Who may do what, tried on a service that runs.

use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use shared_access::{Access, Role, Roles};

use crate::api::http;
use crate::service::SERVICE_TOKEN;

/// Who asks.
#[derive(Debug, Clone, Copy)]
enum Asker {
    /// Somebody who shows this in place of the service token, and says that they are an admin.
    Unknown(Option<&'static str>),
    /// Another service, for itself.
    Service,
    /// The gateway, for somebody.
    With(Role),
}

/// Checks that these are the routes of a domain's API, and who gets in at each of them, and at those that are for the
/// services. Whoever does may change something.
///
/// # Panics
///
/// When there are others, or somebody gets in who should not, or the other way round.
pub async fn assert_api_access(
    service: &str,
    routes: impl IntoIterator<Item = (Method, String, Access)>,
    expected: &[(&str, &str, Role)],
) {
    let routes: Vec<_> = routes.into_iter().collect();
    let found: Vec<_> = routes.iter().map(|(method, path, access)| (method.as_str(), path.as_str(), *access)).collect();
    let expected: Vec<_> = expected.iter().map(|(method, path, role)| (*method, *path, Access::Role(*role))).collect();
    assert_eq!(found, expected);
    let inner = [
        (Method::GET, "/health/live", Access::Public),
        (Method::GET, "/health/ready", Access::Public),
        (Method::GET, "/log", Access::Role(Role::Admin)),
        (Method::PUT, "/log", Access::Role(Role::Admin)),
        (Method::GET, "/numbers", Access::Role(Role::Admin)),
        (Method::GET, "/configuration", Access::Role(Role::Admin)),
        (Method::POST, "/rpc", Access::Service),
    ];
    let inner = inner.map(|(method, path, access)| (method, path.to_owned(), access));
    assert_access(service, routes.into_iter().chain(inner)).await;
}

/// Asks for each route as everybody could who there is, and checks who gets in. Whoever does may change something.
///
/// # Panics
///
/// When somebody gets in who should not, or the other way round.
pub async fn assert_access(service: &str, routes: impl IntoIterator<Item = (Method, String, Access)>) {
    let client = http();
    let strangers = [None, Some(""), Some("Bearer x"), Some("Basic eDp5"), Some("Bearer ")].map(Asker::Unknown);
    let known = Role::ALL.iter().map(|role| Asker::With(*role)).chain([Asker::Service]);
    let askers: Vec<_> = strangers.into_iter().chain(known).collect();
    let mut count = 0;
    for (method, path, access) in routes {
        count += 1;
        for asker in &askers {
            let response = ask(&client, method.clone(), &format!("{service}{}", filled(&path)), *asker).await;
            check(response, access, *asker, &format!("{method} {path} as {asker:?}")).await;
        }
    }
    assert_ne!(count, 0, "there are no routes");
}

/// A path with something in place of each name.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "7" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(client: &Client, method: Method, url: &str, asker: Asker) -> Response {
    let request = client.request(method, url);
    let request = match asker {
        Asker::Unknown(None) => request.header("Jetbridge-Roles", "admin"),
        Asker::Unknown(Some(shown)) => request.header(AUTHORIZATION, shown).header("Jetbridge-Roles", "admin"),
        Asker::Service => request.bearer_auth(SERVICE_TOKEN),
        Asker::With(role) => request.bearer_auth(SERVICE_TOKEN).header("Jetbridge-Roles", role.as_str()),
    };
    request.send().await.expect("an answer")
}

async fn check(response: Response, access: Access, asker: Asker, what: &str) {
    let may = match asker {
        Asker::Unknown(shown) => access == Access::Public && shown.is_none(),
        Asker::Service => access.admits_services(),
        Asker::With(role) => access.admits(Some(Roles::from_iter([role]))),
    };
    let status = response.status().as_u16();
    if may {
        assert!(![401, 403].contains(&status), "{what}: {status}");
        return;
    }
    let challenge = response.headers().contains_key(WWW_AUTHENTICATE);
    let problem: Value = response.json().await.expect("a problem");
    match asker {
        Asker::Unknown(_) => {
            assert_eq!((status, challenge), (401, true), "{what}: {problem}");
            assert_eq!(problem["type"], "/problems/authentication-required", "{what}");
        }
        Asker::Service | Asker::With(_) => {
            assert_eq!(status, 403, "{what}: {problem}");
            assert_eq!(problem["type"], "/problems/not-allowed", "{what}");
        }
    }
    if let (Access::Role(role), 403) = (access, status) {
        assert_eq!(problem["requiredRole"], role.as_str(), "{what}");
    }
}
