use std::net::IpAddr;

use super::*;

fn client(address: &str) -> Client {
    address.parse::<IpAddr>().unwrap().into()
}

#[test]
fn what_is_given_back_can_be_taken_again() {
    let places = Places::new(3, Shares::of(2));
    let one = places.take(client("192.0.2.1"), 2).unwrap();
    assert_eq!(places.take(client("192.0.2.1"), 1).unwrap_err(), Full::ForClient);
    let _other = places.take(client("192.0.2.2"), 1).unwrap();
    assert_eq!(places.take(client("192.0.2.3"), 1).unwrap_err(), Full::InAll);
    drop(one);
    let _again = places.take(client("192.0.2.1"), 2).unwrap();
    assert_eq!(places.taken.lock().unwrap().by_client.len(), 2);
}

#[test]
fn an_ipv6_network_is_one_client_and_so_is_an_ipv4_address_in_either_form() {
    let places = Places::new(10, Shares { loopback: usize::MAX, ..Shares::of(1) });
    let _one = places.take(client("2001:db8:0:1::1"), 1).unwrap();
    assert_eq!(places.take(client("2001:db8:0:1:ffff::2"), 1).unwrap_err(), Full::ForClient);
    let _two = places.take(client("2001:db8:0:2::1"), 1).unwrap();
    let _three = places.take(client("192.0.2.1"), 1).unwrap();
    assert_eq!(places.take(client("::ffff:192.0.2.1"), 1).unwrap_err(), Full::ForClient);
}

#[test]
fn this_machine_may_be_many_clients() {
    let places = Places::new(2, Shares { loopback: usize::MAX, ..Shares::of(1) });
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let _two = [(); 2].map(|()| places.take(client(address), 1).unwrap());
        assert_eq!(places.take(client(address), 1).unwrap_err(), Full::InAll, "{address}");
    }
    let places = Places::new(2, Shares::of(1));
    let _one = places.take(client("127.0.0.1"), 1).unwrap();
    assert_eq!(places.take(client("127.0.0.1"), 1).unwrap_err(), Full::ForClient);
}
