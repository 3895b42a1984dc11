//! Looking now and then for what is missing.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::{Reaction, ReactionError};
use crate::unfinished::{Found, Surroundings};

/// How long one look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(60);

/// Looks, and waits until it is time to look again.
pub(super) struct Sweep<R> {
    reaction: Arc<R>,
    surroundings: Surroundings,
    interval: Duration,
    due: Instant,
    /// Where the next look begins.
    after: Option<Uuid>,
    look: Option<BoxFuture<'static, Result<Found, ReactionError>>>,
}

impl<R: Reaction> Sweep<R> {
    /// The first look comes after an interval: what is being reacted to after a start is not missing.
    pub(super) fn new(reaction: Arc<R>, surroundings: Surroundings, interval: Duration) -> Self {
        let due = Instant::now() + interval;
        Self { reaction, surroundings, interval, due, after: None, look: None }
    }

    /// What was found, once it is time. Safe to cancel.
    pub(super) async fn next(&mut self) -> Found {
        loop {
            if self.look.is_none() {
                sleep_until(self.due).await;
                let (reaction, surroundings, after) =
                    (Arc::clone(&self.reaction), self.surroundings.clone(), self.after);
                let look = async move {
                    match timeout(LOOK_LIMIT, reaction.look(&surroundings, after)).await {
                        Ok(found) => found,
                        Err(_) => Err(ReactionError::Retry("it took too long".to_owned())),
                    }
                };
                self.look = Some(look.boxed());
            }
            let outcome = match &mut self.look {
                Some(look) => look.await,
                None => pending().await,
            };
            (self.look, self.due) = (None, Instant::now() + self.interval);
            match outcome {
                Ok(found) => {
                    self.after = found.up_to;
                    return found;
                }
                Err(error) => {
                    tracing::info!(reader = R::NAME, %error, "could not look for what is missing; trying again later");
                }
            }
        }
    }
}
