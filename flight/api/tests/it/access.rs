//! Who may call which route, tried on all that there are.

use flight_api::FlightApi;
use jetbridge_testing::assert_api_access;
use shared_access::Role;
use shared_api::DomainApi;

use crate::support::{Tables, TestApi};

#[tokio::test]
async fn each_route_is_for_those_who_have_its_role() {
    let expected = [
        ("GET", "/api/flights", Role::Viewer),
        ("POST", "/api/flights", Role::Dispatcher),
        ("GET", "/api/flights/{id}", Role::Viewer),
        ("PUT", "/api/flights/{id}", Role::Dispatcher),
        ("DELETE", "/api/flights/{id}", Role::Dispatcher),
        ("POST", "/api/flights/{id}/disembark", Role::Dispatcher),
        ("POST", "/api/flights/{id}/land", Role::Dispatcher),
    ];
    let routes = FlightApi::routes();
    let routes = routes.list().iter().map(|route| (route.method.clone(), route.path.clone(), route.access));
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    assert_api_access(&api.at(""), routes, &expected).await;
    api.stop().await;
}
