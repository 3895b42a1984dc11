//! How events of bags become rows, and what they lead to.

use deadpool_postgres::Transaction;
use flight_contract::{Admission, FlightId};
use flight_rpc::FlightRpcClient;
use refinery::Runner;
use shared_infrastructure::read_model::{Changes, IdColumn, NameColumn, RevisionColumn, Table};
use shared_infrastructure::reader::{Numbered, ProjectResult, Projection, Reaction, ReactionError};
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers, RpcClient};
use shared_kernel::{Cause, Domain, DomainEvent, Revision};
use shared_processor::DomainProcessor;
use uuid::Uuid;

use crate::contract::{BagId, BaggageRpcClient, DOMAIN};
use crate::rules::{Bag, BagCheckedIn, BagEvent, BagLeftBehind, BagStatus};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The baggage processor.
pub struct BaggageProcessor;

impl DomainProcessor for BaggageProcessor {
    const DOMAIN: &'static Domain = DOMAIN;
    type Projection = BagProjection;
    type Reaction = LateBags;

    fn migrations() -> Runner {
        migrations::migrations::runner()
    }

    fn reaction(peers: &Peers) -> Result<LateBags, InvalidRpcAddress> {
        Ok(LateBags { flights: peers.client(flight_contract::DOMAIN)?, bags: peers.client(DOMAIN)? })
    }
}

/// The table `bags`.
pub(crate) const BAGS: Table<BagColumns> = Table::new("bags", BagColumns::id, BagColumns::version);

shared_infrastructure::columns! {
    /// A row.
    pub(crate) struct BagColumns of Bag {
        id: IdColumn,
        flight_id: IdColumn,
        status: NameColumn,
        version: RevisionColumn,
    }
}

/// Projects events into the table `bags`.
#[derive(Default)]
pub struct BagProjection;

impl Projection for BagProjection {
    type Event = BagEvent;
    const NAME: &'static str = "baggage-projection";

    async fn clear(&self, transaction: &Transaction<'_>) -> ProjectResult {
        BAGS.clear(transaction).await
    }

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<BagEvent>]) -> ProjectResult {
        let mut bags: Changes<BagId, (Option<FlightId>, Option<BagStatus>)> = Changes::default();
        for &Numbered { ref event, revision } in events {
            match *event {
                BagEvent::CheckedIn(BagCheckedIn { bag_id, flight_id }) => {
                    *bags.add(bag_id, revision) = (Some(flight_id), Some(BagStatus::CheckedIn));
                }
                BagEvent::LeftBehind(BagLeftBehind { bag_id }) => {
                    bags.change(bag_id, revision).1 = Some(BagStatus::LeftBehind);
                }
            }
        }
        let new = bags.added(|(flight_id, status)| Some(((*flight_id)?, (*status)?)));
        let rows = BAGS.rows(&new).with(BagColumns::flight_id, |(flight_id, _)| flight_id);
        rows.with(BagColumns::status, |(_, status)| status).upsert(transaction).await?;
        let moved = bags.changed(|(_, status)| *status);
        BAGS.rows(&moved).with(BagColumns::status, |status| status).update(transaction).await
    }
}

/// Leaves bags behind whose flights take nobody any more.
pub struct LateBags {
    flights: RpcClient,
    bags: RpcClient,
}

impl Reaction for LateBags {
    type Event = BagEvent;
    const NAME: &'static str = "baggage-reactions";

    fn key(event: &BagEvent) -> Option<Uuid> {
        match event {
            BagEvent::CheckedIn(_) => Some(event.key()),
            BagEvent::LeftBehind(_) => None,
        }
    }

    fn missing(_: &str) -> &'static str {
        "bagNotLookedAt"
    }

    async fn react(&self, event: &BagEvent, _: Revision, cause: Cause) -> Result<(), ReactionError> {
        let BagEvent::CheckedIn(BagCheckedIn { bag_id, flight_id }) = *event else { return Ok(()) };
        if self.flights.call(async |flights| flights.admission(flight_id).await).await? != Admission::Open {
            self.bags.call(async |bags| bags.leave_behind(bag_id, cause.clone()).await).await?;
        }
        Ok(())
    }
}
