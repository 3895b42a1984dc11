//! A domain of parcels, whose history has three versions of one of its events.

use serde::Deserialize;
use shared_kernel::testing::GoldenFiles;
use uuid::uuid;

shared_kernel::id! {
    /// Identifies a ship.
    ShipId
}

shared_kernel::id! {
    /// Identifies somebody who sends parcels.
    OwnerId
}

/// What a command about parcels is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParcelSubject {
    /// What its owner has with them.
    Owner(OwnerId),
    /// All parcels of a ship.
    Hold(ShipId),
}

shared_kernel::events! {
    /// What has happened to parcels.
    pub enum ParcelEvent about ParcelSubject, keyed by ship_id: ShipId = "shipId";

    /// A parcel was put on a scale.
    Weighed(ParcelWeighed), version 3 (1: ParcelWeighedV1, 2: ParcelWeighedV2), about Owner(owner) {
        /// The ship that it goes with.
        ship_id: ShipId,
        /// Whose it is.
        owner: OwnerId,
        /// Its mass.
        grams: u32,
    }

    /// All parcels are in the hold.
    Loaded(ParcelsLoaded), version 1, about Hold(ship_id) {
        /// The ship.
        ship_id: ShipId,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParcelWeighedV1 {
    ship_id: ShipId,
    owner: OwnerId,
    kilos: u32,
}

impl From<ParcelWeighedV1> for ParcelWeighed {
    fn from(v1: ParcelWeighedV1) -> Self {
        Self { ship_id: v1.ship_id, owner: v1.owner, grams: v1.kilos * 1_000 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParcelWeighedV2 {
    ship_id: ShipId,
    owner: OwnerId,
    hectograms: u32,
}

impl From<ParcelWeighedV2> for ParcelWeighed {
    fn from(v2: ParcelWeighedV2) -> Self {
        Self { ship_id: v2.ship_id, owner: v2.owner, grams: v2.hectograms * 100 }
    }
}

pub(crate) const SHIP: ShipId = ShipId::new(uuid!("01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01"));
pub(crate) const OWNER: OwnerId = OwnerId::new(uuid!("01926e2b-0000-7000-8000-000000000001"));

pub(crate) fn weighed(grams: u32) -> ParcelEvent {
    ParcelEvent::Weighed(ParcelWeighed { ship_id: SHIP, owner: OWNER, grams })
}

pub(crate) fn loaded() -> ParcelEvent {
    ParcelEvent::Loaded(ParcelsLoaded { ship_id: SHIP })
}

/// The name and the content of the golden file of each version.
pub(crate) fn files() -> Vec<(String, String)> {
    let weighed = |mass: &str| format!(r#"{{"shipId":"{SHIP}","owner":"{OWNER}",{mass}}}"#);
    [
        ("ParcelWeighed.v1.json", weighed(r#""kilos":7"#)),
        ("ParcelWeighed.v2.json", weighed(r#""hectograms":72"#)),
        ("ParcelWeighed.v3.json", weighed(r#""grams":7250"#)),
        ("ParcelsLoaded.v1.json", format!(r#"{{"shipId":"{SHIP}"}}"#)),
    ]
    .map(|(name, data)| (name.to_owned(), data + "\n"))
    .into()
}

pub(crate) fn events() -> [(u32, ParcelEvent); 4] {
    [(1, weighed(7_000)), (2, weighed(7_200)), (3, weighed(7_250)), (1, loaded())]
}

pub(crate) fn golden_files() -> GoldenFiles<ParcelEvent> {
    GoldenFiles::of(files())
}
