//! What is kept of the last 15 minutes. It is the process's own, so this is one test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use shared_telemetry::history::{self, INTERVAL, SAMPLES, Wanted};
use shared_telemetry::table::{COMMANDS, HTTP_REQUESTS, READER_LAG};

#[tokio::test(start_paused = true)]
async fn the_last_samples_are_kept_in_order_and_what_was_unknown_is_missing() {
    assert!(history::of(&[]).ages.is_empty());
    HTTP_REQUESTS.of(["a", "GET", "/x", "200"]).inc();
    HTTP_REQUESTS.of(["a", "GET", "/y", "404"]).inc_by(2);
    HTTP_REQUESTS.of(["b", "GET", "/x", "200"]).inc_by(100);
    READER_LAG.of(["r"]).set(7.0);
    history::take().await;
    READER_LAG.forget(["r"]);
    HTTP_REQUESTS.of(["a", "POST", "/x", "200"]).inc();
    tokio::time::advance(INTERVAL).await;
    history::take().await;

    let wanted: Vec<_> = [Wanted::of_service("a"), Wanted::of_reader("r"), Wanted::of_stream("s")].concat();
    let kept = history::of(&wanted);
    assert_eq!(kept.ages, [5.0, 0.0]);
    let values = |metric: &str| kept.series.iter().find(|series| series.metric == metric).unwrap().values.clone();
    assert_eq!(values(HTTP_REQUESTS.name()), [Some(3.0), Some(4.0)], "of this service, whatever the route");
    assert_eq!(values(READER_LAG.name()), [Some(7.0), None], "and not what it was");
    assert_eq!(values(COMMANDS.name()), [None, None]);

    // It ends with the oldest, however long it runs.
    for _ in 0..SAMPLES {
        history::take().await;
    }
    let kept = history::of(&wanted);
    assert_eq!((kept.ages.len(), kept.series[0].values.len()), (SAMPLES, SAMPLES));
    assert_eq!(kept.series[1].values[0], None);
    assert_eq!(kept.ages[0], 0.0);
}
