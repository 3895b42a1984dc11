//! Append: one call, one write.

use std::sync::Arc;

use tonic::{Status, Streaming};

use super::StreamsService;
use crate::log::{Command, Operation, WriteOutcome};
use crate::proto::client::Empty;
use crate::proto::streams::append_req::options::ExpectedStreamRevision;
use crate::proto::streams::append_req::{Content, Options};
use crate::proto::streams::append_resp::wrong_expected_version::{
    CurrentRevisionOption, ExpectedRevisionOption, LegacyCurrentRevisionOption, LegacyExpectedRevisionOption,
};
use crate::proto::streams::append_resp::{self, Success, WrongExpectedVersion, success};
use crate::proto::streams::{AppendReq, AppendResp};
use crate::rules::ExpectedRevision;
use crate::status::{self, MAX_APPEND_SIZE, RequestError};
use crate::wire;

/// The stream that a write is for, and what the client expects of it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) stream: Arc<str>,
    pub(super) expected: ExpectedRevision,
    /// The revision that was sent. `u64::MAX` means "no stream", but is answered as it came.
    revision: Option<u64>,
}

impl Target {
    pub(super) fn new(options: Option<&Options>) -> Result<Self, Status> {
        let options = options.ok_or(RequestError::Unreadable("the options are missing"))?;
        let stream = wire::stream_name(options.stream_identifier.as_ref())?;
        let (expected, revision) = match options.expected_stream_revision {
            Some(ExpectedStreamRevision::Revision(revision)) => {
                (ExpectedRevision::exact(wire::number(revision)?), Some(revision))
            }
            Some(ExpectedStreamRevision::NoStream(_)) => (ExpectedRevision::NoStream, None),
            Some(ExpectedStreamRevision::Any(_)) => (ExpectedRevision::Any, None),
            Some(ExpectedStreamRevision::StreamExists(_)) => (ExpectedRevision::StreamExists, None),
            None => return Err(RequestError::Unsupported("the expected revision is missing").into()),
        };
        Ok(Self { stream, expected, revision })
    }
}

pub(super) async fn append(
    service: &StreamsService,
    mut messages: Streaming<AppendReq>,
    requires_leader: bool,
) -> Result<AppendResp, Status> {
    let target = match messages.message().await?.and_then(|message| message.content) {
        Some(Content::Options(options)) => Target::new(Some(&options))?,
        _ => return Err(RequestError::Unreadable("the options must come first").into()),
    };
    if !service.access.may_append_to(&target.stream) {
        return Err(status::access_denied());
    }
    let mut events = Vec::new();
    let mut size = 0;
    while let Some(message) = messages.message().await? {
        let Some(Content::ProposedMessage(proposed)) = message.content else {
            return Err(RequestError::Unreadable("only events may follow the options").into());
        };
        size += wire::proposed_size(&proposed);
        if size > MAX_APPEND_SIZE {
            return Err(RequestError::AppendTooLarge.into());
        }
        events.push(wire::new_event(proposed)?);
    }
    service.node.may_write(requires_leader)?;
    let command =
        Command { stream: Arc::clone(&target.stream), expected: target.expected, operation: Operation::Append(events) };
    let result = match service.log.write(command).await? {
        WriteOutcome::Done { revision, position } => append_resp::Result::Success(success(revision, position)),
        WriteOutcome::WrongRevision { current } => {
            append_resp::Result::WrongExpectedVersion(wrong_revision(&target, current))
        }
        WriteOutcome::Deleted => return Err(status::stream_deleted(&target.stream)),
    };
    Ok(AppendResp { result: Some(result) })
}

fn success(revision: Option<u64>, position: Option<u64>) -> Success {
    use success::{CurrentRevisionOption as Revision, PositionOption as Place};
    let revision = revision.map_or(Revision::NoStream(Empty {}), Revision::CurrentRevision);
    let position = position.map_or(Place::NoPosition(Empty {}), |position| Place::Position(position.into()));
    Success { current_revision_option: Some(revision), position_option: Some(position) }
}

fn wrong_revision(target: &Target, current: Option<u64>) -> WrongExpectedVersion {
    let (legacy_expected, expected) = match target.expected {
        ExpectedRevision::Any => {
            (LegacyExpectedRevisionOption::LegacyAny(Empty {}), ExpectedRevisionOption::ExpectedAny(Empty {}))
        }
        ExpectedRevision::StreamExists => (
            LegacyExpectedRevisionOption::LegacyStreamExists(Empty {}),
            ExpectedRevisionOption::ExpectedStreamExists(Empty {}),
        ),
        ExpectedRevision::NoStream => (
            LegacyExpectedRevisionOption::LegacyExpectedRevision(u64::MAX),
            target
                .revision
                .map_or(ExpectedRevisionOption::ExpectedNoStream(Empty {}), ExpectedRevisionOption::ExpectedRevision),
        ),
        ExpectedRevision::Exact(revision) => (
            LegacyExpectedRevisionOption::LegacyExpectedRevision(revision),
            ExpectedRevisionOption::ExpectedRevision(revision),
        ),
    };
    let (legacy_current, current) = match current {
        Some(revision) => (
            LegacyCurrentRevisionOption::LegacyCurrentRevision(revision),
            CurrentRevisionOption::CurrentRevision(revision),
        ),
        None => {
            (LegacyCurrentRevisionOption::LegacyNoStream(Empty {}), CurrentRevisionOption::CurrentNoStream(Empty {}))
        }
    };
    WrongExpectedVersion {
        legacy_current_revision_option: Some(legacy_current),
        legacy_expected_revision_option: Some(legacy_expected),
        current_revision_option: Some(current),
        expected_revision_option: Some(expected),
    }
}
