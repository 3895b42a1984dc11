//! What operators ask of a reader, and how it gets to the instance that leads.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_kernel::Revision;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::parking::DiscardedEvent;

/// Something that an operator asks of a reader, in the form in which it gets from one instance to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Operation {
    /// To process the parked events again.
    Replay,
    /// To take a parked event out for good.
    Discard(Discard),
    /// To react to another history than before.
    Resume(ResumeFrom),
}

/// From where on another history is reacted to. What was parked of the history before is let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResumeFrom {
    /// From its first event on: whatever was reacted to is reacted to once more.
    #[default]
    Beginning,
    /// From its present end on: what is in it counts as done.
    End,
}

/// To take a parked event out for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discard {
    /// The event.
    pub event_id: Uuid,
    /// Why, for people.
    pub reason: String,
    /// Who wants it.
    pub discarded_by: String,
}

/// How many parked events were replayed, and how many are left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Processed now.
    pub replayed: usize,
    /// Tried, and still parked.
    pub still_parked: usize,
    /// Left when the time was over. Replay again.
    pub beyond_limit: usize,
}

/// The outcome of one part of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayedPart {
    pub(crate) replayed: usize,
    pub(crate) still_parked: usize,
    /// The parked events that come after the part.
    pub(crate) beyond: usize,
    /// The last event of the part.
    pub(crate) last: Option<Revision>,
}

/// Why an operation was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum NotCarriedOut {
    /// None works.
    #[error("no instance leads at the moment; ask again later")]
    NotLeading,
    /// As many requests as may wait do so already.
    #[error("it is busy with earlier requests; ask again later")]
    Busy,
    /// It goes on after the caller has stopped waiting.
    #[error("it takes longer than a request may, and goes on; look at the list of parked events")]
    TookTooLong,
    /// It stopped in the midst of it. What was done until then stands.
    #[error("it was interrupted; look at the list of parked events, and ask again")]
    Interrupted,
    /// PostgreSQL, through which instances speak to each other, is away.
    #[error("PostgreSQL is not available, so the instance that leads cannot be asked")]
    Unavailable,
    /// Reactions do not wait for an operator to say from where they resume.
    #[error("it does not wait for anybody's word")]
    NotHalted,
    /// The instance that leads is of another version.
    #[error("the instance that leads is of another version, which does not know of this")]
    OtherVersion,
}

/// What a worker that leads is asked.
pub enum Request {
    /// To process parked events again.
    Replay {
        /// Only those that come after this one.
        after: Option<Revision>,
        /// Gets the outcome.
        reply: oneshot::Sender<ReplayedPart>,
    },
    /// To take a parked event out for good.
    Discard {
        /// Which, and why.
        discard: Discard,
        /// Gets what was taken out.
        reply: oneshot::Sender<Vec<DiscardedEvent>>,
    },
    /// To react to another history than before.
    Resume {
        /// From where.
        from: ResumeFrom,
        /// Hears whether it has waited for that, and goes on now.
        reply: oneshot::Sender<bool>,
    },
}

/// The way to a worker in this process, which answers while it leads.
#[derive(Clone)]
pub(super) struct Requests(pub(super) mpsc::Sender<Request>);

impl Requests {
    /// Has an operation carried out. What it leads to depends on the operation.
    pub(super) async fn carry_out(&self, operation: Operation, limit: Duration) -> Result<Value, NotCarriedOut> {
        let deadline = Instant::now() + limit;
        match operation {
            Operation::Replay => json(&self.replay(deadline).await?),
            Operation::Discard(discard) => {
                json(&self.send(deadline, |reply| Request::Discard { discard, reply }).await?)
            }
            Operation::Resume(from) => {
                let has_resumed = self.send(deadline, |reply| Request::Resume { from, reply }).await?;
                if has_resumed { Ok(Value::Null) } else { Err(NotCarriedOut::NotHalted) }
            }
        }
    }

    /// Replays part after part. What was done counts, whatever becomes of the next part.
    async fn replay(&self, deadline: Instant) -> Result<Replayed, NotCarriedOut> {
        let (mut replayed, mut after) = (Replayed::default(), None);
        loop {
            let part = match self.send(deadline, |reply| Request::Replay { after, reply }).await {
                Err(_) if after.is_some() => return Ok(replayed),
                part => part?,
            };
            replayed.replayed += part.replayed;
            replayed.still_parked += part.still_parked;
            replayed.beyond_limit = part.beyond;
            after = part.last;
            if part.beyond == 0 || after.is_none() || Instant::now() >= deadline {
                return Ok(replayed);
            }
        }
    }

    async fn send<T>(
        &self,
        deadline: Instant,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, NotCarriedOut> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(request(reply)).map_err(|_| NotCarriedOut::Busy)?;
        match timeout_at(deadline, answer).await {
            Ok(answer) => answer.map_err(|_| NotCarriedOut::Interrupted),
            Err(_) => Err(NotCarriedOut::TookTooLong),
        }
    }
}

fn json(outcome: &impl Serialize) -> Result<Value, NotCarriedOut> {
    serde_json::to_value(outcome).map_err(|_| NotCarriedOut::OtherVersion)
}
