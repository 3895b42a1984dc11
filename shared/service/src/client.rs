//! What counts as one client.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or the /64 network that one subscriber gets with IPv6.
#[must_use]
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}
