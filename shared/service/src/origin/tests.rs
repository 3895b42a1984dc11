use super::*;

#[test]
fn origins_are_taken_as_browsers_write_them() {
    for text in ["https://example.com", "http://localhost:3000", "http://[::1]:3000", "http://127.0.0.1"] {
        assert_eq!(text.parse::<Origin>().map(|origin| origin.to_string()).as_deref(), Ok(text));
    }
    for (text, usual) in [
        ("https://Example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com/app?x#y", "https://example.com"),
        ("https://user@example.com", "https://example.com"),
    ] {
        assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin::Unusual(usual.to_owned())), "{text}");
    }
    for text in ["", "*", "null", "example.com", "file:///a", "https://", "https://*.example.com:x"] {
        assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin::NotAnOrigin), "{text}");
    }
}
