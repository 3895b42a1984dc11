use eventstore::{
    StreamPosition, SubscribeToAllOptions, SubscribeToStreamOptions, SubscriptionEvent, SubscriptionFilter,
};
use shared_kernel::Revision;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{AllPosition, EventStore, OPERATION_LIMIT, Recorded, StoreError};

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
    /// Subscribes to a stream, after the event with number `after`, or from its beginning.
    ///
    /// # Errors
    /// [`StoreError`] if the subscription is not confirmed in time.
    pub async fn subscribe(&self, stream: &'static str, after: Option<Revision>) -> Result<Subscription, StoreError> {
        let from = after.map_or(StreamPosition::Start, |revision| StreamPosition::Position(revision.0));
        let options = SubscribeToStreamOptions::default().start_from(from);
        let subscription = self.client().subscribe_to_stream(stream, &options).await;
        Subscription::confirmed(subscription).await
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
        let subscription = self.client().subscribe_to_all(&options).await;
        Subscription::confirmed(subscription).await
    }
}

impl Subscription {
    async fn confirmed(mut subscription: eventstore::Subscription) -> Result<Self, StoreError> {
        let first = timeout(OPERATION_LIMIT, subscription.next_subscription_event()).await;
        let first = first.map_err(|_| StoreError::timeout("a subscription"))??;
        let (sender, deliveries) = mpsc::channel(BUFFERED_EVENTS);
        if let Some(delivery) = delivery(first) {
            // The channel is empty and its receiver alive.
            let _ = sender.try_send(Ok(delivery));
        }
        let pump = tokio::spawn(pump(subscription, sender));
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
async fn pump(mut subscription: eventstore::Subscription, sender: mpsc::Sender<Result<Delivery, StoreError>>) {
    loop {
        match subscription.next_subscription_event().await {
            Ok(event) => {
                let Some(delivery) = delivery(event) else { continue };
                if sender.send(Ok(delivery)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                let _ = sender.send(Err(error.into())).await;
                return;
            }
        }
    }
}

fn delivery(event: SubscriptionEvent) -> Option<Delivery> {
    match event {
        SubscriptionEvent::EventAppeared(resolved) => resolved.event.map(|event| Delivery::Event(event.into())),
        SubscriptionEvent::CaughtUp => Some(Delivery::CaughtUp),
        SubscriptionEvent::Checkpoint(position) => {
            Some(Delivery::Checkpoint(AllPosition { commit: position.commit, prepare: position.prepare }))
        }
        _ => None,
    }
}
