//! Golden files notice whatever could make stored events unreadable.

use shared_kernel::DomainEvent;
use shared_kernel::testing::GoldenFiles;

use crate::parcels::{ParcelEvent, events, files, golden_files, weighed};

fn files_without(name: &str) -> GoldenFiles<ParcelEvent> {
    GoldenFiles::of(files().into_iter().filter(|(file, _)| file != name))
}

fn files_and(name: &str) -> GoldenFiles<ParcelEvent> {
    GoldenFiles::of(files().into_iter().chain([(name.to_owned(), "{}\n".to_owned())]))
}

#[test]
fn what_is_stored_as_it_always_was_passes() {
    let files = golden_files();
    files.assert_complete(ParcelEvent::VERSIONS);
    files.assert_read_as(&events());
    files.assert_stored_as(&events());
    files.assert_additions_are_ignored();
    files.assert_faults_are_named();
}

#[test]
#[should_panic(expected = r#"golden files are missing: ["ParcelsLoaded.v1.json"]"#)]
fn an_event_type_needs_a_file() {
    files_without("ParcelsLoaded.v1.json").assert_complete(ParcelEvent::VERSIONS);
}

#[test]
#[should_panic(expected = r#"golden files are missing: ["ParcelWeighed.v2.json"]"#)]
fn a_version_needs_a_file() {
    files_without("ParcelWeighed.v2.json").assert_complete(ParcelEvent::VERSIONS);
}

#[test]
#[should_panic(expected = r#"golden files without an event: ["ParcelLost.v1.json"]"#)]
fn a_file_needs_an_event() {
    files_and("ParcelLost.v1.json").assert_complete(ParcelEvent::VERSIONS);
}

#[test]
#[should_panic(expected = "ParcelWeighed cannot be read in version 2")]
fn no_version_is_left_out() {
    let versions = [("ParcelWeighed", 1), ("ParcelWeighed", 3), ("ParcelsLoaded", 1)];
    files_without("ParcelWeighed.v2.json").assert_complete(&versions);
}

#[test]
#[should_panic(expected = "ParcelWeighed.json is not named Type.vN.json")]
fn a_file_says_its_version() {
    files_and("ParcelWeighed.json");
}

#[test]
#[should_panic(expected = "ParcelWeighed.v01.json is not named Type.vN.json")]
fn a_version_has_one_name() {
    files_and("ParcelWeighed.v01.json");
}

#[test]
#[should_panic(expected = "nothing says what these are read as")]
fn every_file_is_read() {
    golden_files().assert_read_as(&events()[1..]);
}

#[test]
#[should_panic(expected = "ParcelWeighed.v1.json")]
fn an_earlier_version_is_read_as_the_event_it_was() {
    let mut events = events();
    events[0] = (1, weighed(7_001));
    golden_files().assert_read_as(&events);
}

#[test]
#[should_panic(expected = "assertion `left == right` failed: ParcelWeighed")]
fn the_newest_version_is_stored_byte_for_byte() {
    let spaced = files().into_iter().map(|(name, data)| (name, data.replace(r#""grams":"#, r#""grams": "#)));
    GoldenFiles::of(spaced).assert_stored_as(&events());
}

#[test]
#[should_panic(expected = r#"nothing is stored as the newest version of these: {"ParcelWeighed": 3}"#)]
fn every_type_is_stored() {
    let [first, second, _, loaded] = events();
    golden_files().assert_stored_as(&[first, second, loaded]);
}
