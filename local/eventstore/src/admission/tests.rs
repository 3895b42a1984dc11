use std::net::{IpAddr, Ipv4Addr};

use super::{Admission, Admitted, ConnectionLimits};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LIMITS: ConnectionLimits =
    ConnectionLimits { all: 5, local: 3, per_address: 2, first_request: std::time::Duration::ZERO };

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn is_gone(admitted: &Admitted) -> bool {
    admitted.evicted.is_cancelled()
}

fn spoken(admission: &Admission, peer: IpAddr) -> Option<Admitted> {
    let admitted = admission.admit(peer)?;
    admitted.has_spoken();
    Some(admitted)
}

#[test]
fn the_oldest_silent_connection_makes_room_for_a_new_one() {
    let admission = Admission::new(LIMITS);
    let speaks = spoken(&admission, HERE).expect("room");
    let [first, second] = [(); 2].map(|()| admission.admit(HERE).expect("room"));
    let third = admission.admit(HERE).expect("room for one that may speak");
    assert_eq!([&speaks, &first, &second, &third].map(is_gone), [false, true, false, false]);
    // Its place was given away once, and is not given away again when it ends.
    drop(first);
    let fourth = admission.admit(HERE).expect("room for one that may speak");
    assert_eq!([&speaks, &second, &third, &fourth].map(is_gone), [false, true, false, false]);
}

#[test]
fn connections_that_speak_are_never_ended_for_others() {
    let admission = Admission::new(LIMITS);
    let kept: Vec<_> = (0..3).map(|_| spoken(&admission, HERE).expect("room")).collect();
    assert!(admission.admit(HERE).is_none());
    assert!(admission.admit(address("127.9.9.9")).is_none(), "every loopback address is this machine");
    assert!(admission.admit(address("::ffff:127.0.0.1")).is_none());
    assert!(!kept.iter().any(is_gone));
    drop(kept);
    assert!(spoken(&admission, HERE).is_some());
}

#[test]
fn one_address_leaves_room_for_others() {
    let admission = Admission::new(LIMITS);
    let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
    let kept = [one, one, other, other].map(|peer| spoken(&admission, peer).expect("room"));
    assert!(spoken(&admission, one).is_none());
    let last = spoken(&admission, HERE).expect("room for one more in all");
    assert!(spoken(&admission, HERE).is_none());
    drop(last);
    drop(kept);
    let network = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"].map(address);
    let kept = network.map(|peer| spoken(&admission, peer));
    assert_eq!(kept.map(|admitted| admitted.is_some()), [true, true, false, true]);
}
