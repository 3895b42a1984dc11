//! Tests that cannot run say so, by name; where everything has to be tested they fail.

use std::env;
use std::process::{Command, Output};

use jetbridge_testing::{pass_over, skip};

/// Not tests: what the others start as a process of its own.
#[test]
#[ignore = "started by other tests"]
fn lacks_something() {
    skip("something is not there");
}

#[test]
#[ignore = "started by other tests"]
fn is_for_others() {
    pass_over("it is for others");
}

fn run(test: &str, ci: &str) -> (bool, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("skip::{test}"), "--ignored"]).env("CI", ci);
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8([stderr, stdout].concat()).unwrap())
}

#[test]
fn what_is_not_there_is_said_and_is_a_failure_where_everything_is_tested() {
    let (succeeds, said) = run("lacks_something", "");
    assert!(succeeds && said.starts_with("skipped: skip::lacks_something: something is not there\n"), "{said}");
    let (succeeds, said) = run("lacks_something", "true");
    assert!(!succeeds && said.contains("cannot run: something is not there"), "{said}");
}

#[test]
fn what_is_not_for_this_machine_is_said_everywhere() {
    for ci in ["", "true"] {
        let (succeeds, said) = run("is_for_others", ci);
        assert!(succeeds && said.starts_with("skipped: skip::is_for_others: it is for others\n"), "{said}");
    }
}
