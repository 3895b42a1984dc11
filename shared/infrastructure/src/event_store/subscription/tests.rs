use eventstore::{Position, SubscriptionEvent};

use super::{AllPosition, Delivery, delivery};

fn checkpoint(commit: u64, prepare: u64) -> Option<AllPosition> {
    match delivery(SubscriptionEvent::Checkpoint(Position { commit, prepare })) {
        Ok(Some(Delivery::Checkpoint(position))) => Some(position),
        Ok(None) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkpoint_at_no_place_is_not_one() {
    assert_eq!(checkpoint(u64::MAX, u64::MAX), None);
    assert_eq!(checkpoint(7, 0), Some(AllPosition { commit: 7, prepare: 0 }));
}
