use std::str::FromStr;

use super::*;

fn assert_round_trip(endpoint: &Endpoint) {
    let url = endpoint.url("s3cret", "flight db/äöü");
    let parsed = tokio_postgres::Config::from_str(&url).unwrap();
    assert_eq!(parsed, endpoint.config("s3cret", "flight db/äöü"), "{url}");
}

#[test]
fn urls_say_the_same_as_configurations() {
    assert_round_trip(&Endpoint::Socket(PathBuf::from("/srv/jetbridge/run")));
    assert_round_trip(&Endpoint::Socket(PathBuf::from("/home/zoë/a b,c:d@e?f&g%20h/run")));
    assert_round_trip(&Endpoint::Loopback(54321));
}

#[test]
fn a_path_too_long_for_a_socket_means_loopback() {
    let short = PathBuf::from("/srv/run");
    assert_eq!(Endpoint::choose(&short).unwrap(), Endpoint::Socket(short.clone()));
    let long = PathBuf::from(format!("/{}", "d".repeat(100)));
    assert!(matches!(Endpoint::choose(&long).unwrap(), Endpoint::Loopback(1..)));
}

#[test]
fn paths_are_quoted_for_the_list_of_socket_folders() {
    assert_eq!(quoted(Path::new("/a b,c")), r#""/a b,c""#);
    assert_eq!(quoted(Path::new(r#"/a"b"#)), r#""/a""b""#);
}
