use std::time::Duration;

use super::BackOff;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(100);

fn assert_pauses_grow_from_the_first_to_the_longest(back_off: &mut BackOff) {
    for most in [20, 40, 80, 100, 100, 100].map(Duration::from_millis) {
        let pause = back_off.next_pause();
        assert!(most / 2 <= pause && pause <= most, "{pause:?}, and not up to {most:?}");
    }
}

#[test]
fn pauses_grow_up_to_the_longest_and_begin_anew_after_a_reset() {
    let mut back_off = BackOff::new(FIRST, LONGEST);
    assert_pauses_grow_from_the_first_to_the_longest(&mut back_off);
    assert_eq!(back_off.taken(), 6);
    back_off.reset();
    assert_eq!(back_off.taken(), 0);
    assert_pauses_grow_from_the_first_to_the_longest(&mut back_off);
}

#[test]
fn pauses_are_not_all_the_same() {
    let pauses = || {
        let mut back_off = BackOff::new(FIRST, LONGEST);
        (0..20).map(|_| back_off.next_pause()).collect::<Vec<_>>()
    };
    assert_ne!(pauses(), pauses());
}

#[test]
fn there_is_always_another_pause() {
    let mut back_off = BackOff::new(FIRST, LONGEST);
    assert!((0..100_000).map(|_| back_off.next_pause()).all(|pause| pause >= FIRST / 2));
}
