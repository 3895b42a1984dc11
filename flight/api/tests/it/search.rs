//! Flights are found by what a person would call the same number or place.

use std::time::Duration;

use flight_core::FlightStatus::Arrived;
use jetbridge_testing::eventually;

use crate::support::{Tables, TestApi};

#[tokio::test]
async fn spellings_of_one_place_find_each_other() {
    let tables = Tables::create().await;
    let mut zurich = Vec::new();
    for place in ["Zürich", "Zu\u{308}rich", "ZUERICH", "Zurich"] {
        zurich.extend(tables.add(place, &[Arrived]).await);
    }
    tables.add("Würzburg", &[Arrived]).await;
    let api = TestApi::start(&tables).await;
    for text in ["zürich", "Zu\u{308}rich", "zuerich", "ZURICH", "ＺÜRICH"] {
        assert_eq!(api.flights(&format!("text={text}")).await, zurich, "{text}");
    }
    // The number and the origin too, and nothing across two of them.
    assert_eq!(api.flights("text=ｊｂ１").await.len(), 5);
    assert_eq!(api.flights("text=Ham").await.len(), 5);
    assert!(api.flights("text=jb1 ham").await.is_empty());
    assert_eq!(api.fault("text=%E2%80%8B").await.0, "text");
}

#[tokio::test]
async fn rows_of_a_version_before_are_found_as_then_and_made_anew_by_the_processor() {
    let tables = Tables::create().await;
    let zurich = tables.add("Zürich", &[Arrived]).await;
    let before = "UPDATE flights SET search = lower(flight_number || E'\\n' || origin || E'\\n' || destination)";
    tables.execute(before).await;
    let api = TestApi::start(&tables).await;
    assert_eq!(api.flights("text=ZÜRICH").await, zurich);
    assert!(api.flights("text=zuerich").await.is_empty());
    let _processor = api.project(&tables).await;
    eventually("the row is made anew", Duration::from_secs(20), async || {
        let found = api.flights("text=zuerich").await;
        if found == zurich { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}
