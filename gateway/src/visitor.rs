use std::sync::Arc;

use shared_access::{Principal, Role, Roles};
use shared_service::Caller;

use crate::authentication::Credential;
use crate::client::Client;
use crate::sender::Sender;

/// Who has sent a request, and from where. It is found among the extensions of every request that got past the door.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Against whose limits it counts.
    pub(crate) client: Client,
    pub(crate) sender: Sender,
    pub(crate) who: Who,
}

/// Who somebody is.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// Nobody has to say: with `--authentication none`.
    Anybody,
    /// They have not said, or not so that it could be believed.
    Nobody,
    /// They have proved it.
    Known(Known),
}

/// Somebody who is known, and by what.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) principal: Arc<Principal>,
    pub(crate) credential: Credential,
}

impl Who {
    /// What routes decide by. `None` for nobody.
    pub(crate) fn caller(&self) -> Option<Caller> {
        match self {
            Self::Anybody => Some(Caller::Somebody { subject: None, roles: Roles::from_iter([Role::Admin]) }),
            Self::Nobody => None,
            Self::Known(Known { principal, .. }) => {
                Some(Caller::Somebody { subject: Some(principal.id.clone()), roles: principal.roles })
            }
        }
    }

    pub(crate) const fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::Anybody | Self::Nobody => None,
        }
    }
}
