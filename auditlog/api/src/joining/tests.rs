use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;

use eventstore::{AppendToStreamOptions, Client, EventData};
use futures::{FutureExt, poll};
use jetbridge_testing::{TestEventStore, TestProxy};
use passenger_contract::STREAM;
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_kernel::{Position, Revision};
use tokio::sync::oneshot;

use super::{End, ReadError, Together};
use crate::reader::LogReader;
use crate::stream::Log;

/// How often was read, and reads that give their number.
#[derive(Default)]
struct Reads(Cell<u32>);

impl Reads {
    /// A read that ends when it is told to, or at once.
    async fn one(&self, end: Option<oneshot::Receiver<Result<(), ReadError>>>) -> Result<u32, ReadError> {
        self.0.set(self.0.get() + 1);
        let number = self.0.get();
        match end {
            Some(end) => end.await.unwrap().map(|()| number),
            None => Ok(number),
        }
    }
}

fn away() -> ReadError {
    StoreError::Unavailable("away".to_owned()).into()
}

#[tokio::test]
async fn those_who_wait_share_the_next_read_and_nobody_later_does() {
    let (together, reads) = (Together::default(), Reads::default());
    let (end, ended) = oneshot::channel();
    let mut first = Box::pin(together.ask(|_| false, reads.one(Some(ended))));
    assert!((&mut first).now_or_never().is_none());
    // What is under way when they ask is too old for them; what they make is not.
    let mut second = Box::pin(together.ask(|number| *number > 1, reads.one(None)));
    let mut third = Box::pin(together.ask(|number| *number > 1, reads.one(None)));
    assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
    end.send(Ok(())).unwrap();
    assert_eq!((first.await, second.await, third.await), (Ok(1), Ok(2), Ok(2)));
    assert!(together.last.lock().await.is_none(), "what nobody waits for is not kept");
    assert_eq!(together.ask(|_| true, reads.one(None)).await, Ok(3));
}

#[tokio::test]
async fn a_failure_is_that_of_all_who_have_waited_for_it_and_of_nobody_else() {
    let (together, reads) = (Together::default(), Reads::default());
    let (end, ended) = oneshot::channel();
    let mut first = Box::pin(together.ask(|_| false, reads.one(Some(ended))));
    assert!((&mut first).now_or_never().is_none());
    let mut second = Box::pin(together.ask(|_| false, reads.one(None)));
    assert!((&mut second).now_or_never().is_none());
    end.send(Err(away())).unwrap();
    assert_eq!(first.await, Err(away()));
    let mut third = Box::pin(together.ask(|_| false, reads.one(None)));
    assert!((&mut third).now_or_never().is_none(), "the second is next");
    assert_eq!((second.await, third.await), (Err(away()), Ok(2)));
}

#[tokio::test]
async fn who_goes_away_while_reading_holds_up_nobody() {
    let (together, reads) = (Together::default(), Reads::default());
    let (_never, ended) = oneshot::channel();
    let mut first = Box::pin(together.ask(|_| false, reads.one(Some(ended))));
    assert!((&mut first).now_or_never().is_none());
    let mut second = Box::pin(together.ask(|_| false, reads.one(None)));
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    assert_eq!(second.await, Ok(2));
    assert!(together.last.lock().await.is_none());
}

/// The end of the log in an event store behind a proxy.
async fn end() -> (TestEventStore, TestProxy, End) {
    let store = TestEventStore::start().await;
    let proxy = TestProxy::start(store.address()).await;
    let reader = LogReader::new(EventStore::new(&proxy.connection_string()).unwrap());
    (store, proxy, End::new(Log::All(domains::ALL), Arc::new(reader)))
}

async fn append(store: &TestEventStore, count: usize) {
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    let events: Vec<_> = (0..count).map(|_| EventData::binary("Happened", Vec::new().into())).collect();
    client.append_to_stream(STREAM.name, &AppendToStreamOptions::default(), events).await.unwrap();
}

const fn at(revision: u64) -> Option<Revision> {
    Some(Revision(revision))
}

#[tokio::test]
async fn the_end_is_behind_whatever_was_recorded_before_it_was_asked_for() {
    let (store, proxy, end) = end().await;
    append(&store, 1).await;
    assert_eq!(end.head().await.unwrap(), Position::at(STREAM, at(0)));
    proxy.hold_answers(true);
    let early = end.head();
    let late = async {
        append(&store, 1).await;
        let mut late = pin!(end.head());
        assert!(poll!(&mut late).is_pending(), "another look is under way");
        proxy.hold_answers(false);
        late.await
    };
    let (early, late) = tokio::join!(early, late);
    assert!(early.is_ok());
    assert_eq!(late.unwrap(), Position::at(STREAM, at(1)));
}

#[tokio::test]
async fn what_was_read_for_others_serves_only_those_who_miss_no_more() {
    let (store, _proxy, end) = end().await;
    append(&store, 3).await;
    let missed = async |after: Option<Revision>, head: u64| {
        let missed = end.missed(&Position::at(STREAM, after), &Position::at(STREAM, at(head))).await.unwrap();
        missed.map(|entries| entries.iter().map(|entry| entry.revision.0).collect::<Vec<_>>())
    };
    let together =
        tokio::join!(missed(at(0), 1), missed(at(0), 2), missed(None, 2), missed(at(2), 2), missed(at(2), 1));
    let known = |revisions: &[u64]| Some(revisions.to_vec());
    assert_eq!(together, (known(&[1]), known(&[1, 2]), known(&[0, 1, 2]), known(&[]), None));
}
