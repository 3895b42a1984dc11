use std::io;

use super::{Report, SystemError};

#[test]
fn an_error_is_one_line_with_its_causes_and_advice_below() {
    let error =
        SystemError::Listen { address: "127.0.0.1:8080".parse().unwrap(), source: io::Error::other("it is taken") };
    let shown = Report::from(error).to_string();
    let (error, advice) = shown.split_once('\n').unwrap();
    assert_eq!(error, "cannot listen on 127.0.0.1:8080: it is taken");
    assert!(advice.contains("--listen 127.0.0.1:8090"), "{advice}");
}

#[test]
fn without_postgresql_it_says_how_to_install_one() {
    let error = SystemError::from(jetbridge_postgres::StartError::NoBinaries { download: None });
    let shown = Report::from(error).to_string();
    let first = shown.lines().next().unwrap();
    assert!(first.contains("was not found on this machine"), "{shown}");
    for advice in ["apt install postgresql", "brew install", "--database-url"] {
        assert!(shown.contains(advice), "{shown}");
    }
}

#[test]
fn the_cause_of_a_long_message_has_a_line_of_its_own() {
    let download = jetbridge_postgres::DownloadError::Limit(std::time::Duration::from_secs(30));
    let cause = download.to_string();
    let error = SystemError::from(jetbridge_postgres::StartError::NoBinaries { download: Some(Box::new(download)) });
    let shown = Report::from(error).to_string();
    assert_eq!(shown.lines().last(), Some(&*format!("(the cause: {cause})")));
}
