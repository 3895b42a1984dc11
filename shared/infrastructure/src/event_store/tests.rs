use super::with_quick_defaults;

#[test]
fn settings_in_the_address_win_over_defaults() {
    let address = with_quick_defaults("esdb://localhost:2113?tls=false&DiscoveryInterval=100");
    assert!(address.starts_with("esdb://localhost:2113?tls=false&DiscoveryInterval=100&keepAliveInterval="));
    assert!(!address.contains("discoveryInterval=20"));
}

#[test]
fn an_address_without_settings_gets_them_all() {
    assert!(with_quick_defaults("esdb://localhost:2113").starts_with("esdb://localhost:2113?discoveryInterval=20&"));
}
