//! What every domain needs to run on an event store and PostgreSQL, and that knows no domain: executor, event store
//! adapter, readers (projector, reactor), read side.

pub mod back_off;
pub mod event_store;
pub mod executor;
pub mod ledger;
pub mod limits;
pub mod parking;
pub mod postgres;
pub mod progress;
pub mod read_model;
pub mod reader;
pub mod rebuild;
pub mod refusals;
pub mod rpc;
pub mod snapshot;
pub mod sql;
pub mod testing;
pub mod unfinished;
pub mod worker;

mod causes;
mod checkpoint;
mod invalid_setting;

pub use invalid_setting::InvalidSetting;
// For what the macro `columns!` expands to.
#[doc(hidden)]
pub use tokio_postgres;
