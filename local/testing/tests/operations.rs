//! What the page for operators says, compared with the code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// The fixed beginnings of the log lines of one level.
fn lines(source: &str, level: &str) -> Vec<String> {
    let call = format!("tracing::{level}!(");
    let calls = source.split(&call).skip(1);
    // The message is the last thing in the parentheses.
    let ends_call = |rest: &str| rest.trim_start_matches([',', ' ', '\n']).starts_with(')');
    let message = |call: &str| {
        let (end, _) = call.match_indices('"').find(|(at, _)| ends_call(&call[at + 1..])).unwrap();
        let (_, message) = call[..end].rsplit_once('"').unwrap();
        message.split('{').next().unwrap().trim_end_matches([':', ' ']).to_owned()
    };
    calls.map(message).collect()
}

#[test]
fn every_log_line_that_asks_for_attention_is_explained() {
    let page = fs::read_to_string(root().join("documentation/operations.md")).unwrap();
    let mut found = Vec::new();
    for folder in ["auditlog", "flight", "gateway/src", "passenger", "shared"] {
        sources(&root().join(folder), &mut found);
    }
    let mut count = 0;
    for level in ["warn", "error"] {
        for line in found.iter().flat_map(|source| lines(source, level)) {
            assert!(
                page.contains(&format!("| {level} | {line} |")),
                "documentation/operations.md lacks: {level} {line}"
            );
            count += 1;
        }
    }
    assert!(count >= 10, "{count} lines were found");
}
