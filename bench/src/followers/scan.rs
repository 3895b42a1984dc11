//! Finds the events in a stream of server-sent events without reading their JSON.

/// What stands before the number of an event in both streams. In text it could only stand with its quotation marks
/// escaped.
const BEFORE: &[u8] = br#""position":"f"#;
const LENGTH: usize = BEFORE.len();
/// How far to go on from a place where it is not, by the last byte of that place (Horspool).
const SHIFTS: [u8; 256] = shifts();

const fn shifts() -> [u8; 256] {
    let mut shifts = [LENGTH as u8; 256];
    let mut place = 0;
    while place + 1 < LENGTH {
        shifts[BEFORE[place] as usize] = (LENGTH - 1 - place) as u8;
        place += 1;
    }
    shifts
}

/// Gives the number of each event in what has come of a stream, and answers how much of it is done with. The rest is the
/// beginning of something, perhaps, and has to be shown again with what follows. Whoever sends it writes an event in one
/// chunk: one whose position were cut by the size of a chunk would not be found, and count as lost.
pub(super) fn events(bytes: &[u8], mut found: impl FnMut(u64)) -> usize {
    let mut at = 0;
    while at + LENGTH <= bytes.len() {
        let here = &bytes[at..at + LENGTH];
        if here != BEFORE {
            at += usize::from(SHIFTS[usize::from(here[LENGTH - 1])]);
            continue;
        }
        let digits = bytes[at + LENGTH..].iter().take_while(|byte| byte.is_ascii_digit());
        let (number, length) = digits.fold((0, 0), |(number, length): (u64, usize), digit| {
            (number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')), length + 1)
        });
        if at + LENGTH + length == bytes.len() {
            return at;
        }
        if length > 0 {
            found(number);
        }
        at += LENGTH + length;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::events;

    const STREAM: &str = concat!(
        "a5\r\nid: eyJsaXN0IjoiYWxsIiwiYWZ0ZXIiOiJmMSJ9\n",
        r#"data: {"stream":"flight-stream","type":"FlightCreated","position":"f1","flightId":"01a2"}"#,
        "\n\n\r\n120\r\n",
        r#"data: {"stream":"flight-stream","eventNumber":23,"data":{"origin":"\"position\":\"f9"},"position":"f23"}"#,
        "\n\n\r\n",
        r#"data: {"stream":"passenger-stream","position":"p7"}"#,
        "\n\n",
        r#"data: {"position":"f456"}"#,
        "\n\n",
    );

    /// What is found when a stream comes in pieces of this size.
    fn found(size: usize) -> Vec<u64> {
        let (mut found, mut waiting) = (Vec::new(), Vec::new());
        for piece in STREAM.as_bytes().chunks(size) {
            waiting.extend_from_slice(piece);
            let taken = events(&waiting, |number| found.push(number));
            waiting.drain(..taken);
        }
        found
    }

    #[test]
    fn each_event_is_found_once_however_the_stream_is_cut() {
        for size in 1..=STREAM.len() {
            assert_eq!(found(size), [1, 23, 456], "in pieces of {size} bytes");
        }
    }
}
