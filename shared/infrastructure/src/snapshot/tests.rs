use super::format;

#[test]
fn whatever_else_is_stored_makes_another_format() {
    let known = format(&[("Deposited", 1)]);
    assert_eq!(format(&[("Deposited", 1)]), known);
    assert_ne!(format(&[("Deposited", 1), ("Deposited", 2)]), known);
    assert_ne!(format(&[("Deposited", 1), ("Withdrawn", 1)]), known);
}
