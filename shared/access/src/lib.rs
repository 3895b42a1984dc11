//! Who may do what: roles, what a route asks for, and the principal that a request comes from.

pub mod keys;
mod principal;
mod role;

pub use principal::Principal;
pub use role::{Access, Role, Roles};
