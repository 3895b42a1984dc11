//! What people and programs get to read, on standard output.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Characters that set the direction of text, and so could make it look like another.
const DIRECTIONS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Text without anything that a terminal would obey: escape sequences, line breaks, other directions. They are shown
/// by their numbers.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || DIRECTIONS.contains(&character) {
            // Writing to a string does not fail.
            let _ = write!(visible, "{}", character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// A time as it is here, with the offset; what is none, as it is.
pub(super) fn local_time(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
        Err(_) => visible(text),
    }
}

/// Writes lines, each at once.
pub(super) fn lines<'a>(lines: impl IntoIterator<Item = Cow<'a, str>>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{line}")?;
    }
    stdout.flush()
}

/// Writes a table, whose cells are made visible.
pub(super) fn table<const N: usize>(titles: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(titles.map(str::to_uppercase));
    for row in rows {
        table.add_row(row.map(|cell| visible(&cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    lines(table.lines().map(|line| Cow::Owned(line.trim_end().to_owned())))
}

/// Says something to people, on standard error: what is on standard output may be read by a program.
pub(super) fn say(message: &str) {
    // If standard error is closed, there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(
            visible("Zoë \u{1b}[2J\r\n\u{202e}O'Hara \u{9b}31m"),
            "Zoë \\u{1b}[2J\\u{d}\\u{a}\\u{202e}O'Hara \\u{9b}31m"
        );
    }
}
