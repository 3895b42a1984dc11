use http::{HeaderMap, HeaderValue, header};

use super::preferred;

fn of(accept: &[&'static str]) -> Option<&'static str> {
    let headers = accept.iter().map(|value| (header::ACCEPT, HeaderValue::from_static(value)));
    let offered = [("application/json", "json"), ("text/csv", "csv"), ("text/html", "html")];
    preferred(&headers.collect::<HeaderMap>(), &offered)
}

#[test]
fn the_greatest_weight_counts_and_then_what_is_named_most_exactly_and_first() {
    for (accept, expected) in [
        ("text/csv", Some("csv")),
        ("TEXT/CSV", Some("csv")),
        ("text/html, text/csv", Some("html")),
        ("text/csv;q=0.8, text/html; q=0.9", Some("html")),
        ("text/csv ;q=1.000,*/*;q=0.1", Some("csv")),
        ("*/*", Some("json")),
        ("text/*", Some("csv")),
        ("application/json, text/plain, */*", Some("json")),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some("html")),
        ("*/*, application/json;q=0", Some("csv")),
        ("text/csv;q=0, text/*;q=0.5", Some("html")),
        ("application/json;q=0, text/*;q=0", None),
        ("image/png", None),
        ("", None),
        ("text/csv;q=0.5;x=\"a,b\", text/html;q=0.4", Some("html")),
        (",,text/csv", None),
        ("csv", None),
    ] {
        assert_eq!(of(&[accept]), expected, "{accept}");
    }
    assert_eq!(of(&[]), None);
    assert_eq!(of(&["text/html;q=0.5", "text/csv"]), Some("csv"), "several headers are one list");
}
