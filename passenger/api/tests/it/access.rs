//! Who may call which route, tried on all that there are.

use jetbridge_testing::assert_api_access;
use passenger_api::PassengerApi;
use shared_access::Role;
use shared_api::DomainApi;

use crate::support::{Tables, TestApi};

#[tokio::test]
async fn each_route_is_for_those_who_have_its_role() {
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
    let routes = PassengerApi::routes();
    let routes = routes.list().iter().map(|route| (route.method.clone(), route.path.clone(), route.access));
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    assert_api_access(&api.at(""), routes, &expected).await;
    api.stop().await;
}
