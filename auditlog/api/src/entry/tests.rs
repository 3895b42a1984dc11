use super::{json, metadata};

#[test]
fn what_only_services_need_is_no_part_of_metadata() {
    let stored = r#"{"b":1.10,"idempotencyKey":"k","a":18446744073709551616,"requestFingerprint":"f","stepOf":{"key":"k"},"subject":"key:a","b":2}"#;
    let shown = r#"{"b":1.10,"a":18446744073709551616,"subject":"key:a","b":2}"#;
    assert_eq!(metadata(stored.as_bytes()).get(), shown);
    assert_eq!(metadata(br#"{"idempotencyK\u0065y":"k","stepOf":1}"#).get(), "{}");
    for other in [r#"{"a":"stepOf"}"#, r#"["stepOf"]"#, r#""stepOf""#, "null", r#"{"a":{"stepOf":1}}"#] {
        assert_eq!(metadata(other.as_bytes()).get(), other);
    }
    assert_eq!(metadata(b"not json: stepOf").get(), r#""not json: stepOf""#);
}

#[test]
fn json_is_passed_on_as_it_is_stored() {
    for stored in [r#"{"b":1,"a":1.10,"b":18446744073709551616}"#, r#"  [1, 2]  "#, "null", r#""\u00e9\n""#] {
        assert_eq!(json(stored.as_bytes()).get(), stored.trim());
    }
}

#[test]
fn json_comes_in_one_line() {
    assert_eq!(json(b"{\r\n\t\"a\":\n1}").get(), "{  \t\"a\": 1}");
}

#[test]
fn text_that_is_not_json_is_a_string() {
    assert_eq!(json(b"not\njson").get(), r#""not\njson""#);
    assert_eq!(json(b"{\"a\":1} {").get(), r#""{\"a\":1} {""#);
}

#[test]
fn what_is_not_text_is_null() {
    assert_eq!(json(b"").get(), "null");
    assert_eq!(json(&[0xff, 0xfe]).get(), "null");
}
