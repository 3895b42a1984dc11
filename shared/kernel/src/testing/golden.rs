#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::marker::PhantomData;
use std::path::Path;

use crate::{DomainEvent, UndecodableEvent};

/// What is stored of a domain's events: a file `Type.vN.json` for each schema version that was ever stored of each
/// event type. A file never changes, since events that were stored so have to be readable for ever. It holds the data
/// and a line break.
#[derive(Debug)]
pub struct GoldenFiles<E> {
    data: BTreeMap<(String, u32), String>,
    events: PhantomData<E>,
}

impl<E: DomainEvent + Debug + PartialEq> GoldenFiles<E> {
    /// Reads all files of a directory.
    ///
    /// # Panics
    /// If one cannot be read, or is not a golden file.
    #[track_caller]
    pub fn read(directory: impl AsRef<Path>) -> Self {
        let files = fs::read_dir(directory).expect("a directory of golden files").map(|file| {
            let path = file.expect("a golden file").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("a golden file that is text"))
        });
        Self::of(files)
    }

    /// The golden files with these names and contents.
    ///
    /// # Panics
    /// If one is not a golden file.
    #[track_caller]
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let data = files.into_iter().map(|(name, content)| {
            let Some(format) = format_in(&name) else { panic!("{name} is not named Type.vN.json") };
            let Some(data) = content.strip_suffix('\n') else { panic!("{name} does not end with a line break") };
            (format, data.to_owned())
        });
        Self { data: data.collect(), events: PhantomData }
    }

    /// Asserts all that has to hold for a domain's events: those of `versions`, each type with its version, are read as
    /// `events`, and stored as in the newest file of their type.
    ///
    /// # Panics
    /// If something does not.
    #[track_caller]
    pub fn assert_hold(&self, versions: &[(&str, u32)], events: &[(u32, E)]) {
        self.assert_complete(versions);
        self.assert_read_as(events);
        self.assert_stored_as(events);
        self.assert_additions_are_ignored();
        self.assert_faults_are_named();
    }

    /// The data of an event type in a version.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    #[track_caller]
    pub fn data(&self, event_type: &str, version: u32) -> &str {
        match self.data.get(&(event_type.to_owned(), version)) {
            Some(data) => data,
            None => panic!("{event_type}.v{version}.json is missing"),
        }
    }

    /// Asserts that there is a file for each of these types and versions and for nothing else, and that no version of a
    /// type is left out.
    ///
    /// # Panics
    /// If that is not so.
    #[track_caller]
    pub fn assert_complete(&self, versions: &[(&str, u32)]) {
        let declared: BTreeSet<_> =
            versions.iter().map(|(event_type, version)| file_name(event_type, *version)).collect();
        let files: BTreeSet<_> =
            self.data.keys().map(|(event_type, version)| file_name(event_type, *version)).collect();
        let missing: Vec<_> = declared.difference(&files).collect();
        let surplus: Vec<_> = files.difference(&declared).collect();
        assert!(missing.is_empty(), "golden files are missing: {missing:?}");
        assert!(surplus.is_empty(), "golden files without an event: {surplus:?}");
        for (event_type, version) in versions {
            for earlier in 1..*version {
                assert!(versions.contains(&(event_type, earlier)), "{event_type} cannot be read in version {earlier}");
            }
        }
    }

    /// Asserts that the files, each named by its version and the event that it is to be read as, are read as these
    /// events.
    ///
    /// # Panics
    /// If one is not, or is not named.
    #[track_caller]
    pub fn assert_read_as(&self, events: &[(u32, E)]) {
        let named: BTreeSet<_> =
            events.iter().map(|(version, event)| (event.event_type().to_owned(), *version)).collect();
        let unnamed: Vec<_> = self.data.keys().filter(|format| !named.contains(format)).collect();
        assert!(unnamed.is_empty(), "nothing says what these are read as: {unnamed:?}");
        for (version, event) in events {
            let event_type = event.event_type();
            let read = E::decode(event_type, *version, self.data(event_type, *version).as_bytes());
            assert_eq!(read.as_ref(), Ok(event), "{}", file_name(event_type, *version));
        }
    }

    /// Asserts that those of these events that are of the newest version of their type are stored as in its file, byte
    /// for byte, and that every type has one.
    ///
    /// # Panics
    /// If that is not so.
    #[track_caller]
    pub fn assert_stored_as(&self, events: &[(u32, E)]) {
        let mut newest: BTreeMap<_, _> =
            self.data.keys().map(|(event_type, version)| (event_type.as_str(), *version)).collect();
        for (version, event) in events.iter().filter(|(version, event)| *version == event.schema_version()) {
            let event_type = event.event_type();
            let stored = event.encode().expect("an event that can be stored");
            assert_eq!(String::from_utf8_lossy(&stored), self.data(event_type, *version), "{event_type}");
            assert_eq!(newest.remove(event_type), Some(*version), "the newest file of {event_type} is another");
        }
        assert!(newest.is_empty(), "nothing is stored as the newest version of these: {newest:?}");
    }

    /// Asserts that data is read as it was when software of the same version but with more fields has stored it.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn assert_additions_are_ignored(&self) {
        for ((event_type, version), data) in &self.data {
            let more = data.replacen('{', r#"{"addedLater":{"and":["nested"]},"#, 1);
            let read = E::decode(event_type, *version, more.as_bytes());
            assert_eq!(read, E::decode(event_type, *version, data.as_bytes()), "{event_type}");
            assert!(read.is_ok(), "{event_type}: {read:?}");
        }
    }

    /// Asserts that types and versions that are not known, and data that is not an event's, are refused as such.
    ///
    /// # Panics
    /// If one is not.
    #[track_caller]
    pub fn assert_faults_are_named(&self) {
        let unknown = "SomethingElseHappened".to_owned();
        assert_eq!(E::decode(&unknown, 1, b"{}"), Err(UndecodableEvent::UnknownType(unknown)));
        for ((event_type, version), data) in &self.data {
            let after_newest = (1..).find(|next| !self.data.contains_key(&(event_type.clone(), *next)));
            for version in [0, u32::MAX].into_iter().chain(after_newest) {
                let refused = UndecodableEvent::UnknownVersion { event_type: event_type.clone(), version };
                assert_eq!(E::decode(event_type, version, data.as_bytes()), Err(refused));
            }
            for data in ["", "null", "[]", "{}", r#"{"id":"JB 101"}"#] {
                let read = E::decode(event_type, *version, data.as_bytes());
                let is_refused = matches!(read, Err(UndecodableEvent::Malformed { .. }));
                assert!(is_refused, "{event_type} in version {version}, {data}: {read:?}");
            }
        }
    }
}

fn file_name(event_type: &str, version: u32) -> String {
    format!("{event_type}.v{version}.json")
}

/// The event type and the version that a file's name says.
fn format_in(name: &str) -> Option<(String, u32)> {
    let (event_type, version) = name.strip_suffix(".json")?.split_once(".v")?;
    let version = version.parse().ok()?;
    // A number can be written in more than one way.
    (file_name(event_type, version) == name).then(|| (event_type.to_owned(), version))
}
