use shared_eventstore_protocol::streams::read_resp::Content;
use shared_eventstore_protocol::streams::{Position, ReadResp};

use super::{AllPosition, Delivery, delivery};

fn checkpoint(commit_position: u64, prepare_position: u64) -> Option<AllPosition> {
    let content = Some(Content::Checkpoint(Position { commit_position, prepare_position }));
    match delivery(ReadResp { content }) {
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
