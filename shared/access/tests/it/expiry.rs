use jiff::Timestamp;
use shared_access::keys::{Expiry, InvalidExpiry};

#[test]
fn a_key_ends_after_a_time_or_at_one() {
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    for (text, end) in [
        ("90d", "2030-04-01T00:00:00Z"),
        ("12h", "2030-01-01T12:00:00Z"),
        ("2030-01-31", "2030-01-31T00:00:00Z"),
        ("2030-01-31T18:00:00+01:00", "2030-01-31T17:00:00Z"),
    ] {
        let expiry: Expiry = text.parse().unwrap();
        assert_eq!(expiry.end(now), Ok(end.parse().unwrap()), "{text}");
    }
    for text in ["", "d", "-1d", "+1d", "1.5d", "90", "90m", "soon", "2030-01-31T18:00", "2030-13-01", "99999999d"] {
        assert_eq!(text.parse::<Expiry>(), Err(InvalidExpiry::Malformed), "{text}");
    }
    for text in ["0h", "2029-12-31", "2030-01-01"] {
        assert_eq!(text.parse::<Expiry>().unwrap().end(now), Err(InvalidExpiry::Past), "{text}");
    }
}
