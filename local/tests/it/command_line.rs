use std::process::Output;

use crate::system::program;

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

#[test]
fn help_lists_all_settings_and_no_values_of_the_environment() {
    let output = program()
        .arg("--help")
        .env("JETBRIDGE_DATABASE_URL", "postgres://ada:s3cret@db/flights")
        .env("JETBRIDGE_EVENT_STORE", "esdb://admin:s3cret@db")
        .env("JETBRIDGE_LISTEN", "127.0.0.1:4711")
        .env("JETBRIDGE_DATA_DIR", "/some/s3cret/place")
        .output()
        .unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for setting in ["listen", "data-dir", "database-url", "event-store", "log", "log-format"] {
        let variable = format!("JETBRIDGE_{}", setting.replace('-', "_").to_uppercase());
        assert!(help.contains(&format!("--{setting} <")), "{setting}: {help}");
        assert!(help.contains(&format!("[env: {variable}]")), "{variable}: {help}");
    }
    for default in ["127.0.0.1:8080", "./jetbridge-data"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
    }
    assert!(!help.contains("s3cret") && !help.contains("4711"), "{help}");
}

#[test]
fn the_version_is_told() {
    let output = run(&["--version"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("jetbridge {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    for arguments in [&["--listen", "everywhere"][..], &["--log-format", "xml"], &["--no-such-setting"], &["surplus"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
