use jiff::Timestamp;
use shared_kernel::{ActorName, PrincipalId};

use crate::role::Roles;

/// Who a request comes from, as far as that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The same for all requests of one principal, and of no other.
    pub id: PrincipalId,
    /// The name that people know them by, which the audit log shows.
    pub name: ActorName,
    /// What they may do.
    pub roles: Roles,
    /// When what identifies them ends, if it does.
    pub until: Option<Timestamp>,
}
