//! Who a client is, as far as limits are concerned.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use shared_kernel::PrincipalId;
use shared_service::client::network;

/// Makes numbers of ids that nobody can choose.
static NUMBERS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Somebody who is known, or else where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// Somebody who is known, as a number of their id.
    Principal(u64),
    /// An IPv4 address, or the /64 network that one subscriber gets with IPv6.
    Address(IpAddr),
}

impl Client {
    /// Stands for all those that cannot be told apart.
    pub(crate) const UNKNOWN: Self = Self::Address(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// Whether it is this machine, from which everybody comes if there is a proxy on it.
    pub(crate) const fn is_loopback(self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Principal(_) => false,
        }
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        let is_own = address.to_canonical().is_loopback();
        Self::Address(if is_own { address.to_canonical() } else { network(address) })
    }
}

impl From<&PrincipalId> for Client {
    fn from(id: &PrincipalId) -> Self {
        Self::Principal(NUMBERS.hash_one(id))
    }
}
