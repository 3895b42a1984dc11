//! Who may call which route, tried on all that there are.

use jetbridge_testing::assert_access;
use passenger_api::PassengerApi;
use reqwest::Method;
use shared_access::{Access, Role};
use shared_api::DomainApi;

use crate::support::{Tables, TestApi};

#[tokio::test]
async fn each_route_is_for_those_who_have_its_role() {
    let routes = PassengerApi::routes();
    let found: Vec<_> = routes.list().iter().map(|route| (route.method.as_str(), &*route.path, route.access)).collect();
    let expected = [
        ("GET", "/api/passengers", Role::Viewer),
        ("POST", "/api/passengers", Role::Agent),
        ("GET", "/api/passengers/{id}", Role::Viewer),
        ("PUT", "/api/passengers/{id}", Role::Agent),
        ("POST", "/api/passengers/{id}/board", Role::Agent),
        ("POST", "/api/passengers/{id}/offload", Role::Agent),
        ("GET", "/api/manifests", Role::Viewer),
        ("GET", "/api/manifests/{flightId}", Role::Viewer),
    ];
    assert_eq!(found, expected.map(|(method, path, role)| (method, path, Access::Role(role))));

    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    let public = routes.list().iter().map(|route| (route.method.clone(), route.path.clone(), route.access));
    let inner = [
        (Method::GET, "/health/live", Access::Public),
        (Method::GET, "/health/ready", Access::Public),
        (Method::POST, "/rpc", Access::Service),
    ];
    let inner = inner.map(|(method, path, access)| (method, path.to_owned(), access));
    assert_access(&api.at(""), public.chain(inner)).await;
    api.stop().await;
}
