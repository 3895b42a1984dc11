//! What an executor does before it takes commands: it connects, and folds what is there.

use std::sync::Arc;

use shared_kernel::Decider;
use tokio::sync::{mpsc, watch};

use super::batch::{Request, interruption};
use super::catch_up::{assert_same_history, catch_up};
use super::{Connection, Executor, FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE};
use crate::back_off::BackOff;
use crate::event_store::{Appender, EventStore, Refusal, StoreError, Subscription};
use crate::ledger::Ledger;

impl<D: Decider> Executor<D> {
    /// Connects and catches up, for as long as that takes. Commands are refused at once meanwhile: nothing is queued
    /// behind an outage.
    pub(super) async fn connect(&mut self) -> Subscription {
        let subscription = {
            let Self { stream, ledger, published, requests, reads, subscriptions, appender, connection, .. } = self;
            let other_history = &self.other_history;
            let connecting = async {
                let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
                loop {
                    match try_to_connect(stream, ledger, reads, subscriptions, appender).await {
                        Ok(subscription) => return subscription,
                        Err(StoreError::Refused(refusal @ Refusal::OtherHistory { .. })) => {
                            tracing::error!(
                                stream, error = %refusal,
                                "other-history: what this service knew is thrown away, and the stream is folded anew"
                            );
                            *ledger = ledger.emptied();
                            published.store(Arc::new(ledger.clone()));
                            other_history.send_replace(Some(refusal.clone()));
                            disconnected(stream, connection, refusal.into());
                        }
                        Err(error) => disconnected(stream, connection, error),
                    }
                    back_off.pause().await;
                    appender.disconnect();
                    subscriptions.reconnect();
                }
            };
            refusing(connecting, requests, connection).await
        };
        self.publish();
        tracing::info!(stream = self.stream, stream.revision = ?self.ledger.revision(), "the stream is folded; taking commands");
        subscription
    }
}

/// Does what has to be done before commands are taken, and refuses them meanwhile.
pub(super) async fn refusing<D: Decider, T>(
    doing: impl Future<Output = T>,
    requests: &mut mpsc::Receiver<Request<D>>,
    connection: &watch::Sender<Connection>,
) -> T {
    tokio::pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            Some(request) = requests.recv() => {
                if let Err(error) = &*connection.borrow() {
                    request.refuse(interruption(error));
                }
            }
        }
    }
}

/// Says why commands are not taken, and logs it once for each reason.
pub(super) fn disconnected(stream: &str, connection: &watch::Sender<Connection>, error: StoreError) {
    let is_new = connection.send_replace(Err(error.clone())) != Err(error.clone());
    if is_new && error.is_deletion() {
        tracing::error!(stream, %error, "the stream was deleted; refusing commands until it is brought back");
    } else if is_new {
        tracing::warn!(stream, %error, "lost the event store; refusing commands until it is back");
    }
}

/// Folds what is there, checks that this user may append, and subscribes to what comes.
async fn try_to_connect<D: Decider>(
    stream: &'static str,
    ledger: &mut Ledger<D>,
    reads: &EventStore,
    subscriptions: &EventStore,
    appender: &mut Appender,
) -> Result<Subscription, StoreError> {
    // Asked first, on a connection of our own: an attempt during an outage costs no more than that.
    let reached = appender.check().await?;
    assert_same_history(stream, ledger, reached, reads).await?;
    catch_up(stream, ledger, reads, reached, |_, _| {}).await?;
    subscriptions.subscribe(stream, ledger.revision()).await
}
