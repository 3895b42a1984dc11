use serde_json::json;

use super::{settings, with_quick_defaults};
use crate::event_store::EventStore;

#[test]
fn settings_in_the_address_win_over_defaults() {
    let address = with_quick_defaults("esdb://localhost:2113?tls=false&KeepAliveInterval=100");
    assert_eq!(address, "esdb://localhost:2113?tls=false&KeepAliveInterval=100&keepAliveTimeout=10000");
}

#[test]
fn an_address_without_settings_gets_them_all() {
    let address = with_quick_defaults("esdb://localhost:2113");
    assert_eq!(address, "esdb://localhost:2113?keepAliveInterval=10000&keepAliveTimeout=10000");
}

#[test]
fn all_nodes_of_a_cluster_are_taken() {
    let settings = settings("esdb://ada:A-z0._~!$&'()*+9@a:2113,b:2114,c:2115?nodePreference=follower").unwrap();
    let hosts: Vec<_> = settings.hosts().iter().map(|host| format!("{}:{}", host.host, host.port)).collect();
    assert_eq!(hosts, ["a:2113", "b:2114", "c:2115"]);
    assert!(settings.is_secure_mode_enabled());
    let sent = serde_json::to_value(settings.default_authenticated_user()).unwrap();
    assert_eq!(sent["password"], json!("A-z0._~!$&'()*+9".as_bytes()));
}

#[test]
fn errors_say_what_is_wrong_without_the_password() {
    for (address, words) in [
        ("esdb://ada:s3cr/et@a:2113", "must have the form"),
        ("esdb://ada:s3cret@a:x,b:2113", "must have the form"),
        ("esdb://ada:s3cret%40@a:2113", "may consist of letters"),
        ("esdb://ada:s3cret^@a:2113", "may consist of letters"),
        ("http://ada:s3cret@a:2113", "Unknown URL scheme: http"),
        ("esdb://ada:s3cret@a:2113?tls=maybe", "Invalid format for param 'tls'"),
        (
            "esdb://ada:s3cret@a:2113?tlsCAFile=/nowhere/ca.pem",
            "cannot use the certificate authorities in /nowhere/ca.pem",
        ),
    ] {
        let error = settings(address).unwrap_err().to_string();
        assert!(error.contains(words), "{address}: {error}");
        assert!(!error.contains("s3cr"), "{error}");
    }
}

#[tokio::test]
async fn a_connection_name_that_cannot_be_sent_is_refused() {
    let refusal = |name: &str| EventStore::new(&format!("esdb://a:2113?tls=false&connectionName={name}")).err();
    assert_eq!(refusal("jetbridge"), None);
    let error = refusal("gate%0A7").unwrap().to_string();
    assert!(error.contains("connectionName has control characters"), "{error}");
}
