use nix::unistd::Uid;

use super::objection;

#[test]
fn keys_are_for_one_user_or_given_by_root() {
    let [root, reader, other] = [0, 65_532, 1_000].map(Uid::from_raw);
    let is_taken = |owner, mode, reader| objection(owner, mode, reader).is_none();
    assert!(is_taken(reader, 0o600, reader) && is_taken(root, 0o600, root));
    assert!(is_taken(root, 0o440, reader) && is_taken(root, 0o640, reader));
    for (owner, mode, reader) in [
        (reader, 0o640, reader),
        (root, 0o640, root),
        (root, 0o444, reader),
        (root, 0o660, reader),
        (other, 0o600, reader),
        (other, 0o640, reader),
        (other, 0o600, root),
    ] {
        assert!(!is_taken(owner, mode, reader), "{owner} {mode:o} {reader}");
    }
}
