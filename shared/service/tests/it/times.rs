//! Points in time in bodies: as RFC 3339 writes them, and kept as they are or refused.

use http::StatusCode;
use proptest::prelude::*;
use serde_json::json;
use shared_service::parse::{InvalidTimestamp, timestamp};

use crate::support::{ID, post_json};

fn body(at: &str) -> String {
    json!({ "name": "Ada", "boxId": ID, "at": at }).to_string()
}

#[tokio::test]
async fn times_have_to_make_sense() {
    let faults = [
        (
            "must be in the years 1970 to 2199",
            &[
                "0001-01-01T00:00:00Z",
                "1969-12-31T00:00:00Z",
                "2200-01-02T00:00:00Z",
                "9999-12-31T00:00:00Z",
                "9999-12-31T23:59:59-23:59",
                "0000-01-01T00:00:00+23:59",
            ] as &[&str],
        ),
        (
            "must be a day of the calendar and a time of day from 00:00:00 to 23:59:59",
            &[
                "2026-02-30T12:00:00Z",
                "2026-00-10T12:00:00Z",
                "2026-13-10T12:00:00Z",
                "2026-05-01T24:00:00Z",
                "2026-05-01T12:60:00Z",
                "2026-05-01T12:00:61Z",
                "2026-05-01T12:30:60Z",
                "2026-06-30T23:59:60+01:00",
                "2026-07-31T23:59:60Z",
            ],
        ),
        (
            "must not be a leap second, which cannot be kept; use second 59 or the next minute",
            &[
                "2016-12-31T23:59:60Z",
                "2017-01-01T00:59:60+01:00",
                "2012-06-30T23:59:60.5Z",
                "2016-12-31T15:59:60-08:00",
            ],
        ),
        (
            "must have an offset from -23:59 to +23:59",
            &[
                "2026-05-01T12:00:00+24:00",
                "2026-05-01T12:00:00-24:00",
                "2026-05-01T12:00:00+25:59",
                "2026-05-01T12:00:00+99:00",
                "2026-05-01T12:00:00+12:60",
            ],
        ),
        (
            "must not be finer than a microsecond; use at most six digits of a second",
            &["2026-05-01T12:00:00.0000001Z", "2026-05-01T12:00:00.123456789Z", "2026-05-01T12:00:00.12345600000001Z"],
        ),
    ];
    for (fault, times) in faults {
        for at in times {
            post_json("/things", body(at)).await.assert_faults(&[&format!("/at {fault}")]);
        }
    }
}

#[tokio::test]
async fn times_are_written_as_the_rfc_says() {
    let malformed = format!("/at {}", InvalidTimestamp::Malformed);
    for at in [
        "",
        "now",
        "12",
        "2026-05-01",
        "2026-05-01T12:00:00",
        "2026-05-01T12:00Z",
        "2026-05-01T12:00:00+02",
        "2026-05-01T12:00:00+0200",
        "2026-05-01T12:00:00+02:00:00",
        "2026-05-01T12:00:00.Z",
        "2026-05-01T12:00:00,5Z",
        "2026-5-1T12:00:00Z",
        "20260501T120000Z",
        "+002026-05-01T12:00:00Z",
        "2026-05-01T12:00:00+02:00[Europe/Rome]",
        "2026-05-01T12:00:00Z ",
        "２026-05-01T12:00:00Z",
    ] {
        post_json("/things", body(at)).await.assert_faults(&[&malformed]);
    }
}

#[tokio::test]
async fn times_are_kept() {
    for (at, kept, offset) in [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0),
        ("2199-12-31T23:59:59Z", "2199-12-31T23:59:59Z", 0),
        ("1970-01-01T00:00:00+23:59", "1969-12-31T00:01:00Z", 86_340),
        ("1969-12-31T00:01:00Z", "1969-12-31T00:01:00Z", 0),
        ("2199-12-31T23:59:59.999999-23:59", "2200-01-01T23:58:59.999999Z", -86_340),
        ("2200-01-01T23:58:59.999999Z", "2200-01-01T23:58:59.999999Z", 0),
        ("2199-12-31T23:30:00-01:00", "2200-01-01T00:30:00Z", -3_600),
        ("2026-05-01t12:00:00z", "2026-05-01T12:00:00Z", 0),
        ("2026-05-01 12:00:00Z", "2026-05-01T12:00:00Z", 0),
        ("2026-05-01T12:00:00-00:00", "2026-05-01T12:00:00Z", 0),
        ("2026-05-01T12:00:00-11:30", "2026-05-01T23:30:00Z", -41_400),
        ("2026-05-01T12:00:00.5Z", "2026-05-01T12:00:00.5Z", 0),
        ("2026-05-01T12:00:00.00000100000000000000Z", "2026-05-01T12:00:00.000001Z", 0),
        ("2028-02-29T12:00:00Z", "2028-02-29T12:00:00Z", 0),
    ] {
        let answer = post_json("/things", body(at)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{at}: {answer:?}");
        assert_eq!((&answer.body["at"], &answer.body["offsetSeconds"]), (&json!(kept), &json!(offset)), "{at}");
    }
}

proptest! {
    /// What looks like a time, with every part near its limits.
    #[test]
    fn what_is_taken_is_the_time_that_another_reader_finds(
        at in "(1969|1970|2026|2199|2200)-(0[0-2]|06|1[0-3])-(0[01]|2[89]|3[0-2])[Tt ](0[01]|2[2-4]):(00|59|60):(00|59|60|61)(\\.[0-9]{1,8})?(Z|z|[+-](0[01]|2[2-4]):(00|59|60))",
    ) {
        if let Ok((taken, offset)) = timestamp(&at) {
            prop_assert_eq!(at.parse::<jiff::Timestamp>().unwrap(), taken);
            prop_assert_eq!(jiff::fmt::temporal::Pieces::parse(&at).unwrap().to_numeric_offset(), Some(offset));
        }
    }
}
