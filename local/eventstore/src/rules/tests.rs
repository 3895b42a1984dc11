use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::ExpectedRevision::{Any, Exact, NoStream, StreamExists};
use super::{Decision, ExpectedRevision, History, Recorded, StreamStatus, Write, decide};

/// A stream in memory, with every id remembered.
#[derive(Debug, Clone, Default)]
struct Stream {
    ids: Vec<Uuid>,
    has_metadata: bool,
    soft_deleted: bool,
    tombstoned: bool,
}

impl History for Stream {
    type Error = Infallible;

    fn has_metadata(&mut self) -> Result<bool, Infallible> {
        Ok(self.has_metadata)
    }

    fn remembered(&self, id: Uuid) -> Option<Recorded> {
        let revision = self.ids.iter().position(|known| *known == id)? as u64;
        Some(at(revision))
    }

    fn stored(&mut self, revision: u64) -> Result<Option<(Uuid, u64)>, Infallible> {
        let id = usize::try_from(revision).ok().and_then(|index| self.ids.get(index));
        Ok(id.map(|id| (*id, at(revision).position)))
    }
}

impl Stream {
    fn with(count: u128) -> Self {
        Self { ids: (1..=count).map(Uuid::from_u128).collect(), ..Self::default() }
    }

    fn last(&self) -> Option<u64> {
        self.ids.len().checked_sub(1).map(|last| last as u64)
    }

    fn decide(&self, expected: ExpectedRevision, ids: &[u128]) -> Decision {
        let ids: Vec<_> = ids.iter().copied().map(Uuid::from_u128).collect();
        self.ask(expected, Write::Append(&ids))
    }

    fn end(&self, expected: ExpectedRevision) -> Decision {
        self.ask(expected, Write::End)
    }

    fn ask(&self, expected: ExpectedRevision, write: Write<'_>) -> Decision {
        let status = StreamStatus { last: self.last(), tombstoned: self.tombstoned, soft_deleted: self.soft_deleted };
        let Ok(decision) = decide(status, expected, write, &mut self.clone());
        decision
    }
}

fn at(revision: u64) -> Recorded {
    Recorded { revision, position: 100 + revision }
}

const ACCEPT: Decision = Decision::Accept { recreates: false };
const RECREATE: Decision = Decision::Accept { recreates: true };
const WRONG: Decision = Decision::WrongRevision;

fn already(revision: u64) -> Decision {
    Decision::AlreadyWritten(at(revision))
}

#[test]
fn a_tombstone_refuses_everything() {
    let stream = Stream { tombstoned: true, ..Stream::with(2) };
    for expected in [Any, StreamExists, NoStream, Exact(1)] {
        assert_eq!(stream.decide(expected, &[1]), Decision::Deleted);
    }
}

#[test]
fn a_stream_without_events_takes_only_what_does_not_expect_one() {
    let stream = Stream::default();
    assert_eq!(stream.decide(Any, &[1]), ACCEPT);
    assert_eq!(stream.decide(NoStream, &[1]), ACCEPT);
    assert_eq!(stream.decide(Exact(0), &[1]), WRONG);
    assert_eq!(stream.decide(StreamExists, &[1]), WRONG);
    let only_metadata = Stream { has_metadata: true, ..stream };
    assert_eq!(only_metadata.decide(StreamExists, &[1]), ACCEPT);
}

#[test]
fn without_a_revision_the_first_id_decides_whether_it_is_a_retry() {
    let stream = Stream::with(3);
    for expected in [Any, StreamExists] {
        assert_eq!(stream.decide(expected, &[1, 2]), already(1));
        assert_eq!(stream.decide(expected, &[3, 1]), already(0));
        assert_eq!(stream.decide(expected, &[1, 9]), WRONG);
        assert_eq!(stream.decide(expected, &[9, 1]), ACCEPT);
        assert_eq!(stream.decide(expected, &[]), ACCEPT);
    }
}

#[test]
fn an_earlier_revision_is_a_retry_only_if_all_ids_are_there() {
    let stream = Stream::with(3);
    assert_eq!(stream.decide(NoStream, &[1, 2, 3]), already(2));
    assert_eq!(stream.decide(Exact(0), &[2]), already(1));
    assert_eq!(stream.decide(Exact(0), &[3]), WRONG);
    assert_eq!(stream.decide(Exact(0), &[2, 9]), WRONG);
    assert_eq!(stream.decide(Exact(1), &[3, 4]), WRONG);
    assert_eq!(stream.decide(Exact(0), &[]), WRONG);
}

#[test]
fn the_current_revision_is_accepted_without_a_look_at_the_ids() {
    let stream = Stream::with(3);
    assert_eq!(stream.decide(Exact(2), &[1]), ACCEPT);
    assert_eq!(stream.decide(Exact(3), &[1]), WRONG);
    assert_eq!(stream.decide(Exact(u64::MAX - 1), &[1]), WRONG);
}

#[test]
fn a_soft_deleted_stream_is_recreated() {
    let stream = Stream { soft_deleted: true, ..Stream::with(3) };
    assert_eq!(stream.decide(NoStream, &[9]), RECREATE);
    assert_eq!(stream.decide(Any, &[9]), RECREATE);
    assert_eq!(stream.decide(Exact(2), &[9]), RECREATE);
    assert_eq!(stream.decide(Exact(1), &[9]), WRONG);
    assert_eq!(stream.decide(StreamExists, &[9]), Decision::Deleted);
    assert_eq!(stream.decide(NoStream, &[1, 2]), already(1));
    assert_eq!(stream.decide(NoStream, &[]), WRONG);
    assert_eq!(stream.decide(Any, &[]), RECREATE);
    assert_eq!(stream.end(NoStream), RECREATE);
}

#[test]
fn the_greatest_number_on_the_wire_means_no_stream() {
    assert_eq!(ExpectedRevision::exact(u64::MAX), NoStream);
    assert_eq!(ExpectedRevision::exact(7), Exact(7));
    let signed = [NoStream, Any, StreamExists, Exact(7)].map(ExpectedRevision::signed);
    assert_eq!(signed, [-1, -2, -4, 7]);
}

fn expectation() -> impl Strategy<Value = ExpectedRevision> {
    prop_oneof![Just(Any), Just(NoStream), Just(StreamExists), (0..6u64).prop_map(Exact),]
}

proptest! {
    /// Whatever clients send, and however often: what was accepted can be retried at once, and the retry writes
    /// nothing.
    #[test]
    fn a_retry_is_never_written_twice(
        writes in vec((expectation(), vec(1..1_000_000u128, 1..4)), 1..20)
    ) {
        let mut stream = Stream::default();
        for (expected, ids) in writes {
            let fresh: Vec<_> = ids.iter().filter(|id| !stream.ids.contains(&Uuid::from_u128(**id))).copied().collect();
            let distinct: std::collections::BTreeSet<_> = fresh.iter().collect();
            if distinct.len() != ids.len() {
                continue;
            }
            if let Decision::Accept { .. } = stream.decide(expected, &ids) {
                stream.ids.extend(ids.iter().copied().map(Uuid::from_u128));
                let last = stream.ids.len() as u64 - 1;
                prop_assert_eq!(stream.decide(expected, &ids), already(last));
            }
        }
    }

    /// An exact expectation is accepted if and only if it is the stream's last revision.
    #[test]
    fn exactly_the_last_revision_is_accepted(count in 0..5u128, expected in 0..6u64, id in 100..200u128) {
        let stream = Stream::with(count);
        let accepted = stream.decide(Exact(expected), &[id]) == ACCEPT;
        prop_assert_eq!(accepted, stream.last() == Some(expected));
    }
}
