//! What becomes of reactions when the event store holds another history: whether what was done because of the other one
//! is to be done again is for people to say.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::checkpoint::{self, Mark};
use crate::parking;
use crate::reader::{Reading, in_time};
use crate::worker::{InHand, Request, ResumeFrom, WorkError};

/// How often it is looked whether the history is the one that was read before, after all.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Waits a while for an operator's word, and does what it says.
pub(super) async fn wait_for_word(
    reader: &'static str,
    in_hand: &InHand,
    reading: &mut Reading,
    client: &mut ClientWrapper,
    requests: &mut mpsc::Receiver<Request>,
    difference: &str,
) -> Result<(), WorkError> {
    if in_hand.is_halted(difference) {
        tracing::error!(
            reader,
            difference,
            "the event store holds another history; not reacting until an operator says from where"
        );
    }
    match timeout(LOOK_INTERVAL, requests.recv()).await {
        Ok(Some(Request::Resume { from, reply })) => {
            accept(reader, reading, client, from).await?;
            tracing::info!(reader, ?from, "reacting to another history, as an operator has said");
            // Nobody may wait for it any more.
            let _ = reply.send(true);
        }
        // Whoever waits for something else hears that it is not done.
        Ok(Some(Request::Replay { .. } | Request::Discard { .. }) | None) | Err(_) => {}
    }
    Ok(())
}

/// Moves the checkpoint to where an operator says.
async fn accept(
    reader: &'static str,
    reading: &Reading,
    client: &mut ClientWrapper,
    from: ResumeFrom,
) -> Result<(), WorkError> {
    let to = match from {
        ResumeFrom::Beginning => None,
        ResumeFrom::End => reading.event_store.last_event(reading.stream).await?.as_ref().map(Mark::at),
    };
    in_time(async {
        let transaction = client.transaction().await?;
        let statement = transaction.prepare(checkpoint::ADVANCE).await?;
        if !checkpoint::advance(&*transaction, &statement, reader, reading.saved, to).await? {
            return Err(WorkError::Fenced);
        }
        parking::forget(&*transaction, reader).await?;
        Ok(transaction.commit().await?)
    })
    .await
}
