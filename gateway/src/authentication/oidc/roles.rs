use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use shared_access::{Role, Roles};

/// What a value of the claim with roles makes of somebody, as `VALUE=ROLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMapping {
    value: String,
    role: Role,
}

/// A text is not a [`RoleMapping`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be like VALUE=ROLE, where ROLE is viewer, agent, dispatcher, auditor or admin")]
pub struct InvalidRoleMapping;

impl FromStr for RoleMapping {
    type Err = InvalidRoleMapping;

    fn from_str(text: &str) -> Result<Self, InvalidRoleMapping> {
        let (value, role) = text.rsplit_once('=').ok_or(InvalidRoleMapping)?;
        let role = role.trim().parse().map_err(|_| InvalidRoleMapping)?;
        match value.trim() {
            "" => Err(InvalidRoleMapping),
            value => Ok(Self { value: value.to_owned(), role }),
        }
    }
}

impl fmt::Display for RoleMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.value, self.role)
    }
}

/// Where among the claims the roles are, and how they are called there.
#[derive(Debug, Clone)]
pub(super) struct RoleClaim {
    pub(super) name: String,
    pub(super) mappings: Vec<RoleMapping>,
}

impl RoleClaim {
    /// The claim, whose name may lead into another by dots.
    pub(super) fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        claims.get(&self.name).or_else(|| {
            let mut names = self.name.split('.');
            let first = claims.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        })
    }

    /// The roles that these claims give: a list of texts, or one text with spaces between, as in `scope`. What is no
    /// role here is one elsewhere.
    pub(super) fn roles(&self, claims: &Map<String, Value>) -> Roles {
        match self.find(claims) {
            Some(Value::Array(values)) => {
                values.iter().filter_map(Value::as_str).flat_map(|text| self.of(text)).collect()
            }
            Some(Value::String(text)) => text.split_ascii_whitespace().flat_map(|text| self.of(text)).collect(),
            _ => Roles::NONE,
        }
    }

    fn of(&self, value: &str) -> Vec<Role> {
        if self.mappings.is_empty() {
            return value.parse().ok().into_iter().collect();
        }
        self.mappings.iter().filter(|mapping| mapping.value == value).map(|mapping| mapping.role).collect()
    }
}
