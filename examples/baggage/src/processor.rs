//! How events of bags become rows, and what they lead to.

use deadpool_postgres::Transaction;
use flight_contract::Admission;
use flight_rpc::FlightRpcClient;
use refinery::Runner;
use shared_infrastructure::postgres::to_bigint;
use shared_infrastructure::projector::{Numbered, Projection};
use shared_infrastructure::reactor::{Reaction, ReactionError};
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers, RpcClient};
use shared_kernel::{Cause, Domain, DomainEvent, Revision};
use shared_processor::DomainProcessor;
use uuid::Uuid;

use crate::contract::{BaggageRpcClient, DOMAIN};
use crate::rules::{BagCheckedIn, BagEvent, CHECKED_IN, LEFT_BEHIND};

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

    fn projection() -> BagProjection {
        BagProjection
    }

    fn reaction(peers: &Peers) -> Result<LateBags, InvalidRpcAddress> {
        Ok(LateBags { flights: peers.client(flight_contract::DOMAIN)?, bags: peers.client(DOMAIN)? })
    }
}

/// Projects events into the table `bags`.
pub struct BagProjection;

impl Projection for BagProjection {
    type Event = BagEvent;
    const NAME: &'static str = "baggage-projection";

    async fn project(
        &self,
        transaction: &Transaction<'_>,
        events: &[Numbered<BagEvent>],
    ) -> Result<(), tokio_postgres::Error> {
        let insert = "INSERT INTO bags (id, flight_id, status, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let (insert, update) = (
            transaction.prepare_cached(insert).await?,
            transaction.prepare_cached("UPDATE bags SET status = $2, version = $3 WHERE id = $1").await?,
        );
        for Numbered { event, revision } in events {
            let (id, version) = (event.bag_id().uuid(), to_bigint(Some(*revision)));
            match event {
                BagEvent::CheckedIn(BagCheckedIn { flight_id, .. }) => {
                    transaction.execute(&insert, &[&id, &flight_id.uuid(), &CHECKED_IN, &version]).await?
                }
                BagEvent::LeftBehind(_) => transaction.execute(&update, &[&id, &LEFT_BEHIND, &version]).await?,
            };
        }
        Ok(())
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

    async fn react(&self, event: &BagEvent, _: Revision, cause: Cause) -> Result<(), ReactionError> {
        let BagEvent::CheckedIn(BagCheckedIn { bag_id, flight_id }) = event else { return Ok(()) };
        let admission = self.flights.call(|flights| async move { flights.admission(*flight_id).await });
        if admission.await? == Admission::Open {
            return Ok(());
        }
        let left = self.bags.call(|bags| {
            let cause = cause.clone();
            async move { bags.leave_behind(*bag_id, cause).await }
        });
        Ok(left.await.map(drop)?)
    }
}
