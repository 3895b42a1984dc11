//! What a read or a subscription asks for, checked.

use std::sync::Arc;

use tonic::Status;

use crate::filter::{self, Filter};
use crate::log::{Direction, IdForm};
use crate::proto::streams::read_req::all_options::AllOption;
use crate::proto::streams::read_req::options::{CountOption, FilterOption, StreamOption};
use crate::proto::streams::read_req::stream_options::RevisionOption;
use crate::proto::streams::read_req::uuid_option::Content as UuidForm;
use crate::proto::streams::read_req::{AllOptions, FilterOptions, ReadDirection, StreamOptions};
use crate::proto::streams::{Position, ReadReq};
use crate::status::RequestError;
use crate::wire;

/// Where to begin, by revision or by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    First,
    End,
    At(u64),
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
        let options = request.options.ok_or(RequestError::Invalid("the options are missing"))?;
        let count = count(options.count_option.as_ref())?;
        let direction = match ReadDirection::try_from(options.read_direction) {
            Ok(ReadDirection::Forwards) => Direction::Forwards,
            Ok(ReadDirection::Backwards) if count == Count::Subscription => {
                return Err(RequestError::Invalid("a subscription only goes forwards").into());
            }
            Ok(ReadDirection::Backwards) => Direction::Backwards,
            Err(_) => return Err(RequestError::Invalid("the direction is unknown").into()),
        };
        let id_form = match options.uuid_option.and_then(|option| option.content) {
            Some(UuidForm::Structured(_)) => IdForm::Structured,
            Some(UuidForm::String(_)) => IdForm::Text,
            None => return Err(RequestError::Invalid("the UUID option is missing").into()),
        };
        let (source, start) = match (options.stream_option, options.filter_option) {
            (_, None) => {
                let message = "either a filter or no filter must be asked for";
                return Err(RequestError::Invalid(message).into());
            }
            (Some(StreamOption::Stream(stream)), Some(FilterOption::NoFilter(_))) => stream_source(&stream)?,
            (Some(StreamOption::Stream(_)), Some(FilterOption::Filter(_))) => {
                return Err(RequestError::Invalid("only $all can be filtered").into());
            }
            (Some(StreamOption::All(all)), Some(FilterOption::NoFilter(_))) => {
                (Source::All(None), all_start(&all, count)?)
            }
            (Some(StreamOption::All(all)), Some(FilterOption::Filter(filter))) => {
                let filter = all_filter(&filter, count)?;
                (Source::All(Some(filter)), all_start(&all, count)?)
            }
            (None, _) => return Err(RequestError::Invalid("the stream option is missing").into()),
        };
        Ok(Self {
            source,
            start,
            direction,
            count,
            resolve_links: options.resolve_links,
            id_form,
            wants_stream_positions: options.control_option.is_some_and(|control| control.compatibility >= 1),
        })
    }
}

fn count(option: Option<&CountOption>) -> Result<Count, Status> {
    match option {
        // What EventStoreDB makes of a page without a size.
        Some(CountOption::Count(0)) => Err(Status::unknown("Exception was thrown by handler.")),
        Some(CountOption::Count(count)) => Ok(Count::Limited(*count)),
        Some(CountOption::Subscription(_)) => Ok(Count::Subscription),
        None => Err(RequestError::Invalid("the count is missing").into()),
    }
}

fn stream_source(options: &StreamOptions) -> Result<(Source, Start), Status> {
    let stream = wire::stream_name(options.stream_identifier.as_ref())?;
    let start = match options.revision_option {
        Some(RevisionOption::Start(_)) => Start::First,
        Some(RevisionOption::End(_) | RevisionOption::Revision(u64::MAX)) => Start::End,
        Some(RevisionOption::Revision(revision)) => Start::At(revision),
        None => return Err(RequestError::Invalid("the start revision is missing").into()),
    };
    Ok((Source::Stream(stream), start))
}

fn all_start(options: &AllOptions, count: Count) -> Result<Start, Status> {
    match &options.all_option {
        Some(AllOption::Start(_)) => Ok(Start::First),
        Some(AllOption::End(_)) => Ok(Start::End),
        Some(AllOption::Position(position)) => start_position(position, count),
        None => Err(RequestError::Invalid("the start position is missing").into()),
    }
}

fn start_position(position: &Position, count: Count) -> Result<Start, Status> {
    let Position { commit_position: commit, prepare_position: prepare } = *position;
    if commit == u64::MAX && prepare == u64::MAX {
        return Ok(Start::End);
    }
    if prepare <= commit && i64::try_from(commit).is_ok() {
        return Ok(Start::At(commit));
    }
    Err(match count {
        Count::Subscription => RequestError::Invalid("there is no such position").into(),
        Count::Limited(_) => Status::unknown("Exception was thrown by handler."),
    })
}

fn all_filter(options: &FilterOptions, count: Count) -> Result<AllFilter, RequestError> {
    let checkpoint_interval = match count {
        Count::Subscription => filter::checkpoint_interval(options)?,
        Count::Limited(_) => 0,
    };
    let filter = Arc::new(Filter::new(options)?);
    Ok(AllFilter { filter, checkpoint_interval })
}
