//! A line of the log for each request that is refused or fails.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::Response;
use http::Method;
use shared_kernel::{PrincipalId, ProblemType};

use crate::traced::Route;

/// How many lines there are a second at most: whoever is refused is not to fill the disk. What comes beyond that is
/// counted by the next line.
const LINES_PER_SECOND: u32 = 100;

struct Second {
    began: Option<Instant>,
    lines: u32,
    unlogged: u64,
}

static SECOND: Mutex<Second> = Mutex::new(Second { began: None, lines: 0, unlogged: 0 });

/// Whether there is room for a line, and how many were left out since the last one.
fn admit() -> Option<u64> {
    let mut second = SECOND.lock().unwrap_or_else(PoisonError::into_inner);
    if second.began.is_none_or(|began| began.elapsed() >= Duration::from_secs(1)) {
        (second.began, second.lines) = (Some(Instant::now()), 0);
    }
    if second.lines == LINES_PER_SECOND {
        second.unlogged += 1;
        return None;
    }
    second.lines += 1;
    Some(std::mem::take(&mut second.unlogged))
}

/// Logs an answer that says no, if it was made here: what is only passed on, whoever has made it has logged.
pub(crate) fn refused(method: &Method, response: &Response, took: Duration) {
    let Some(problem) = response.extensions().get::<&'static ProblemType>() else { return };
    let Some(unlogged) = admit() else { return };
    let route = response.extensions().get::<Route>().map_or("none", Route::as_str);
    let principal = response.extensions().get::<PrincipalId>().map_or("none", PrincipalId::as_str);
    let status = response.status().as_u16();
    let milliseconds = (took.as_secs_f64() * 1e6).round() / 1e3;
    if response.status().is_server_error() {
        tracing::warn!(
            http.method = %method, http.route = route, http.status = status, problem.r#type = problem.slug,
            principal.id = principal, took.ms = milliseconds, requests.unlogged = unlogged, "a request failed"
        );
    } else {
        tracing::info!(
            http.method = %method, http.route = route, http.status = status, problem.r#type = problem.slug,
            principal.id = principal, took.ms = milliseconds, requests.unlogged = unlogged, "a request was refused"
        );
    }
}
