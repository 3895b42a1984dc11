//! Filters on `$all`.

use fancy_regex::Regex;

use crate::proto::streams::read_req::filter_options::{Filter as FilterKind, Window};
use crate::proto::streams::read_req::{Expression, FilterOptions};
use crate::status::RequestError;

/// The search window when the client leaves it to the server, in events.
const DEFAULT_WINDOW: u32 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Stream,
    EventType,
}

#[derive(Debug, Clone)]
enum Pattern {
    /// Searched anywhere in the text. Clients use look-ahead, so a backtracking engine is needed.
    Regex(Box<Regex>),
    Prefixes(Vec<String>),
}

/// Which events of `$all` a client wants.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    subject: Subject,
    pattern: Pattern,
}

/// A pattern gave up on some text: nobody knows whether it matches.
#[derive(Debug, thiserror::Error)]
#[error("the filter could not be evaluated")]
pub(crate) struct FilterError(#[from] Box<fancy_regex::Error>);

impl Filter {
    pub(crate) fn new(options: &FilterOptions) -> Result<Self, RequestError> {
        let (subject, expression) = match &options.filter {
            Some(FilterKind::StreamIdentifier(expression)) => (Subject::Stream, expression),
            Some(FilterKind::EventType(expression)) => (Subject::EventType, expression),
            None => return Err(RequestError::Unsupported("the filter has no expression")),
        };
        let pattern = pattern(expression)?;
        Ok(Self { subject, pattern })
    }

    pub(crate) fn matches(&self, stream: &str, event_type: &str) -> Result<bool, FilterError> {
        let text = match self.subject {
            Subject::Stream => stream,
            Subject::EventType => event_type,
        };
        match &self.pattern {
            Pattern::Prefixes(prefixes) => Ok(prefixes.iter().any(|prefix| text.starts_with(prefix))),
            Pattern::Regex(regex) => Ok(regex.is_match(text).map_err(Box::new)?),
        }
    }
}

fn pattern(expression: &Expression) -> Result<Pattern, RequestError> {
    if expression.regex.is_empty() {
        return Ok(Pattern::Prefixes(expression.prefix.clone()));
    }
    Regex::new(&expression.regex)
        .map(|regex| Pattern::Regex(Box::new(regex)))
        .map_err(|_| RequestError::Unreadable("the filter's regular expression is not valid"))
}

/// How many events one step of a search looks at, and how many a subscription considers between checkpoints.
pub(crate) fn checkpoint_interval(options: &FilterOptions) -> Result<u64, RequestError> {
    let window = match options.window {
        // EventStoreDB takes it, and then searches the same place for ever.
        Some(Window::Max(0)) => return Err(RequestError::Unsupported("a search window of 0 never gets anywhere")),
        Some(Window::Max(window)) => window,
        Some(Window::Count(_)) => DEFAULT_WINDOW,
        None => return Err(RequestError::Unsupported("the search window is missing")),
    };
    Ok(u64::from(window) * u64::from(options.checkpoint_interval_multiplier))
}
