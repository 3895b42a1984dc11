//! Tests that cannot run on a machine.

use std::env;
use std::io::{self, Write};
use std::thread;

/// Says why a test does not run: something that can be installed is not there. The test returns then, and passes. Where
/// everything has to be tested, which is where `CI` is set, it fails instead.
///
/// ```no_run
/// use jetbridge_testing::skip;
///
/// let Some(file) = std::env::var_os("SOME_FILE") else {
///     return skip("SOME_FILE does not say where the file is");
/// };
/// ```
///
/// # Panics
///
/// Where `CI` is set.
pub fn skip(reason: &str) {
    let is_everything_tested = env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!is_everything_tested, "cannot run: {reason}");
    pass_over(reason);
}

/// Says why a test is not for this machine, or for who runs it: nothing is missing that could be installed. The test returns
/// then, and passes.
pub fn pass_over(reason: &str) {
    // What is printed in the usual way is not shown of tests that pass. If nobody reads it, there is nobody to tell.
    let _ = writeln!(io::stderr(), "skipped: {}: {reason}", test_name());
}

/// The name of the test that runs on this thread, with its modules.
pub fn test_name() -> String {
    thread::current().name().unwrap_or("test").to_owned()
}
