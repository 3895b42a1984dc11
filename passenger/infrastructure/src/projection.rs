use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use std::collections::HashMap;

use deadpool_postgres::Transaction;
use passenger_core::{ManifestState, PassengerEvent, PassengerName, PassengerStatus};
use shared_infrastructure::postgres::to_bigint;
use shared_infrastructure::projector::{Numbered, Projection};
use shared_kernel::Revision;
use uuid::Uuid;

/// Projects passenger events into the tables `passengers` and `manifests`.
#[derive(Debug, Clone, Copy)]
pub struct PassengerProjection;

impl Projection for PassengerProjection {
    type Event = PassengerEvent;
    const NAME: &'static str = "passenger-projection";

    async fn project(
        &self,
        transaction: &Transaction<'_>,
        events: &[Numbered<PassengerEvent>],
    ) -> Result<(), tokio_postgres::Error> {
        let changes = Changes::of(events);
        changes.remove_passengers(transaction).await?;
        changes.add_passengers(transaction).await?;
        changes.update_names(transaction).await?;
        changes.update_statuses(transaction).await?;
        changes.touch_manifests(transaction).await?;
        changes.update_manifest_states(transaction).await
    }
}

/// What a batch of events comes to for each passenger and manifest, so that each row is written once.
#[derive(Default)]
struct Changes<'a> {
    passengers: HashMap<PassengerId, PassengerChange<'a>>,
    removed: Vec<Uuid>,
    manifests: HashMap<FlightId, ManifestChange>,
}

#[derive(Default)]
struct PassengerChange<'a> {
    added_to: Option<FlightId>,
    name: Option<&'a PassengerName>,
    status: Option<PassengerStatus>,
    version: Option<Revision>,
}

#[derive(Default)]
struct ManifestChange {
    state: Option<ManifestState>,
    version: Option<Revision>,
}

impl<'a> Changes<'a> {
    fn of(events: &'a [Numbered<PassengerEvent>]) -> Self {
        let mut changes = Self::default();
        for Numbered { event, revision } in events {
            let manifest = changes.manifests.entry(event.flight_id()).or_default();
            manifest.version = Some(*revision);
            match event {
                PassengerEvent::CheckedIn(event) => {
                    let passenger = changes.passenger(event.passenger_id, *revision);
                    passenger.added_to = Some(event.flight_id);
                    passenger.name = Some(&event.name);
                    passenger.status = Some(PassengerStatus::CheckedIn);
                }
                PassengerEvent::NameCorrected(event) => {
                    changes.passenger(event.passenger_id, *revision).name = Some(&event.name);
                }
                PassengerEvent::Boarded(event) => {
                    changes.passenger(event.passenger_id, *revision).status = Some(PassengerStatus::Boarded);
                }
                PassengerEvent::Offloaded(event) => {
                    changes.passenger(event.passenger_id, *revision).status = Some(PassengerStatus::Offloaded);
                }
                PassengerEvent::Arrived(event) => {
                    changes.passenger(event.passenger_id, *revision).status = Some(PassengerStatus::Arrived);
                }
                PassengerEvent::Removed(event) => {
                    changes.passengers.remove(&event.passenger_id);
                    changes.removed.push(event.passenger_id.uuid());
                }
                PassengerEvent::ManifestSealed(_) => manifest.state = Some(ManifestState::Sealed),
                PassengerEvent::ManifestClosed(event) => manifest.state = Some(ManifestState::Closed(event.ending)),
                PassengerEvent::ManifestCompleted(_) | PassengerEvent::ManifestReopened(_) => {}
            }
        }
        changes
    }

    fn passenger(&mut self, id: PassengerId, revision: Revision) -> &mut PassengerChange<'a> {
        let passenger = self.passengers.entry(id).or_default();
        passenger.version = Some(revision);
        passenger
    }

    async fn remove_passengers(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        if self.removed.is_empty() {
            return Ok(());
        }
        let statement = transaction.prepare_cached("DELETE FROM passengers WHERE id = ANY($1)").await?;
        transaction.execute(&statement, &[&self.removed]).await?;
        Ok(())
    }

    async fn add_passengers(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (mut ids, mut flights, mut names, mut searches) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut statuses, mut versions) = (Vec::new(), Vec::new());
        for (id, change) in &self.passengers {
            let (Some(flight_id), Some(name), Some(status)) = (change.added_to, change.name, change.status) else {
                continue;
            };
            ids.push(id.uuid());
            flights.push(flight_id.uuid());
            names.push(name.as_str());
            searches.push(name.as_str().to_lowercase());
            statuses.push(status.as_str());
            versions.push(to_bigint(change.version));
        }
        if ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "INSERT INTO passengers (id, flight_id, name, search, status, version)
                 SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                 ON CONFLICT (id) DO UPDATE SET
                    flight_id = excluded.flight_id, name = excluded.name, search = excluded.search,
                    status = excluded.status, version = excluded.version",
            )
            .await?;
        transaction.execute(&statement, &[&ids, &flights, &names, &searches, &statuses, &versions]).await?;
        Ok(())
    }

    async fn update_names(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (mut ids, mut names, mut searches, mut versions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, change) in self.known_passengers() {
            let Some(name) = change.name else { continue };
            ids.push(id.uuid());
            names.push(name.as_str());
            searches.push(name.as_str().to_lowercase());
            versions.push(to_bigint(change.version));
        }
        if ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "UPDATE passengers SET name = new.name, search = new.search, version = new.version
                 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS new (id, name, search, version)
                 WHERE passengers.id = new.id",
            )
            .await?;
        transaction.execute(&statement, &[&ids, &names, &searches, &versions]).await?;
        Ok(())
    }

    async fn update_statuses(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (mut ids, mut statuses, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        for (id, change) in self.known_passengers() {
            let Some(status) = change.status else { continue };
            ids.push(id.uuid());
            statuses.push(status.as_str());
            versions.push(to_bigint(change.version));
        }
        if ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "UPDATE passengers SET status = new.status, version = new.version
                 FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS new (id, status, version)
                 WHERE passengers.id = new.id",
            )
            .await?;
        transaction.execute(&statement, &[&ids, &statuses, &versions]).await?;
        Ok(())
    }

    /// Changes of passengers that have a row already.
    fn known_passengers(&self) -> impl Iterator<Item = (&PassengerId, &PassengerChange<'a>)> {
        self.passengers.iter().filter(|(_, change)| change.added_to.is_none())
    }

    /// Gives every manifest that something happened on its version, and a row if it has none.
    async fn touch_manifests(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let ids: Vec<Uuid> = self.manifests.keys().map(|flight_id| flight_id.uuid()).collect();
        let versions: Vec<i64> = self.manifests.values().map(|change| to_bigint(change.version)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "INSERT INTO manifests (flight_id, state, version)
                 SELECT flight_id, 'open', version FROM unnest($1::uuid[], $2::bigint[]) AS new (flight_id, version)
                 ON CONFLICT (flight_id) DO UPDATE SET version = excluded.version",
            )
            .await?;
        transaction.execute(&statement, &[&ids, &versions]).await?;
        Ok(())
    }

    async fn update_manifest_states(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (mut ids, mut states, mut endings) = (Vec::new(), Vec::new(), Vec::new());
        for (flight_id, change) in &self.manifests {
            let Some(state) = change.state else { continue };
            ids.push(flight_id.uuid());
            states.push(state.as_str());
            endings.push(match state {
                ManifestState::Closed(ending) => Some(FlightEnding::as_str(ending)),
                ManifestState::Open | ManifestState::Sealed => None,
            });
        }
        if ids.is_empty() {
            return Ok(());
        }
        let statement = transaction
            .prepare_cached(
                "UPDATE manifests SET state = new.state, ending = new.ending
                 FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (flight_id, state, ending)
                 WHERE manifests.flight_id = new.flight_id",
            )
            .await?;
        transaction.execute(&statement, &[&ids, &states, &endings]).await?;
        Ok(())
    }
}
