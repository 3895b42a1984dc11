use std::collections::HashMap;

use shared_kernel::{CommandContext, Committed, Decider, DomainEvent, ExecuteError, Interruption, Revision};
use shared_trace::TraceParent;
use tokio::sync::oneshot;
use tracing::Span;
use uuid::Uuid;

use crate::event_store::{AppendFailure, EventMetadata, ProposedAppend, ProposedEvent, Recorded, StoreError};
use crate::ledger::{Fact, KeyedCommand, Ledger};

/// What an event takes beside its data: metadata, identifiers, framing. An estimate on the high side.
const BYTES_AROUND_DATA: usize = 512;

type Reply<D> = Result<Committed<D>, ExecuteError<<D as Decider>::Rejection>>;

#[allow(clippy::large_enum_variant, reason = "almost every request is the large one")]
pub(super) enum Request<D: Decider> {
    Command {
        command: D::Command,
        context: CommandContext,
        reply: oneshot::Sender<Reply<D>>,
        /// The span that it belongs to, if that is recorded.
        parent: Option<TraceParent>,
    },
    Barrier {
        reply: oneshot::Sender<Result<(), ExecuteError<D::Rejection>>>,
    },
}

impl<D: Decider> Request<D> {
    /// Refuses a request of which nothing was sent to the event store.
    pub(super) fn refuse(self, interruption: Interruption) {
        self.fail(interruption.into());
    }

    /// Whether its caller has stopped waiting.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Command { reply, .. } => reply.is_closed(),
            Self::Barrier { reply } => reply.is_closed(),
        }
    }

    // A caller that has stopped waiting is no concern of the executor's: its answer goes nowhere.
    fn fail(self, error: ExecuteError<D::Rejection>) {
        match self {
            Self::Command { reply, .. } => drop(reply.send(Err(error))),
            Self::Barrier { reply } => drop(reply.send(Err(error))),
        }
    }

    fn answer(self, answer: Reply<D>) {
        match self {
            Self::Command { reply, .. } => drop(reply.send(answer)),
            Self::Barrier { reply } => drop(reply.send(answer.map(|_| ()))),
        }
    }
}

/// Requests that are decided together, until each is answered.
pub(super) struct Batch<D: Decider> {
    pending: Vec<Pending<D>>,
    /// The events of every attempt so far, with the index of their request.
    attempted: HashMap<Uuid, usize>,
}

struct Pending<D: Decider> {
    /// `None` once answered.
    request: Option<Request<D>>,
    /// Where the first event of an attempt whose outcome is unknown would stand.
    may_land_at: Option<Revision>,
    /// Set when an attempt's events were found in the stream.
    found: Option<Committed<D>>,
}

/// A batch, decided on a state.
pub(super) struct Plan<D: Decider> {
    pub(super) appends: Vec<ProposedAppend>,
    /// The state if the appends succeed.
    pub(super) speculation: Ledger<D>,
    pub(super) verdicts: Vec<(usize, Verdict<D>)>,
    /// For each request with events, where its first one would stand.
    pub(super) first_revisions: Vec<(usize, Revision)>,
}

pub(super) enum Verdict<D: Decider> {
    Committed(Committed<D>),
    Rejected(D::Rejection),
    KeyReused,
    Unreadable,
    Unwritable(String),
    Current,
}

impl<D: Decider> Batch<D> {
    pub(super) fn new(requests: Vec<Request<D>>) -> Self {
        let pending =
            requests.into_iter().map(|request| Pending { request: Some(request), may_land_at: None, found: None });
        Self { pending: pending.collect(), attempted: HashMap::new() }
    }

    /// How many requests there were in it.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// The span of deciding and appending it, which belongs to those of its commands.
    pub(super) fn span(&self, stream: &'static str) -> Span {
        let requests = self.pending.iter().filter_map(|pending| pending.request.as_ref());
        let parents = requests.filter_map(|request| match request {
            Request::Command { parent, .. } => *parent,
            Request::Barrier { .. } => None,
        });
        shared_trace::joint(parents, || {
            shared_trace::root_span!("execute commands", stream, commands.count = self.pending.len())
        })
    }

    /// Whether each of them is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.iter().all(|pending| pending.request.is_none())
    }

    /// Drops the requests whose callers have stopped waiting and of which nothing can be in the stream, so that an
    /// overload ends with the callers that it had.
    pub(super) fn drop_abandoned(&mut self) {
        for pending in &mut self.pending {
            if pending.may_land_at.is_none() && pending.request.as_ref().is_some_and(Request::is_abandoned) {
                pending.request = None;
            }
        }
    }

    /// Decides every request that is not answered, each on what the ones before it lead to.
    pub(super) fn plan(&mut self, ledger: &Ledger<D>, append_bytes: usize) -> Plan<D> {
        let mut plan = Plan {
            appends: Vec::new(),
            speculation: ledger.clone(),
            verdicts: Vec::with_capacity(self.pending.len()),
            first_revisions: Vec::new(),
        };
        let mut packer = Packer { appends: Vec::new(), bytes_in_last: 0, append_bytes };
        for (index, pending) in self.pending.iter().enumerate() {
            let Some(request) = &pending.request else { continue };
            let verdict = match request {
                Request::Barrier { .. } => Verdict::Current,
                Request::Command { command, context, .. } => match decide(&mut plan.speculation, command, context) {
                    Ok(decided) => {
                        self.attempted.extend(decided.events.iter().map(|event| (event.id, index)));
                        plan.first_revisions.push((index, decided.first_revision));
                        packer.push(decided.expected, decided.events);
                        Verdict::Committed(decided.committed)
                    }
                    Err(verdict) => verdict,
                },
            };
            plan.verdicts.push((index, verdict));
        }
        plan.appends = packer.appends;
        plan
    }

    /// Notes that an attempt was sent and not confirmed.
    pub(super) fn sent(&mut self, failure: &AppendFailure, first_revisions: Vec<(usize, Revision)>) {
        let unknown = matches!(failure, AppendFailure::Unknown(_));
        for (index, first_revision) in first_revisions {
            if let Some(pending) = self.pending.get_mut(index) {
                // A wrong revision proves that this attempt was refused, but not that an earlier one was.
                pending.may_land_at = if unknown { Some(first_revision) } else { pending.may_land_at };
            }
        }
    }

    /// Notes an event of the stream, which `ledger` has just folded in.
    pub(super) fn saw(&mut self, recorded: &Recorded, ledger: &Ledger<D>) {
        let Some(index) = self.attempted.get(&recorded.event_id) else { return };
        let Some(pending) = self.pending.get_mut(*index) else { return };
        let Some(Request::Command { command, .. }) = &pending.request else { return };
        let mut events = pending.found.take().map_or_else(Vec::new, |found| found.events);
        // One of its own that cannot be read back is left out, which the ledger has logged.
        events.extend(recorded.metadata().ok().and_then(|metadata| recorded.decode(metadata.schema_version()).ok()));
        let outcome = D::outcome(ledger.state(), &D::subject(command));
        pending.found = Some(Committed { outcome, revision: ledger.revision(), events });
    }

    /// Answers the requests whose events were found in the stream.
    pub(super) fn answer_found(&mut self) {
        for pending in &mut self.pending {
            if let Some(committed) = pending.found.take()
                && let Some(request) = pending.request.take()
            {
                request.answer(Ok(committed));
            }
        }
    }

    /// Answers every request that has a verdict, which the stream being at `revision` has proved.
    pub(super) fn answer(mut self, verdicts: Vec<(usize, Verdict<D>)>, revision: Option<Revision>) {
        for (index, verdict) in verdicts {
            let Some(request) = self.pending.get_mut(index).and_then(|pending| pending.request.take()) else {
                continue;
            };
            match verdict {
                Verdict::Committed(committed) => request.answer(Ok(committed)),
                Verdict::Rejected(rejection) => request.fail(ExecuteError::Rejected { rejection, revision }),
                Verdict::KeyReused => request.fail(ExecuteError::KeyReused),
                Verdict::Unreadable => request.fail(unreadable().into()),
                Verdict::Unwritable(reason) => request.fail(Interruption::Internal(reason).into()),
                Verdict::Current => {
                    if let Request::Barrier { reply } = request {
                        let _ = reply.send(Ok(()));
                    }
                }
            }
        }
    }

    /// Answers every request that is left, when the stream was last seen to continue at `next_revision`.
    pub(super) fn fail(mut self, next_revision: Revision, error: &StoreError) {
        self.answer_found();
        for pending in self.pending {
            let Some(request) = pending.request else { continue };
            // Once something else stands where an attempt expected to stand, it can never be written.
            let may_still_land = pending.may_land_at.is_some_and(|revision| revision >= next_revision);
            let interruption =
                if may_still_land { Interruption::OutcomeUnknown(error.to_string()) } else { interruption(error) };
            request.fail(interruption.into());
        }
    }
}

/// What a failure of the event store means for a request of which nothing was written.
pub(super) fn interruption(error: &StoreError) -> Interruption {
    match error {
        StoreError::Unavailable(_) => Interruption::Unavailable(error.to_string()),
        StoreError::Refused(_) => Interruption::Refused(error.to_string()),
    }
}

/// Why there is no decision about what an event is about that cannot be read here. Another replica may be of a newer
/// version, so asking again may help.
pub(super) fn unreadable() -> Interruption {
    let reason = "an event about it cannot be read by this version of the software, or is malformed";
    Interruption::Unavailable(reason.to_owned())
}

struct DecidedCommand<D: Decider> {
    events: Vec<ProposedEvent>,
    expected: Option<Revision>,
    first_revision: Revision,
    committed: Committed<D>,
}

/// Decides a command and folds its events into the speculation, or gives the verdict of one that leads to none.
fn decide<D: Decider>(
    speculation: &mut Ledger<D>,
    command: &D::Command,
    context: &CommandContext,
) -> Result<DecidedCommand<D>, Verdict<D>> {
    if let Some(idempotency) = &context.idempotency
        && let Some(earlier) = speculation.remembered(&idempotency.key)
    {
        return Err(if idempotency.is_recorded_as(earlier.fingerprint) {
            Verdict::Committed(earlier.committed())
        } else {
            Verdict::KeyReused
        });
    }
    if D::concerns(speculation.state(), command).iter().any(|thing| !speculation.is_readable(thing)) {
        return Err(Verdict::Unreadable);
    }
    let mut events = D::decide(speculation.state(), command).map_err(Verdict::Rejected)?;
    if events.is_empty() && context.idempotency.is_some() {
        events = D::restate(speculation.state(), command);
    }
    let subject = D::subject(command);
    if events.is_empty() {
        let outcome = D::outcome(speculation.state(), &subject);
        return Err(Verdict::Committed(Committed { outcome, revision: speculation.revision(), events }));
    }
    let proposed = events.iter().map(|event| propose(event, context)).collect::<Result<Vec<_>, _>>();
    let proposed = proposed.map_err(|error| Verdict::Unwritable(error.to_string()))?;
    let (expected, first_revision) = (speculation.revision(), speculation.next_revision());
    for (event, ProposedEvent { id, .. }) in events.iter().zip(&proposed) {
        speculation.fold_fact(&Fact {
            event,
            revision: speculation.next_revision(),
            event_id: *id,
            // The event store's time counts, which is not known before the event is read back.
            created: None,
            command: context
                .idempotency
                .as_ref()
                .map(|idempotency| KeyedCommand { id: context.command_id, idempotency }),
        });
    }
    let outcome = D::outcome(speculation.state(), &subject);
    let committed = Committed { outcome, revision: speculation.revision(), events };
    Ok(DecidedCommand { events: proposed, expected, first_revision, committed })
}

fn propose<E: DomainEvent>(event: &E, context: &CommandContext) -> Result<ProposedEvent, serde_json::Error> {
    Ok(ProposedEvent {
        id: Uuid::now_v7(),
        event_type: event.event_type(),
        data: event.encode()?.into(),
        metadata: EventMetadata::of(context, event.schema_version()),
    })
}

/// Packs the events of consecutive commands into appends of a good size. A command's events stay in one append.
struct Packer {
    appends: Vec<ProposedAppend>,
    bytes_in_last: usize,
    append_bytes: usize,
}

impl Packer {
    fn push(&mut self, expected: Option<Revision>, events: Vec<ProposedEvent>) {
        let bytes = events.iter().map(|event| event.data.len() + BYTES_AROUND_DATA).sum::<usize>();
        match self.appends.last_mut() {
            Some(last) if self.bytes_in_last + bytes <= self.append_bytes => {
                last.events.extend(events);
                self.bytes_in_last += bytes;
            }
            _ => {
                self.appends.push(ProposedAppend { expected, events });
                self.bytes_in_last = bytes;
            }
        }
    }
}
