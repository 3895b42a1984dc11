//! The tests that `documentation/reliability.md` names exist.

#![allow(clippy::expect_used, reason = "Clippy takes only the test functions for tests, not what they share")]

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files of the workspace.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace").map(|entry| entry.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name());
        let is_ours = !name.to_string_lossy().starts_with('.') && name != "target";
        if path.is_dir() && is_ours {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    let page = fs::read_to_string(root.join("documentation/reliability.md")).expect("the page");
    let mut files = Vec::new();
    sources(root, &mut files);
    let named: Vec<(&str, &str)> =
        page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() > 40, "{named:?}");
    let missing = named.into_iter().filter(|(file, test)| {
        let definition = format!("fn {test}(");
        let of_that_name = files.iter().filter(|path| path.file_stem().is_some_and(|stem| stem == *file));
        !of_that_name.map(|path| fs::read_to_string(path).expect("a source")).any(|text| text.contains(&definition))
    });
    let missing: Vec<_> = missing.filter(|(file, _)| *file != "file").collect();
    assert!(missing.is_empty(), "{missing:?}");
}
