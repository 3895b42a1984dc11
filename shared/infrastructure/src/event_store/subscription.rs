use eventstore::{
    StreamPosition, SubscribeToAllOptions, SubscribeToStreamOptions, SubscriptionEvent, SubscriptionFilter,
};
use std::sync::Arc;

use shared_kernel::Revision;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::library::LibraryClient;
use super::{AllPosition, EventStore, Recorded, Right, StoreError, read};
use crate::limits;

/// How many events wait for a slow consumer before the event store is made to wait.
const BUFFERED_EVENTS: usize = 2_048;

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
/// It ends with the first failure; its owner subscribes again from what it has processed.
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
        let from = after.map_or(StreamPosition::Start, |revision| StreamPosition::Position(revision.0));
        let options = SubscribeToStreamOptions::default().start_from(from);
        let client = self.client.get()?;
        let subscription = client.subscribe_to_stream(stream, &options).await;
        let expected = after.map_or(Revision(0), Revision::next);
        self.confirmed(client, subscription, Right::Read(stream.to_owned()), Some(expected)).await
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
        let filter =
            stream_prefixes.iter().fold(SubscriptionFilter::on_stream_name(), |f, prefix| f.add_prefix(prefix));
        let from = after.map_or(StreamPosition::Start, |after| {
            StreamPosition::Position(eventstore::Position { commit: after.commit, prepare: after.prepare })
        });
        let options = SubscribeToAllOptions::default().position(from).filter(filter);
        let client = self.client.get()?;
        let subscription = client.subscribe_to_all(&options).await;
        self.confirmed(client, subscription, Right::ReadAll, None).await
    }

    async fn confirmed(
        &self,
        client: Arc<LibraryClient>,
        subscription: eventstore::Subscription,
        right: Right,
        expected: Option<Revision>,
    ) -> Result<Subscription, StoreError> {
        match Subscription::confirmed(&client, subscription, right, expected).await {
            Ok(subscription) => Ok(subscription),
            Err(error) => {
                self.client.give_up(&client);
                Err(self.connections.explained(error).await)
            }
        }
    }
}

impl Subscription {
    async fn confirmed(
        client: &Arc<LibraryClient>,
        mut subscription: eventstore::Subscription,
        right: Right,
        mut expected: Option<Revision>,
    ) -> Result<Self, StoreError> {
        let first = timeout(limits::STORE_OPERATION, subscription.next_subscription_event()).await;
        let first = first.map_err(|_| StoreError::timeout("a subscription", limits::STORE_OPERATION))?;
        let first = first.map_err(|error| StoreError::of_library(error, right.clone()))?;
        let (sender, deliveries) = mpsc::channel(BUFFERED_EVENTS);
        if let Some(delivery) = delivery(first)? {
            // The channel is empty and its receiver alive.
            let _ = sender.try_send(in_sequence(delivery, &mut expected));
        }
        let pump = tokio::spawn(pump(Arc::clone(client), subscription, right, expected, sender));
        Ok(Self { deliveries, pump })
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

/// Takes events from the library's subscription, whose `next` loses its place when cancelled, into a channel whose
/// receiver can be waited on together with other things.
///
/// `expected` is the number that the next event of a stream has to have. The client is held until the subscription has
/// ended: it would end with it.
async fn pump(
    _client: Arc<LibraryClient>,
    mut subscription: eventstore::Subscription,
    right: Right,
    mut expected: Option<Revision>,
    sender: mpsc::Sender<Result<Delivery, StoreError>>,
) {
    loop {
        let received = subscription.next_subscription_event().await;
        let delivery = match received.map_err(|error| StoreError::of_library(error, right.clone())).and_then(delivery) {
            Ok(None) => continue,
            Ok(Some(delivery)) => in_sequence(delivery, &mut expected),
            Err(error) => Err(error),
        };
        let has_ended = delivery.is_err();
        if sender.send(delivery).await.is_err() || has_ended {
            return;
        }
    }
}

/// The delivery, if it is not an event that comes after one that is missing.
fn in_sequence(delivery: Delivery, expected: &mut Option<Revision>) -> Result<Delivery, StoreError> {
    if let (Delivery::Event(event), Some(next)) = (&delivery, *expected) {
        if event.revision > next {
            return Err(read::hidden(&event.stream, next, event.revision).into());
        }
        *expected = Some(event.revision.next());
    }
    Ok(delivery)
}

fn delivery(event: SubscriptionEvent) -> Result<Option<Delivery>, StoreError> {
    Ok(match event {
        SubscriptionEvent::EventAppeared(resolved) => {
            resolved.event.map(Recorded::try_from).transpose()?.map(Delivery::Event)
        }
        SubscriptionEvent::CaughtUp => Some(Delivery::CaughtUp),
        // EventStoreDB 24.6 says so where it means "the end"; going on from there would leave out everything.
        SubscriptionEvent::Checkpoint(position) if position.commit == u64::MAX => None,
        SubscriptionEvent::Checkpoint(position) => {
            Some(Delivery::Checkpoint(AllPosition { commit: position.commit, prepare: position.prepare }))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
