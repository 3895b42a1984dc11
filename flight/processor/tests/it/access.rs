//! Who may call which route, tried on all that there are.

use jetbridge_testing::{TestDatabase, TestEventStore, assert_access};
use shared_access::{Access, Role};

use crate::support::start;

#[tokio::test]
async fn a_processor_is_for_operators() {
    let routes = shared_processor::routes();
    assert!(routes.list().iter().all(|route| route.access == Access::Role(Role::Admin)), "{:?}", routes.list());

    let (store, database) = tokio::join!(TestEventStore::start(), TestDatabase::create());
    let (service, _api) = start(&store, &database).await;
    let routes = routes.list().iter().map(|route| (route.method.clone(), route.path.clone(), route.access));
    assert_access(&service.url(""), routes).await;
}
