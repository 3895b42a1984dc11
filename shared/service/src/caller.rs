//! Who a request comes from, as far as that was checked.

use http::{Extensions, HeaderMap, HeaderValue, header};
use shared_access::{Access, Role, Roles};
use shared_kernel::PrincipalId;

use crate::cause::only;
use crate::headers::{JETBRIDGE_ROLES, JETBRIDGE_SUBJECT};
use crate::problem::Problem;
use crate::problem_type;

/// How one identifies oneself here (RFC 6750).
pub const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"jetbridge\"");

/// Who a request comes from. It is found among the extensions of a request once that was checked, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A service of this system, which acts for itself.
    Service,
    /// Somebody, for whom the gateway asks.
    Somebody {
        /// Who; `None` where nobody has to say so.
        subject: Option<PrincipalId>,
        /// What they may do.
        roles: Roles,
    },
}

impl Caller {
    /// Whom somebody acts for who has shown the service credential, as the headers say.
    ///
    /// # Errors
    /// 400 `malformed-header` if they do not say it properly, and only once.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        const SUBJECT: &str = "Jetbridge-Subject";
        const ROLES: &str = "Jetbridge-Roles";
        let text = |value: &HeaderValue, name| {
            let text = value.to_str().map(str::to_owned);
            text.map_err(|_| Problem::malformed_header(name, "must be visible ASCII characters"))
        };
        let roles = only(headers, &JETBRIDGE_ROLES, ROLES)?.map(|value| text(value, ROLES)).transpose()?;
        let subject = only(headers, &JETBRIDGE_SUBJECT, SUBJECT)?.map(|value| text(value, SUBJECT)).transpose()?;
        match (subject, roles) {
            (None, None) => Ok(Self::Service),
            (Some(_), None) => Err(Problem::malformed_header(SUBJECT, "must come with Jetbridge-Roles")),
            (subject, Some(roles)) => {
                let subject = subject.map(|subject| subject.parse()).transpose();
                let subject = subject.map_err(|error| Problem::malformed_header(SUBJECT, error))?;
                let roles = roles.parse().map_err(|error| Problem::malformed_header(ROLES, error))?;
                Ok(Self::Somebody { subject, roles })
            }
        }
    }

    /// Who it is, if that is anybody.
    #[must_use]
    pub const fn subject(&self) -> Option<&PrincipalId> {
        match self {
            Self::Somebody { subject, .. } => subject.as_ref(),
            Self::Service => None,
        }
    }

    /// Whether they may come in where this is asked for.
    #[must_use]
    pub fn may_enter(&self, access: Access) -> bool {
        match self {
            Self::Service => access.admits_services(),
            Self::Somebody { roles, .. } => access.admits(Some(*roles)),
        }
    }
}

/// Lets a request in where this is asked for.
///
/// # Errors
/// 401 `authentication-required` if nobody knows who sends it, 403 `not-allowed` if they may not.
pub fn admit(access: Access, extensions: &Extensions) -> Result<(), Problem> {
    match extensions.get::<Caller>() {
        _ if access == Access::Public => Ok(()),
        None => Err(authentication_required()),
        Some(caller) if caller.may_enter(access) => Ok(()),
        Some(_) => Err(not_allowed(access)),
    }
}

/// 401: who sends this has to say who they are.
#[must_use]
pub fn authentication_required() -> Problem {
    Problem::of(problem_type::AUTHENTICATION_REQUIRED).header(header::WWW_AUTHENTICATE, CHALLENGE)
}

/// 403: who sends this may not, and what would do.
#[must_use]
pub fn not_allowed(access: Access) -> Problem {
    match access {
        Access::Role(required) => {
            let others: Vec<_> = required.sufficient().filter(|role| *role != required).map(Role::as_str).collect();
            let detail = match others.as_slice() {
                [] => format!("This takes the role {required}. Nothing was done."),
                others => format!("This takes the role {required}, or {}. Nothing was done.", others.join(" or ")),
            };
            Problem::new(problem_type::NOT_ALLOWED, detail).with("requiredRole", required.as_str())
        }
        Access::Service => {
            Problem::new(problem_type::NOT_ALLOWED, "Only services of Jetbridge ask for this. Nothing was done.")
        }
        Access::Public | Access::Known => Problem::of(problem_type::NOT_ALLOWED),
    }
}
