//! Who may call which route, tried on all that there are.

use jetbridge_testing::assert_access;
use shared_access::{Access, Role};

use crate::support::world;

#[tokio::test]
async fn the_audit_log_is_for_auditors() {
    let routes = auditlog_api::routes(domains::ALL);
    let found: Vec<_> = routes.list().iter().map(|route| (route.method.as_str(), &*route.path, route.access)).collect();
    let auditor = Access::Role(Role::Auditor);
    let lists = ["flights", "passengers", "all", "refusals", "events"].map(|list| format!("/api/auditlog/{list}"));
    assert_eq!(found, lists.each_ref().map(|path| ("GET", path.as_str(), auditor)));

    let (_store, api, _) = world().await;
    let routes = routes.list().iter().map(|route| (route.method.clone(), route.path.clone(), route.access));
    assert_access(&api.service.url(""), routes).await;
}
