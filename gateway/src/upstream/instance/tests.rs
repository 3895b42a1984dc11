use shared_service::settings::ServiceTrust;

use super::super::site::Sites;
use super::*;
use crate::limits::Limits;

fn instance() -> Instance {
    let site = Sites::new(&Limits::default(), ServiceTrust::default()).at(&"http://127.0.0.1:1".parse().unwrap());
    Instance::new(Authority::from_static("127.0.0.1:1"), site)
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_left_alone_for_longer_each_time_until_it_answers() {
    let instance = instance();
    for pause in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map(Duration::from_millis) {
        assert!(instance.eject() && !instance.eject() && !instance.is_usable());
        tokio::time::advance(pause - Duration::from_millis(1)).await;
        assert_eq!(instance.said(Said::Ready), None, "{pause:?}");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(instance.said(Said::NotReady), None, "{pause:?}");
        assert_eq!(instance.said(Said::Ready), Some(true), "{pause:?}");
    }
    tokio::time::advance(FORGIVEN_AFTER).await;
    instance.eject();
    tokio::time::advance(FIRST_PAUSE).await;
    assert_eq!(instance.said(Said::Ready), Some(true), "what is long ago does not count");
}

#[tokio::test]
async fn one_question_without_an_answer_means_nothing() {
    let instance = instance();
    assert_eq!(instance.said(Said::Nothing), None);
    assert_eq!(instance.said(Said::Ready), None);
    assert_eq!(instance.said(Said::Nothing), None);
    assert_eq!(instance.said(Said::Nothing), Some(false));
    assert_eq!(instance.said(Said::Ready), Some(true));
    assert_eq!(instance.said(Said::NotReady), Some(false));
}
