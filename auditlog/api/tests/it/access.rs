//! Who may call which route, tried on all that there are.

use jetbridge_testing::assert_access;
use shared_access::{Access, Role};

use crate::support::world;

#[tokio::test]
async fn the_audit_log_is_for_auditors_and_changes_are_for_viewers() {
    let routes = auditlog_api::routes(domains::ALL);
    let found: Vec<_> = routes.list().iter().map(|route| (route.method.as_str(), &*route.path, route.access)).collect();
    let (auditor, viewer) = (Access::Role(Role::Auditor), Access::Role(Role::Viewer));
    let lists = ["flights", "passengers", "all", "refusals", "events"].map(|list| format!("/api/auditlog/{list}"));
    let lists = lists.iter().map(|path| ("GET", path.as_str(), auditor));
    assert_eq!(found, lists.chain([("GET", "/api/changes", viewer)]).collect::<Vec<_>>());

    let (_store, api, _) = world().await;
    let routes = routes.list().iter().map(|route| (route.method.clone(), route.path.clone(), route.access));
    assert_access(&api.service.url(""), routes).await;
}
