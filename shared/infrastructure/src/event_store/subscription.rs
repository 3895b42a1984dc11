use std::time::Duration;

use shared_eventstore_protocol::client::Empty;
use shared_eventstore_protocol::streams::read_req::all_options::AllOption;
use shared_eventstore_protocol::streams::read_req::filter_options::{Filter, Window};
use shared_eventstore_protocol::streams::read_req::options::{CountOption, FilterOption, StreamOption};
use shared_eventstore_protocol::streams::read_req::stream_options::RevisionOption;
use shared_eventstore_protocol::streams::read_req::{AllOptions, Expression, FilterOptions, Options};
use shared_eventstore_protocol::streams::read_resp::Content;
use shared_eventstore_protocol::streams::{Position, ReadResp};
use shared_kernel::Revision;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::Streaming;

use super::reading::{self, Connection};
use super::{AllPosition, EventStore, Recorded, Refusal, Right, StoreError, read};
use crate::limits;

/// How many events wait for a slow consumer before the event store is made to wait.
const BUFFERED_EVENTS: usize = 2_048;
/// How many events a filtered subscription considers, at least and in steps of 32, until it says how far it is.
const CHECKPOINT_INTERVAL_MULTIPLIER: u32 = 1;
/// The type of the event that ends a stream for good.
const TOMBSTONE: &str = "$streamDeleted";
/// How long nothing may come before the event store is asked whether there is something.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// What a subscription brings.
#[derive(Debug)]
pub enum Delivery {
    /// An event.
    Event(Recorded),
    /// Everything that was there when the subscription began, or caught up again, has been delivered.
    CaughtUp,
    /// A filtered subscription has considered all events up to here.
    Checkpoint(AllPosition),
}

/// A catch-up subscription: what is there already, then what comes, without a gap.
///
/// It ends with the first failure; its owner subscribes again from what it has processed. It also ends when the event
/// store ends it, and when nothing has come for a while although there is something.
pub struct Subscription {
    deliveries: mpsc::Receiver<Result<Delivery, StoreError>>,
    pump: JoinHandle<()>,
}

impl EventStore {
    /// Subscribes to a stream, after the event with number `after`, or from its beginning. Every event comes: the
    /// subscription ends with an error where one is missing.
    ///
    /// # Errors
    /// [`StoreError`] if the subscription is not confirmed in time, or if the event `after` is not there: the event store
    /// would wait for the stream to grow past it.
    pub async fn subscribe(&self, stream: &'static str, after: Option<Revision>) -> Result<Subscription, StoreError> {
        if let Some(after) = after {
            self.event_at(stream, after).await?;
        }
        let from = after.map_or(RevisionOption::Start(Empty {}), |revision| RevisionOption::Revision(revision.0));
        let options = reading::options(reading::stream(stream, from), CountOption::Subscription(Empty {}));
        let followed = Followed::Stream { name: stream, delivered: after };
        self.confirmed(options, Right::Read(stream.to_owned()), followed).await
    }

    /// Subscribes to all events of the streams whose names start with one of `stream_prefixes`, in the order of the
    /// event store's log, after `after`, or from its beginning.
    ///
    /// # Errors
    /// [`StoreError`] if the subscription is not confirmed in time.
    pub async fn subscribe_to_all(
        &self,
        stream_prefixes: &[&str],
        after: Option<AllPosition>,
    ) -> Result<Subscription, StoreError> {
        let from = after.map_or(AllOption::Start(Empty {}), |AllPosition { commit, prepare }| {
            AllOption::Position(Position { commit_position: commit, prepare_position: prepare })
        });
        let prefix = stream_prefixes.iter().map(|prefix| (*prefix).to_owned()).collect::<Vec<_>>();
        let source = StreamOption::All(AllOptions { all_option: Some(from) });
        let names = Expression { prefix: prefix.clone(), ..Expression::default() };
        let filter = FilterOptions {
            filter: Some(Filter::StreamIdentifier(names)),
            window: Some(Window::Count(Empty {})),
            checkpoint_interval_multiplier: CHECKPOINT_INTERVAL_MULTIPLIER,
        };
        let options = Options {
            filter_option: Some(FilterOption::Filter(filter)),
            ..reading::options(source, CountOption::Subscription(Empty {}))
        };
        self.confirmed(options, Right::ReadAll, Followed::All { prefixes: prefix, considered: after }).await
    }

    async fn confirmed(&self, options: Options, right: Right, followed: Followed) -> Result<Subscription, StoreError> {
        let confirming = async {
            let connection = self.reads.open().await?;
            let failed = |status| reading::failure(&status, &right);
            let mut answer = connection.read(options).await.map_err(failed)?;
            let first = answer.message().await.map_err(failed)?.ok_or_else(ended)?;
            Ok((connection, answer, first))
        };
        let confirmed = match timeout(limits::STORE_OPERATION, confirming).await {
            Ok(confirmed) => confirmed,
            Err(_) => Err(StoreError::timeout("a subscription", limits::STORE_OPERATION)),
        };
        match confirmed {
            Ok((connection, answer, first)) => Subscription::begin(Pump { connection, answer, right, followed }, first),
            Err(error) => Err(self.connections.explained(error).await),
        }
    }
}

/// Why a subscription has ended without an error.
fn ended() -> StoreError {
    StoreError::Unavailable("the event store has ended the subscription".to_owned())
}

/// Why a subscription ends that stands still.
fn silent() -> StoreError {
    let silence = LONGEST_SILENCE.as_secs();
    StoreError::Unavailable(format!("a subscription has brought nothing for {silence} s although there is something"))
}

impl Subscription {
    fn begin(mut pump: Pump, first: ReadResp) -> Result<Self, StoreError> {
        let (sender, deliveries) = mpsc::channel(BUFFERED_EVENTS);
        if let Some(delivery) = pump.delivery(first)? {
            // The channel is empty and its receiver alive.
            let _ = sender.try_send(Ok(delivery));
        }
        Ok(Self { deliveries, pump: tokio::spawn(pump.run(sender)) })
    }

    /// Waits for the next delivery and takes it and all that have arrived by then, at most `limit`.
    ///
    /// Safe to cancel. An empty answer never comes.
    ///
    /// # Errors
    /// [`StoreError`] when the subscription has ended. What arrived before is delivered first.
    pub async fn next_batch(&mut self, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        let mut received = Vec::new();
        self.deliveries.recv_many(&mut received, limit).await;
        let mut batch = Vec::with_capacity(received.len());
        for delivery in received {
            match delivery {
                Ok(delivery) => batch.push(delivery),
                Err(error) if batch.is_empty() => return Err(error),
                // The pump has ended, so the next call finds the channel closed.
                Err(_) => break,
            }
        }
        if batch.is_empty() {
            return Err(StoreError::Unavailable("the subscription has ended".to_owned()));
        }
        Ok(batch)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// What is followed, and how far it has come.
enum Followed {
    Stream { name: &'static str, delivered: Option<Revision> },
    All { prefixes: Vec<String>, considered: Option<AllPosition> },
}

/// Takes events from the call into a channel whose receiver can be waited on together with other things.
struct Pump {
    connection: Connection,
    answer: Streaming<ReadResp>,
    right: Right,
    followed: Followed,
}

impl Pump {
    async fn run(mut self, sender: mpsc::Sender<Result<Delivery, StoreError>>) {
        loop {
            let delivery = match self.next().await {
                Ok(None) => continue,
                Ok(Some(delivery)) => Ok(delivery),
                Err(error) => Err(error),
            };
            let has_ended = delivery.is_err();
            if sender.send(delivery).await.is_err() || has_ended {
                return;
            }
        }
    }

    /// What comes next. While nothing comes, the event store is asked now and then whether there is something: a
    /// connection may be of no use any more, and nothing says so.
    async fn next(&mut self) -> Result<Option<Delivery>, StoreError> {
        let (mut patience, mut is_behind) = (LONGEST_SILENCE, false);
        loop {
            match timeout(patience, self.answer.message()).await {
                Ok(Ok(Some(part))) => return self.delivery(part),
                Ok(Ok(None)) => return Err(ended()),
                Ok(Err(status)) => return Err(reading::failure(&status, &self.right)),
                Err(_) if is_behind => return Err(silent()),
                // What has been there for a moment may be on its way.
                Err(_) if self.followed.is_behind(&self.connection).await? => {
                    (patience, is_behind) = (limits::STORE_OPERATION, true);
                }
                Err(_) => {}
            }
        }
    }

    fn delivery(&mut self, part: ReadResp) -> Result<Option<Delivery>, StoreError> {
        let delivery = delivery(part)?;
        delivery.map(|delivery| self.followed.take(delivery)).transpose()
    }
}

impl Followed {
    /// The delivery, if it is not the end of a stream, nor an event that comes after one that is missing.
    fn take(&mut self, delivery: Delivery) -> Result<Delivery, StoreError> {
        if let Delivery::Event(Recorded { stream, event_type, .. }) = &delivery
            && event_type == TOMBSTONE
            && self.is_about(stream)
        {
            return Err(Refusal::StreamDeleted(stream.clone()).into());
        }
        match (self, &delivery) {
            (Self::Stream { delivered, .. }, Delivery::Event(event)) => {
                let expected = delivered.map_or(Revision(0), Revision::next);
                if event.revision > expected {
                    return Err(read::hidden(&event.stream, expected, event.revision).into());
                }
                *delivered = Some(event.revision);
            }
            (Self::All { considered, .. }, Delivery::Event(event)) => *considered = Some(event.position),
            (Self::All { considered, .. }, Delivery::Checkpoint(position)) => *considered = Some(*position),
            (Self::Stream { .. }, Delivery::Checkpoint(_)) | (_, Delivery::CaughtUp) => {}
        }
        Ok(delivery)
    }

    /// Whether a stream is followed, and not only one with a similar name.
    fn is_about(&self, stream: &str) -> bool {
        match self {
            Self::Stream { name, .. } => *name == stream,
            Self::All { prefixes, .. } => prefixes.iter().any(|name| name == stream),
        }
    }

    /// Whether there is something that has not come yet.
    ///
    /// # Errors
    /// [`StoreError`] also if a stream was deleted: what follows it does not hear of that.
    async fn is_behind(&self, connection: &Connection) -> Result<bool, StoreError> {
        match self {
            Self::Stream { name, delivered } => {
                Ok(newest(connection, name).await?.map(|event| event.revision) > *delivered)
            }
            Self::All { prefixes, considered } => {
                for stream in prefixes {
                    if newest(connection, stream).await?.map(|event| event.position) > *considered {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

async fn newest(connection: &Connection, stream: &str) -> Result<Option<Recorded>, StoreError> {
    let options = read::newest(stream);
    Ok(read::read_with(connection, stream, &options, limits::STORE_OPERATION).await?.pop())
}

fn delivery(part: ReadResp) -> Result<Option<Delivery>, StoreError> {
    Ok(match part.content {
        Some(Content::Event(event)) => read::recorded(&event)?.map(Delivery::Event),
        Some(Content::CaughtUp(_)) => Some(Delivery::CaughtUp),
        // EventStoreDB 24.6 says so where it means "the end"; going on from there would leave out everything.
        Some(Content::Checkpoint(position)) if position.commit_position == u64::MAX => None,
        Some(Content::Checkpoint(position)) => {
            let Position { commit_position: commit, prepare_position: prepare } = position;
            Some(Delivery::Checkpoint(AllPosition { commit, prepare }))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
