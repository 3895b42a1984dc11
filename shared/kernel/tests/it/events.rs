//! What one declaration of an event makes of it.

use shared_kernel::{DomainEvent, UndecodableEvent};

use crate::parcels::{OWNER, ParcelEvent, ParcelSubject, SHIP, golden_files, loaded, weighed};

#[test]
fn the_versions_of_all_events_are_known() {
    let versions = [("ParcelWeighed", 1), ("ParcelWeighed", 2), ("ParcelWeighed", 3), ("ParcelsLoaded", 1)];
    assert_eq!(ParcelEvent::VERSIONS, versions);
}

#[test]
fn an_event_knows_what_it_is_about() {
    assert_eq!(weighed(1).subject(), ParcelSubject::Owner(OWNER));
    assert_eq!(loaded().subject(), ParcelSubject::Hold(SHIP));
    assert_eq!((weighed(1).ship_id(), loaded().ship_id()), (SHIP, SHIP));
}

#[test]
fn an_event_is_stored_in_its_newest_version() {
    assert_eq!((weighed(1).event_type(), weighed(1).schema_version()), ("ParcelWeighed", 3));
    assert_eq!((loaded().event_type(), loaded().schema_version()), ("ParcelsLoaded", 1));
    assert_eq!(weighed(7_250).encode().unwrap(), golden_files().data("ParcelWeighed", 3).as_bytes());
}

#[test]
fn earlier_versions_are_read_as_what_they_mean_now() {
    for (version, grams) in [(1, 7_000), (2, 7_200), (3, 7_250)] {
        let files = golden_files();
        let read = ParcelEvent::decode("ParcelWeighed", version, files.data("ParcelWeighed", version).as_bytes());
        assert_eq!(read, Ok(weighed(grams)));
    }
}

#[test]
fn a_version_that_is_not_known_is_not_guessed_at() {
    let refused = ParcelEvent::decode("ParcelWeighed", 4, b"{}");
    assert_eq!(refused, Err(UndecodableEvent::UnknownVersion { event_type: "ParcelWeighed".to_owned(), version: 4 }));
}
