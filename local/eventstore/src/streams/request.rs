//! What a read or a subscription asks for, checked.

use std::sync::Arc;

use tonic::Status;

use crate::filter::{self, Filter};
use crate::log::Direction;
use crate::proto::streams::read_req::all_options::AllOption;
use crate::proto::streams::read_req::options::{CountOption, FilterOption, StreamOption};
use crate::proto::streams::read_req::stream_options::RevisionOption;
use crate::proto::streams::read_req::uuid_option::Content as UuidForm;
use crate::proto::streams::read_req::{AllOptions, FilterOptions, ReadDirection, StreamOptions};
use crate::proto::streams::{Position, ReadReq};
use crate::status::{self, RequestError};
use crate::wire::{self, IdForm};

/// Where to begin, by revision or by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    First,
    End,
    At(u64),
    /// Of `$all`: between the record at this position and the one before it.
    JustBefore(u64),
    /// The client does not say where.
    Nowhere,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    Stream(Arc<str>),
    All(Option<AllFilter>),
}

#[derive(Debug, Clone)]
pub(super) struct AllFilter {
    pub(super) filter: Arc<Filter>,
    /// Events that a subscription considers between checkpoints; plain reads have none.
    pub(super) checkpoint_interval: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Limited(u64),
    Subscription,
}

/// A valid read request.
#[derive(Debug, Clone)]
pub(super) struct ReadRequest {
    pub(super) source: Source,
    pub(super) start: Start,
    pub(super) direction: Direction,
    pub(super) count: Count,
    pub(super) resolve_links: bool,
    pub(super) id_form: IdForm,
    /// The client understands frames about the first and last revision.
    pub(super) wants_stream_positions: bool,
}

impl ReadRequest {
    pub(super) fn new(request: ReadReq) -> Result<Self, Status> {
        let options = request.options.ok_or(RequestError::Unreadable("the options are missing"))?;
        let count = match options.count_option {
            Some(CountOption::Count(count)) => Count::Limited(count),
            Some(CountOption::Subscription(_)) => Count::Subscription,
            None => return Err(RequestError::Unsupported("the count is missing").into()),
        };
        let direction = match ReadDirection::try_from(options.read_direction) {
            Ok(ReadDirection::Forwards) => Direction::Forwards,
            Ok(ReadDirection::Backwards) if count == Count::Subscription => {
                return Err(RequestError::Unsupported("a subscription only goes forwards").into());
            }
            Ok(ReadDirection::Backwards) => Direction::Backwards,
            Err(_) => return Err(RequestError::Unsupported("the direction is unknown").into()),
        };
        let uuid_option = options.uuid_option.ok_or(RequestError::Unsupported("the UUID option is missing"))?;
        let id_form = match uuid_option.content {
            Some(UuidForm::Structured(_)) | None => IdForm::Structured,
            Some(UuidForm::String(_)) => IdForm::Text,
        };
        let (source, start) = source(options.stream_option, options.filter_option, count)?;
        let request = Self {
            source,
            start,
            direction,
            count,
            resolve_links: options.resolve_links,
            id_form,
            wants_stream_positions: options.control_option.is_some_and(|control| control.compatibility >= 1),
        };
        request.check_first_page()?;
        Ok(request)
    }

    /// Refuses what EventStoreDB has no first page for.
    fn check_first_page(&self) -> Result<(), Status> {
        let is_empty = self.count == Count::Limited(0);
        match (&self.source, self.direction, self.start) {
            _ if self.count == Count::Subscription => match self.start {
                Start::Nowhere => Err(RequestError::Unsupported("the start is missing").into()),
                _ => Ok(()),
            },
            (_, _, Start::Nowhere) => Ok(()),
            (Source::Stream(_), Direction::Forwards, Start::End) => Err(status::no_page(READ_STREAM, "Error")),
            (Source::Stream(_), _, _) if is_empty => Err(status::no_page(READ_STREAM, "Error")),
            (Source::All(_), Direction::Backwards, Start::At(LAST) | Start::JustBefore(LAST)) => {
                Err(status::no_page(READ_ALL, "Error"))
            }
            // EventStoreDB reads the same page for ever.
            (Source::All(_), _, _) if is_empty => Err(status::no_page(READ_ALL, "Error")),
            _ => Ok(()),
        }
    }
}

/// The greatest position there can be.
const LAST: u64 = i64::MAX as u64;

const READ_STREAM: &str = "ReadStreamResult";
pub(super) const READ_ALL: &str = "ReadAllResult";

fn source(
    stream: Option<StreamOption>,
    filter: Option<FilterOption>,
    count: Count,
) -> Result<(Source, Start), RequestError> {
    match (stream, filter) {
        (_, None) => Err(RequestError::Unsupported("either a filter or no filter must be asked for")),
        (Some(StreamOption::Stream(stream)), Some(FilterOption::NoFilter(_))) => stream_source(&stream),
        (Some(StreamOption::Stream(_)), Some(FilterOption::Filter(_))) => {
            Err(RequestError::Unsupported("only $all can be filtered"))
        }
        (Some(StreamOption::All(all)), Some(FilterOption::NoFilter(_))) => Ok((Source::All(None), all_start(&all)?)),
        (Some(StreamOption::All(all)), Some(FilterOption::Filter(filter))) => {
            let filter = all_filter(&filter, count)?;
            Ok((Source::All(Some(filter)), all_start(&all)?))
        }
        (None, _) => Err(RequestError::Unsupported("the stream option is missing")),
    }
}

fn stream_source(options: &StreamOptions) -> Result<(Source, Start), RequestError> {
    let stream = wire::stream_name(options.stream_identifier.as_ref())?;
    let start = match options.revision_option {
        Some(RevisionOption::Start(_)) => Start::First,
        Some(RevisionOption::End(_) | RevisionOption::Revision(u64::MAX)) => Start::End,
        Some(RevisionOption::Revision(revision)) => Start::At(wire::number(revision)?),
        None => Start::Nowhere,
    };
    Ok((Source::Stream(stream), start))
}

fn all_start(options: &AllOptions) -> Result<Start, RequestError> {
    match &options.all_option {
        Some(AllOption::Start(_)) => Ok(Start::First),
        Some(AllOption::End(_)) => Ok(Start::End),
        Some(AllOption::Position(position)) => start_position(position),
        None => Ok(Start::Nowhere),
    }
}

fn start_position(position: &Position) -> Result<Start, RequestError> {
    let Position { commit_position: commit, prepare_position: prepare } = *position;
    match (wire::number(commit)?, wire::number(prepare)?) {
        (u64::MAX, u64::MAX) => Ok(Start::End),
        (commit, prepare) if commit == u64::MAX || prepare > commit => {
            Err(RequestError::Unreadable("the prepare position is beyond the commit position"))
        }
        (commit, prepare) if prepare < commit => Ok(Start::JustBefore(commit)),
        (commit, _) => Ok(Start::At(commit)),
    }
}

fn all_filter(options: &FilterOptions, count: Count) -> Result<AllFilter, RequestError> {
    let checkpoint_interval = filter::checkpoint_interval(options)?;
    if count == Count::Subscription && checkpoint_interval == 0 {
        return Err(RequestError::Unreadable("the checkpoint interval must be greater than 0"));
    }
    let filter = Arc::new(Filter::new(options)?);
    Ok(AllFilter { filter, checkpoint_interval })
}
