use std::net::Ipv4Addr;

use super::*;

const THIS_MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ADA: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const BEN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn slots(connections: usize, per_client: usize) -> Arc<Slots> {
    let limits = ConnectionLimits { connections, per_client: Some(per_client), ..ConnectionLimits::default() };
    Arc::new(Slots::new(limits))
}

impl Slots {
    fn take_for(self: &Arc<Self>, peer: IpAddr) -> Slot {
        self.take(peer).expect("a place")
    }

    fn is_empty(&self) -> bool {
        let open = self.open();
        open.connections.is_empty() && open.silent.is_empty() && open.clients.is_empty()
    }
}

impl Slot {
    fn is_unwanted(&self) -> bool {
        self.unwanted.is_cancelled()
    }

    /// Asks for something, and is answered.
    fn become_idle(&self) {
        drop(self.begin(Version::HTTP_11));
    }
}

#[tokio::test]
async fn the_one_that_is_silent_for_longest_makes_room() {
    let slots = slots(3, 3);
    let (speaking, first, second) = (slots.take_for(ADA), slots.take_for(ADA), slots.take_for(BEN));
    let _answering = speaking.begin(Version::HTTP_11);
    let third = slots.take_for(BEN);
    assert_eq!([&speaking, &first, &second, &third].map(Slot::is_unwanted), [false, true, false, false]);
    let _fourth = slots.take_for(BEN);
    assert!(second.is_unwanted() && !speaking.is_unwanted());
}

#[tokio::test]
async fn idle_ones_make_room_when_none_is_silent() {
    let slots = slots(2, 2);
    let (busy, idle) = (slots.take_for(ADA), slots.take_for(ADA));
    let _answering = busy.begin(Version::HTTP_11);
    idle.become_idle();
    let _another = slots.take_for(BEN);
    assert!(idle.is_unwanted() && !busy.is_unwanted());
}

#[tokio::test]
async fn those_that_are_in_use_stay() {
    let slots = slots(2, 2);
    let (first, second) = (slots.take_for(ADA), slots.take_for(ADA));
    let (answering, _other) = (first.begin(Version::HTTP_11), second.begin(Version::HTTP_2));
    assert!(slots.take(BEN).is_none());
    assert!(!first.is_unwanted() && !second.is_unwanted());
    drop(answering);
    assert!(slots.take(BEN).is_some());
}

#[tokio::test]
async fn a_client_that_has_its_share_makes_room_itself() {
    let slots = slots(10, 2);
    let (silent, busy, of_ben) = (slots.take_for(ADA), slots.take_for(ADA), slots.take_for(BEN));
    let _answering = busy.begin(Version::HTTP_11);
    let another = slots.take_for(ADA);
    let _answering = another.begin(Version::HTTP_11);
    assert!(silent.is_unwanted() && !of_ben.is_unwanted());
    assert!(slots.take(ADA).is_none());
    assert!(slots.take(BEN).is_some());
}

#[tokio::test]
async fn this_machine_may_have_all() {
    let slots = slots(10, 2);
    let mut taken = Vec::new();
    for _ in 0..10 {
        let slot = slots.take_for(THIS_MACHINE);
        taken.push((slot.begin(Version::HTTP_11), slot));
    }
    assert!(slots.take(THIS_MACHINE).is_none());
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_client() {
    let slots = slots(10, 1);
    let of = |text: &str| text.parse().unwrap();
    let first = slots.take_for(of("2001:db8::1"));
    let _answering = first.begin(Version::HTTP_11);
    assert!(slots.take(of("2001:db8::2")).is_none());
    assert!(slots.take(of("2001:db8:0:1::1")).is_some());
    assert!(slots.take(of("::ffff:192.0.2.1")).is_some());
}

#[tokio::test]
async fn places_are_given_back() {
    let slots = slots(40, 2);
    for _ in 0..100 {
        let taken: Vec<_> =
            (0..50).map(|client| slots.take_for(Ipv4Addr::new(192, 0, 2, client % 30).into())).collect();
        taken.iter().step_by(2).for_each(Slot::become_idle);
    }
    assert!(slots.is_empty());
}
