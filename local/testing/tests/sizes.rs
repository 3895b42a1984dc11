//! How long functions and files of Rust may be. Those of the web client are held by a rule of its linter.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "Clippy takes only the test functions for tests, not what they share"
)]

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

const LONGEST_FILE_LINES: usize = 400;
const LONGEST_FUNCTION_LINES: usize = 60;

/// A function and its lines, from `fn` to the brace that ends it.
type Function = (String, usize);

/// All functions, also those in other functions and in the arguments of macros.
fn functions(tokens: TokenStream, found: &mut Vec<Function>) {
    let mut begun: Option<(String, usize)> = None;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "fn" => {
                // A type such as fn(u8) has no name.
                if let Some(TokenTree::Ident(name)) = tokens.peek() {
                    begun = Some((name.to_string(), word.span().start().line));
                }
            }
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Brace
                    && let Some((name, first)) = begun.take()
                {
                    found.push((name, group.span_close().end().line - first + 1));
                }
                functions(group.stream(), found);
            }
            // One without a body.
            TokenTree::Punct(mark) if mark.as_char() == ';' => begun = None,
            _ => {}
        }
    }
}

/// What is too long in a file.
fn too_long(name: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    functions(source.parse().unwrap_or_else(|error| panic!("{name}: {error}")), &mut found);
    let mut too_long = Vec::new();
    let lines = source.lines().count();
    if lines > LONGEST_FILE_LINES {
        too_long.push(format!("{name} has {lines} lines"));
    }
    let functions = found.into_iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION_LINES);
    too_long.extend(functions.map(|(function, lines)| format!("{name}: {function} has {lines} lines")));
    too_long
}

/// The Rust files in a folder and those below it, without what is built.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn functions_and_files_can_be_read_at_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100, "{} files were found", files.len());
    let too_long: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            too_long(&name, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert_eq!(too_long, Vec::<String>::new());
}

#[test]
fn what_is_too_long_is_noticed_wherever_it_is() {
    let function = |name: &str, lines: usize| format!("fn {name}() {{{}}}\n", "\n".repeat(lines - 1));
    let long = function("long", 61);
    let expected = "file.rs: long has 61 lines".to_owned();
    assert_eq!(too_long("file.rs", &function("short", 60)), Vec::<String>::new());
    for source in [
        long.clone(),
        format!("impl Some {{ {long} }}"),
        format!("trait Other {{ fn none(callback: fn(u8)); {long} }}"),
        format!("proptest! {{ #[test] {long} }}"),
        format!("fn outer() -> impl Fn() where u8: Copy {{ mod inner {{ {long} }} }}"),
    ] {
        assert!(too_long("file.rs", &source).contains(&expected), "{source}");
    }
    let lines = "// A line.\n".repeat(401);
    assert_eq!(too_long("file.rs", &lines[..lines.len() - 11]), Vec::<String>::new());
    assert_eq!(too_long("file.rs", &lines), ["file.rs has 401 lines"]);
}
