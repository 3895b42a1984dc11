//! The event store is another one all of a sudden.

use std::time::Duration;

use jetbridge_testing::{TestEventStore, TestProxy, eventually};

use crate::support::{Appender, FLIGHTS, LIMIT, PASSENGERS, TestApi, names};

/// The same for one that was emptied, and for one that was restored and has grown since.
#[tokio::test]
async fn followers_of_a_history_that_is_no_more_are_sent_away_and_hear_why() {
    let [store, emptied, restored] =
        [TestEventStore::start().await, TestEventStore::start().await, TestEventStore::start().await];
    Appender::new(&store).append_some(FLIGHTS, 3).await;
    Appender::new(&restored).append_some(FLIGHTS, 2).await;
    Appender::new(&restored).append_some(PASSENGERS, 9).await;
    for other in [&emptied, &restored] {
        let proxy = TestProxy::start(store.address()).await;
        let api = TestApi::start_with(&proxy.connection_string(), 10).await;
        let seen = api.page("all").await.next;
        let mut feed = api.follow("", None).await;
        Appender::new(&store).append_some(FLIGHTS, 1).await;
        assert!(feed.entry().await["eventNumber"].as_u64() > Some(2));

        proxy.point_at(other.address());
        let mut ended = feed.message().await;
        while ended.as_ref().is_some_and(|message| message.event.is_none()) {
            ended = feed.message().await;
        }
        let told = ended.expect("it says why it ends").entry();
        assert_eq!(told["type"], "/problems/event-store-refused", "{told}");
        assert_eq!(feed.message().await, None, "the feed ends");
        let detail = eventually("it is the reader's place that is refused", LIMIT, async || {
            let message =
                api.follow("", Some(&seen)).await.message().await.filter(|message| message.event.is_some())?;
            let problem = message.entry();
            (problem["type"] == "/problems/malformed-header").then(|| problem["detail"].to_string())
        })
        .await;
        assert!(detail.contains("started anew"), "{detail}");

        let mut feed =
            eventually("following what is there now", LIMIT, async || api.try_to_follow("", None).await).await;
        Appender::new(other).append_some(PASSENGERS, 1).await;
        let number = api.page("passengers").await.items.len() - 1;
        assert_eq!(names(&[feed.entry().await]), [format!("passenger-stream/{number}")]);
        let ready = async || api.get("/health/ready").send().await.unwrap().status().is_success();
        eventually("ready", Duration::from_secs(5), ready).await;
    }
}
