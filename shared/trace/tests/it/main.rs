//! What traces cost where there is no collector, and what is read of others.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use shared_trace::{CorrelationId, Settings, TraceParent, current, is_on, join, joint, passed_on};

const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn without_a_collector_nothing_takes_spans() {
    let layer = shared_trace::layer(Settings::default(), tokio::runtime::Handle::current()).unwrap();
    assert!(layer.is_none() && !is_on());
    let parent = TraceParent::read(TEXT).unwrap();
    assert_eq!(join(Some(parent), true), None);
    assert!(joint([parent], || panic!("no span is made")).is_disabled());
    assert_eq!((current(), shared_trace::within(parent, async { passed_on() }).await), (None, None));
}

#[tokio::test]
async fn what_is_no_address_of_a_collector_is_refused() {
    for address in ["host:4318", "ftp://host", "http://", "http://a b"] {
        let settings = Settings { endpoint: Some(address.to_owned()), ..Settings::default() };
        let refused = shared_trace::layer(settings, tokio::runtime::Handle::current()).err().unwrap();
        assert!(refused.to_string().contains("is not the address of a collector"), "{address}: {refused}");
    }
}

#[test]
fn a_traceparent_is_read_as_it_is_written() {
    let parent = TraceParent::read(TEXT).unwrap();
    assert_eq!((parent.to_string(), parent.is_sampled()), (TEXT.to_owned(), true));
    assert!(!TraceParent::read(&TEXT.replace("-01", "-00")).unwrap().is_sampled());
    for malformed in
        ["", "00-x-y-01", &TEXT[..54], &TEXT.to_uppercase(), &TEXT.replace("0af7", "0000").replace('-', "")]
    {
        assert_eq!(TraceParent::read(malformed), None, "{malformed}");
    }
}

#[tokio::test]
async fn a_correlation_id_holds_for_what_is_done_within_it() {
    assert_eq!(CorrelationId::current(), None);
    let id = CorrelationId::read(" gate 12 ").unwrap();
    assert_eq!(id.as_str(), "gate 12");
    let found = id.clone().scope(async { CorrelationId::current() }).await;
    assert_eq!(found, Some(id));
    assert_eq!(
        [CorrelationId::read(""), CorrelationId::read("Zoë"), CorrelationId::read(&"x".repeat(256))],
        [None, None, None]
    );
}
