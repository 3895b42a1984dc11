#![allow(clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::History;
use crate::{Decider, DomainEvent};

/// Asserts that events lead to the states in the file `vN.json` of a directory, where N is the version of the state: the
/// stored form of the state after each event, in order, and in the end without what can be forgotten. So a state that is folded or stored in another way, but has the
/// same version, is noticed before a snapshot of it is misread.
///
/// # Panics
/// If they do not, or if there is another file.
#[track_caller]
pub fn assert_golden_state<D: Decider>(directory: impl AsRef<Path>, events: impl IntoIterator<Item = D::Event>) {
    let mut history = History::<D>::default();
    let mut lines = String::new();
    for event in events {
        history.append([event]);
        lines.push_str(&stored(&history.state));
        lines.push('\n');
    }
    for event in &history.events {
        D::forget(&mut history.state, event.key());
    }
    lines.push_str(&stored(&history.state));
    lines.push('\n');
    let name = format!("v{}.jsonl", D::STATE_VERSION);
    let files = fs::read_dir(&directory).expect("a directory with a golden file");
    let names = files.map(|file| file.expect("a golden file").file_name().to_string_lossy().into_owned());
    assert_eq!(
        names.collect::<Vec<_>>(),
        std::slice::from_ref(&name),
        "the golden file has the version of the state in its name"
    );
    let golden = fs::read_to_string(directory.as_ref().join(&name)).expect("a golden file that is text");
    if golden != lines {
        panic!(
            "the state is folded or stored in another way than in {name}: raise STATE_VERSION, and put this into the file \
             of that version, which takes the place of {name}:\n{lines}"
        );
    }
}

fn stored(state: &impl Serialize) -> String {
    serde_json::to_string(state).expect("a state that can be stored")
}
