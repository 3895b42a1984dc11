//! Reading a stream on from where a ledger ends.

use shared_kernel::{Decider, Revision};

use crate::event_store::{EventStore, Recorded, Refusal, StoreError};
use crate::ledger::Ledger;

/// How many events one read brings.
const EVENTS_PER_READ: usize = 1_000;

/// Folds in everything the stream has beyond the ledger, telling `saw` of each event.
///
/// # Errors
/// [`StoreError`] if the event store is away or refuses, if it does not show all events up to `reached`, which is known to be
/// there, or if the ledger is beyond it.
pub(super) async fn catch_up<D: Decider>(
    stream: &'static str,
    ledger: &mut Ledger<D>,
    event_store: &EventStore,
    reached: Option<Revision>,
    mut saw: impl FnMut(&Recorded, &Ledger<D>),
) -> Result<(), StoreError> {
    loop {
        let page = event_store.read_forwards(stream, ledger.next_revision(), EVENTS_PER_READ).await?;
        for recorded in &page {
            if recorded.revision != ledger.next_revision() {
                return Err(hidden(stream, ledger.next_revision(), recorded.revision.0.saturating_sub(1)));
            }
            ledger.fold(recorded);
            saw(recorded, ledger);
        }
        if page.len() < EVENTS_PER_READ {
            break;
        }
    }
    match reached {
        Some(reached) if ledger.revision() < Some(reached) => Err(hidden(stream, ledger.next_revision(), reached.0)),
        _ => Ok(()),
    }
}

fn hidden(stream: &str, from: Revision, to: u64) -> StoreError {
    Refusal::EventsHidden { stream: stream.to_owned(), from: from.0, to }.into()
}

/// The refusal of a stream that ends at `current`, although more was folded, up to the event before `next`.
pub(super) fn shorter(stream: &'static str, current: Option<Revision>, next: Revision) -> StoreError {
    let end = current.map_or_else(|| "it is empty".to_owned(), |current| format!("it ends at event {current}"));
    let difference = format!("{end}, although the events before {next} were read before");
    Refusal::OtherHistory { stream: stream.to_owned(), difference }.into()
}

/// Checks that the stream, which reaches up to `reached`, still holds the event that was folded last.
///
/// # Errors
/// [`Refusal::OtherHistory`] if it certainly does not: it was emptied or restored, and what was folded never happened.
/// [`Refusal::EventsHidden`] if it does not show the event, although it has one there. Else as
/// [`EventStore::event_at`].
pub(super) async fn assert_same_history<D: Decider>(
    stream: &'static str,
    ledger: &Ledger<D>,
    reached: Option<Revision>,
    event_store: &EventStore,
) -> Result<(), StoreError> {
    let Some((revision, event_id)) = ledger.last_event() else { return Ok(()) };
    let Some(reached) = reached.filter(|reached| *reached >= revision) else {
        return Err(shorter(stream, reached, ledger.next_revision()));
    };
    match event_store.event_at(stream, revision).await {
        Ok(event) if event.event_id == event_id => Ok(()),
        Ok(_) => {
            let difference = format!("event {revision} is another one");
            Err(Refusal::OtherHistory { stream: stream.to_owned(), difference }.into())
        }
        // Hidden, or the node that was read is behind the one that leads: nothing says that it never happened.
        Err(StoreError::Refused(Refusal::OtherHistory { .. })) => Err(hidden(stream, revision, reached.0)),
        Err(error) => Err(error),
    }
}
