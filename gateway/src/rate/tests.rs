use std::net::IpAddr;

use super::*;

fn once_per_second() -> RateLimit {
    per_second(NonZeroU32::MIN, None)
}

fn per_second(address: NonZeroU32, in_all: Option<NonZeroU32>) -> RateLimit {
    RateLimit::per_second(Rates { address: Some(address), ..Rates::default() }, in_all)
}

fn client(address: &str) -> Client {
    address.parse::<IpAddr>().unwrap().into()
}

#[test]
fn each_client_has_its_own_allowance() {
    let rate = once_per_second();
    assert!(rate.check(client("192.0.2.1")).is_ok());
    assert!(rate.check(client("192.0.2.2")).is_ok());
    let TooMany { wait, standing } = rate.check(client("192.0.2.1")).unwrap_err();
    assert!(wait <= Duration::from_secs(1) && !wait.is_zero());
    assert_eq!(standing, Some(Standing { quota: NonZeroU32::MIN, left: 0 }));
}

#[test]
fn an_ipv6_network_is_one_client() {
    let rate = once_per_second();
    assert!(rate.check(client("2001:db8:0:1::1")).is_ok());
    assert!(rate.check(client("2001:db8:0:1:ffff::2")).is_err());
    assert!(rate.check(client("2001:db8:0:2::1")).is_ok());
}

#[test]
fn an_ipv4_address_is_the_same_client_in_either_form() {
    let rate = once_per_second();
    assert!(rate.check(client("192.0.2.1")).is_ok());
    assert!(rate.check(client("::ffff:192.0.2.1")).is_err());
}

#[test]
fn the_memory_for_clients_is_bounded() {
    let rate = once_per_second();
    for number in 0..(MAX_CLIENTS as u32 + 1_000) {
        let _ = rate.check(IpAddr::V4(number.into()).into());
    }
    assert!(rate.addresses.unwrap().allowance.limiter.len() <= MAX_CLIENTS + 1);
}

#[test]
fn all_together_have_an_allowance_that_one_client_cannot_use_up_by_being_refused() {
    let rate = per_second(NonZeroU32::MIN, NonZeroU32::new(3));
    assert!(rate.check(client("192.0.2.1")).is_ok());
    for _ in 0..10 {
        assert!(rate.check(client("192.0.2.1")).is_err());
    }
    assert!(rate.check(client("192.0.2.2")).is_ok());
    assert!(rate.check(client("192.0.2.3")).is_ok());
    assert!(rate.check(client("192.0.2.4")).is_err());
}

#[test]
fn who_is_known_has_an_allowance_wherever_they_are() {
    let rates = Rates { principal: NonZeroU32::new(2), address: NonZeroU32::new(1), limits_loopback: false };
    let rate = RateLimit::per_second(rates, None);
    let [one, other] = ["key:one", "key:other"].map(|id| Client::from(&id.parse().unwrap()));
    assert_eq!(rate.check(one), Ok(Some(Standing { quota: NonZeroU32::new(2).unwrap(), left: 1 })));
    assert!(rate.check(one).is_ok() && rate.check(one).is_err());
    assert!(rate.check(other).is_ok());
    for _ in 0..10 {
        assert_eq!(rate.check(client("127.0.0.1")), Ok(None), "a proxy for all others, perhaps");
    }
    assert!(rate.check(client("192.0.2.1")).is_ok() && rate.check(client("192.0.2.1")).is_err());
}
