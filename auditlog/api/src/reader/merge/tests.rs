use bytes::Bytes;
use jiff::Timestamp;
use shared_infrastructure::event_store::{AllPosition, Recorded};
use shared_kernel::{Revision, Stream};
use uuid::Uuid;

use super::{Chunk, Part, merge, merge_down};

/// Events of one stream at these positions.
fn part(positions: &[u64], ended: bool) -> Part {
    let events = positions.iter().zip(0..).map(|(position, revision)| Recorded {
        stream: "stream".to_owned(),
        revision: Revision(revision),
        position: AllPosition { commit: *position, prepare: *position },
        event_id: Uuid::nil(),
        event_type: "Happened".to_owned(),
        created: Timestamp::UNIX_EPOCH,
        data: Bytes::new(),
        custom_metadata: Bytes::new(),
    });
    Part::of(Stream::new("a-stream", "a"), events.collect(), ended)
}

/// What streams come to that ended at, or were read again after, the newest event of the first.
fn merge_up(parts: Vec<Part>, limit: usize) -> Chunk {
    let top = parts[0].last_position();
    merge(parts, top, limit)
}

/// The positions of its events, and whether it reaches the end.
fn merged(chunk: &Chunk) -> (Vec<u64>, bool) {
    (chunk.events.iter().map(|event| event.recorded.position.commit).collect(), chunk.reached_end)
}

#[test]
fn events_come_in_the_order_of_their_positions() {
    let chunk = merge_up(vec![part(&[2, 4, 5, 9], true), part(&[1, 3, 8], true)], 10);
    assert_eq!(merged(&chunk), (vec![1, 2, 3, 4, 5, 8, 9], true));
}

#[test]
fn what_came_after_the_last_known_event_of_the_other_stream_waits_for_the_next_read() {
    let chunk = merge_up(vec![part(&[2, 5], true), part(&[1, 6, 7], true)], 10);
    assert_eq!(merged(&chunk), (vec![1, 2, 5], true), "the events left out were recorded while it was read");
}

#[test]
fn a_stream_that_was_cut_off_is_known_up_to_its_last_event_only() {
    let chunk = merge_up(vec![part(&[7, 8, 9], false), part(&[1, 2, 6], false)], 3);
    assert_eq!(merged(&chunk), (vec![1, 2, 6], false));

    let chunk = merge_up(vec![part(&[3, 8, 9], true), part(&[1, 2, 4], false)], 3);
    assert_eq!(merged(&chunk), (vec![1, 2, 3], false));
}

#[test]
fn a_full_chunk_is_the_end_only_if_nothing_was_left_out() {
    let full = merge_up(vec![part(&[2], true), part(&[1], true)], 2);
    assert!(full.reached_end);

    let more = merge_up(vec![part(&[2, 3], true), part(&[1], true)], 2);
    assert_eq!(merged(&more), (vec![1, 2], false));
}

#[test]
fn three_streams_are_known_as_far_as_the_shortest_that_was_cut_off() {
    let chunk = merge_up(vec![part(&[3, 8, 9], true), part(&[1, 2, 7], false), part(&[4, 10], true)], 10);
    assert_eq!(merged(&chunk), (vec![1, 2, 3, 4, 7], false));
}

#[test]
fn nothing_in_either_stream_is_the_end() {
    let chunk = merge_up(vec![part(&[], true), part(&[], true)], 5);
    assert!(chunk.events.is_empty());
    assert!(chunk.reached_end);
}

/// The same events, read towards the beginning.
fn part_down(positions: &[u64], ended: bool) -> Part {
    let mut part = part(positions, ended);
    part.events.reverse();
    part
}

#[test]
fn downwards_events_come_against_the_order_of_their_positions() {
    let chunk = merge_down(vec![part_down(&[2, 4, 5, 9], true), part_down(&[1, 3, 8], true)], 10);
    assert_eq!(merged(&chunk), (vec![9, 8, 5, 4, 3, 2, 1], true));
}

#[test]
fn downwards_what_was_cut_off_comes_with_the_next_chunk() {
    let chunk = merge_down(vec![part_down(&[7, 8, 9], false), part_down(&[1, 2, 6], false)], 3);
    assert_eq!(merged(&chunk), (vec![9, 8, 7], false));

    let chunk = merge_down(vec![part_down(&[3, 8, 9], false), part_down(&[1, 4], true)], 3);
    assert_eq!(merged(&chunk), (vec![9, 8, 4], false));
}

#[test]
fn downwards_a_full_chunk_is_the_end_only_if_nothing_was_left_out() {
    assert!(merge_down(vec![part_down(&[2], true), part_down(&[1], true)], 2).reached_end);
    let more = merge_down(vec![part_down(&[2, 3], true), part_down(&[1], true)], 2);
    assert_eq!(merged(&more), (vec![3, 2], false));
    assert!(merge_down(vec![part_down(&[], true), part_down(&[], true)], 2).reached_end);
}
