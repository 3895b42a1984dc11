use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use jetbridge_testing::{eventually, http};

use crate::system::{System, program, run_to_end};

const LIMIT: Duration = Duration::from_secs(10);

/// What `jetbridge keys` prints with these arguments and this data folder.
pub(crate) fn keys(data_dir: &Path, arguments: &[&str]) -> String {
    let folder = [OsStr::new("--data-dir"), data_dir.as_os_str()];
    let Output { status, stdout, stderr } = program().arg("keys").args(arguments).args(folder).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

/// Also where root starts it: the keys that it has made before, and makes later, are read by the user that it becomes.
#[tokio::test]
async fn whoever_has_a_key_gets_in_for_as_long_as_it_is_theirs() {
    let mut office = String::new();
    let prepare = |data_dir: &Path| office = keys(data_dir, &["create", "--name", "Office", "--role", "admin"]);
    let system = System::start_prepared(prepare, &["--authentication", "keys", "--rate-limit", "50"]).await;
    let status = async |key: Option<&str>| {
        let request = http().get(system.at("/api/flights"));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        request.send().await.unwrap().status().as_u16()
    };
    let becomes = async |key: &str, expected: u16| {
        eventually("the key counts", LIMIT, async || (status(Some(key)).await == expected).then_some(())).await;
    };
    assert_eq!((status(None).await, status(Some(&office)).await), (401, 200));
    let limited = http().get(system.at("/api/flights")).bearer_auth(&office).send().await.unwrap();
    let policy = limited.headers()["ratelimit-policy"].to_str().unwrap();
    assert!(policy.contains("q=50"), "the limit is another one: {policy}");
    let wall = keys(&system.data_dir(), &["create", "--name", "Wall", "--role", "viewer", "--expires", "12h"]);
    becomes(&wall, 200).await;
    let listed = keys(&system.data_dir(), &["list"]);
    assert!(listed.contains("Office") && listed.contains("Wall"), "{listed}");
    keys(&system.data_dir(), &["revoke", "Wall"]);
    becomes(&wall, 401).await;
    assert_eq!(status(Some(&office)).await, 200);
}

#[tokio::test]
async fn nobody_else_than_this_machine_is_let_in_without_authentication() {
    let ended = run_to_end(&["--listen", "0.0.0.0:0"]).await;
    ended.assert_failed(&["without authentication", "keys create", "--authentication keys"]);
}
