//! Answers as CSV (RFC 4180): files of any length, sent as they are made.
//!
//! Every cell is in quotation marks, lines end in CRLF, and the first one names the columns. A spreadsheet takes a cell
//! that begins with `=`, `+`, `-` or `@` for a formula and carries it out, quotation marks or not. Such a cell gets an
//! apostrophe before it, and so does one that begins with an apostrophe: whoever removes one apostrophe from the
//! beginning of each cell that has one gets what was meant.

use std::borrow::Cow;
use std::fmt::Display;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use csv::{QuoteStyle, Terminator, WriterBuilder};
use futures::{StreamExt, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::accept;
use crate::problem::Problem;

/// The media type (RFC 7111).
const TEXT_CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
/// How many rows a file has at most, and how long it may take until it is complete.
const MAX_ROWS: usize = 1_000_000;
const TIME_LIMIT: Duration = Duration::from_secs(300);
/// How many files one process makes at a time.
const MAX_FILES: usize = 8;
const FULL_RETRY_AFTER: Duration = Duration::from_secs(5);
/// How many pieces wait for a client that is slow.
const PIECES: usize = 2;
/// What begins a formula, in some spreadsheet or other, and what is put before it.
const BEGINS_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
const GUARD: char = '\'';

/// In which form a client would rather have a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// In pages, as JSON: unless it says otherwise.
    Json,
    /// All of it, as CSV.
    Csv,
}

impl Format {
    /// What is answered: JSON, or a file of which nothing is known but the header says so.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        const OFFERED: [(&str, Format); 6] = [
            ("application/json", Format::Json),
            ("application/json; charset=utf-8", Format::Json),
            ("text/csv", Format::Csv),
            ("text/csv; charset=utf-8", Format::Csv),
            ("text/csv; header=present", Format::Csv),
            ("text/csv; charset=utf-8; header=present", Format::Csv),
        ];
        accept::preferred(headers, &OFFERED).unwrap_or(Self::Json)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Format {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers))
    }
}

/// Why a file is not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Nobody reads it any more.
    #[error("its client has gone")]
    ClientGone,
    /// It has more rows than are allowed.
    #[error("it has more than {MAX_ROWS} rows")]
    TooManyRows,
    /// It takes too long.
    #[error("it has taken longer than {} s", TIME_LIMIT.as_secs())]
    TooSlow,
    /// What it is made of could not be read.
    #[error("{0}")]
    Unreadable(String),
}

impl Incomplete {
    /// What it is made of could not be read.
    pub fn unreadable(error: impl Display) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Takes the rows of a file.
#[derive(Debug)]
pub struct Rows {
    pieces: mpsc::Sender<Bytes>,
    count: usize,
}

impl Rows {
    /// Sends rows, once the client has taken most of those before.
    ///
    /// # Errors
    /// [`Incomplete`] if there is no use in going on.
    pub async fn send<R, C>(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), Incomplete>
    where
        R: IntoIterator<Item = C>,
        C: AsRef<str>,
    {
        let mut count = 0;
        let piece = lines(rows.into_iter().inspect(|_| count += 1)).map_err(Incomplete::unreadable)?;
        self.count += count;
        if self.count > MAX_ROWS {
            return Err(Incomplete::TooManyRows);
        }
        if count == 0 {
            return Ok(());
        }
        self.pieces.send(piece).await.map_err(|_| Incomplete::ClientGone)
    }
}

/// Answers with a file of this name, which `make` sends the rows of. One that is not complete in the end breaks off: its
/// connection does not end as that of a complete one does.
///
/// # Errors
/// 503 if too many files are being made.
pub fn file<F>(name: &str, columns: &[&str], make: impl FnOnce(Rows) -> F + Send + 'static) -> Result<Response, Problem>
where
    F: Future<Output = Result<(), Incomplete>> + Send + 'static,
{
    static FILES: Semaphore = Semaphore::const_new(MAX_FILES);
    let slot = FILES.try_acquire().map_err(|_| {
        Problem::unavailable("Too many files are being made at the moment.").retry_after(FULL_RETRY_AFTER)
    })?;
    let head = lines([columns]).map_err(Problem::internal)?;
    let (pieces, mut received) = mpsc::channel(PIECES);
    let is_complete = Arc::new(AtomicBool::new(false));
    let completed = Arc::clone(&is_complete);
    tokio::spawn(async move {
        let _slot = slot;
        let making = timeout(TIME_LIMIT, make(Rows { pieces: pieces.clone(), count: 0 }));
        let outcome = tokio::select! {
            outcome = making => outcome.unwrap_or(Err(Incomplete::TooSlow)),
            () = pieces.closed() => Err(Incomplete::ClientGone),
        };
        match outcome {
            Ok(()) => completed.store(true, Ordering::Release),
            Err(Incomplete::ClientGone) => {}
            Err(reason) => tracing::warn!(%reason, "a CSV file is not complete and breaks off"),
        }
        // Only then: the end of the pieces is the end of the file.
        drop(pieces);
    });
    let rest = stream::poll_fn(move |cx| received.poll_recv(cx)).map(Ok);
    let end = stream::once(async move { is_complete.load(Ordering::Acquire) });
    let end = end.filter_map(|is_complete| ready((!is_complete).then_some(Err(BrokenOff))));
    let body = Body::from_stream(stream::iter([Ok(head)]).chain(rest).chain(end));
    // Names are of letters, digits, hyphens and full stops.
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, TEXT_CSV),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        VARY_BY_ACCEPT,
    ];
    Ok((headers, body).into_response())
}

/// What the answer to a request says that may be in either [`Format`].
pub const VARY_BY_ACCEPT: (header::HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("accept"));

#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the file is not complete")]
struct BrokenOff;

/// Rows as lines.
fn lines<R, C>(rows: impl IntoIterator<Item = R>) -> Result<Bytes, csv::Error>
where
    R: IntoIterator<Item = C>,
    C: AsRef<str>,
{
    let mut style = WriterBuilder::new();
    style.quote_style(QuoteStyle::Always).terminator(Terminator::CRLF).has_headers(false);
    let mut writer = style.from_writer(Vec::new());
    for row in rows {
        for cell in row {
            writer.write_field(guarded(cell.as_ref()).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(Bytes::copy_from_slice(writer.get_ref()))
}

fn guarded(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(BEGINS_FORMULA) || cell.starts_with(GUARD) {
        Cow::Owned(format!("{GUARD}{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests;
