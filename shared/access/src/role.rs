use std::fmt;
use std::str::FromStr;

use shared_kernel::UnknownName;

shared_kernel::named! {
    /// What somebody is to Jetbridge. Some roles include others: see [`Role::includes`].
    pub enum Role {
        /// Reads what the domains manage, and follows what changes.
        Viewer = "viewer",
        /// Handles those who travel.
        Agent = "agent",
        /// Handles what they travel with.
        Dispatcher = "dispatcher",
        /// Reads the audit log.
        Auditor = "auditor",
        /// May do everything, and operates the system.
        Admin = "admin",
    }
}

impl Role {
    /// Whether who has this role may do what `required` may do.
    #[must_use]
    pub const fn includes(self, required: Self) -> bool {
        match self {
            Self::Viewer => matches!(required, Self::Viewer),
            Self::Agent => matches!(required, Self::Viewer | Self::Agent),
            Self::Dispatcher => matches!(required, Self::Viewer | Self::Agent | Self::Dispatcher),
            Self::Auditor => matches!(required, Self::Viewer | Self::Auditor),
            Self::Admin => true,
        }
    }

    /// The least of the roles that include this one, which is this one, and all others that do.
    pub fn sufficient(self) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| role.includes(self))
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The roles that somebody has. As text they are their names, separated by commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.0 & role.bit() != 0)
    }

    /// Whether one of them includes `required`.
    #[must_use]
    pub fn include(self, required: Role) -> bool {
        self.iter().any(|role| role.includes(required))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, role) in self.iter().enumerate() {
            write!(f, "{}{role}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// An empty text is no role.
impl FromStr for Roles {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::parse).collect()
    }
}

/// What a route asks of whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it shows nothing that is anybody's.
    Public,
    /// To be known, in whatever role.
    Known,
    /// A role that includes this one.
    Role(Role),
    /// To be a service of this system that acts for itself, and for nobody.
    Service,
}

impl Access {
    /// Whether somebody with these roles may come in. `None` is somebody who is not known.
    #[must_use]
    pub fn admits(self, roles: Option<Roles>) -> bool {
        match self {
            Self::Public => true,
            Self::Known => roles.is_some(),
            Self::Role(required) => roles.is_some_and(|roles| roles.include(required)),
            Self::Service => false,
        }
    }

    /// Whether a service that acts for itself may come in.
    #[must_use]
    pub const fn admits_services(self) -> bool {
        matches!(self, Self::Public | Self::Service)
    }
}
