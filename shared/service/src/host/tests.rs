use super::*;

fn parse(text: &str) -> Option<String> {
    Authority::parse(text).map(|authority| authority.to_string())
}

#[test]
fn hosts_are_read_as_they_are_written() {
    for (text, read) in [
        ("localhost", "localhost"),
        ("LocalHost.:8080", "localhost:8080"),
        ("parcel-api:8081", "parcel-api:8081"),
        ("a_b.example:", "a_b.example"),
        ("example:80", "example"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("[::1]", "[::1]"),
        ("[0:0::1]:65535", "[::1]:65535"),
        // Only browsers take this for an address, and they write it as one.
        ("2130706433", "2130706433"),
    ] {
        assert_eq!(parse(text).as_deref(), Some(read), "{text}");
    }
    let long = "a".repeat(254);
    for text in [
        "",
        ":80",
        "a b",
        "a/b",
        "user@localhost",
        "localhost:x",
        "localhost:+1",
        "localhost:65536",
        "a:1:2",
        "::1",
        "[::1",
        "::1]",
        "[::1]x",
        "[localhost]",
        "[fe80::1%eth0]",
        "a..b",
        ".",
        "ä",
        "*.example",
        &long,
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn an_origin_is_that_of_the_host_with_its_scheme_and_port() {
    let is_own = |host: &str, origin: &str, tls| Authority::parse(host).unwrap().is_of_origin(origin, tls);
    for (host, origin) in [
        ("localhost:8080", "http://localhost:8080"),
        ("example.com", "http://example.com"),
        ("example.com:80", "http://example.com"),
        ("[::1]:8080", "http://[::1]:8080"),
    ] {
        assert!(is_own(host, origin, false) && is_own(host, origin, true), "{host} {origin}");
    }
    for (host, origin) in [("Example.com", "https://example.com"), ("example.com:8443", "https://example.com:8443")] {
        assert!(!is_own(host, origin, false) && is_own(host, origin, true), "{host} {origin}");
    }
    for (host, origin) in [
        ("localhost:8080", "null"),
        ("localhost:8080", "http://localhost"),
        ("localhost:8080", "http://localhost:8081"),
        ("localhost:8080", "http://127.0.0.1:8080"),
        ("example.com", "http://www.example.com"),
        ("example.com", "http://example.com:443"),
        ("example.com", "http://example.com/"),
        ("example.com", "ftp://example.com"),
        ("example.com", "example.com"),
    ] {
        assert!(!is_own(host, origin, false) && !is_own(host, origin, true), "{host} {origin}");
    }
}

#[test]
fn names_are_given_without_anything_else() {
    for text in ["https://example.com", "example.com:8080", "example.com/app", "*.example.com", "", " a"] {
        assert!(text.parse::<HostName>().is_err(), "{text}");
    }
    assert_eq!("App.Example.com.".parse::<HostName>().unwrap().to_string(), "app.example.com");
}
