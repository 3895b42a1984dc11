use std::collections::HashSet;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{LANGUAGES, corrected, name};

#[test]
fn names_are_of_many_kinds_and_fit() {
    let mut rng = StdRng::seed_from_u64(1);
    let names: HashSet<String> = (0..2_000).map(|_| name(&mut rng)).collect();
    assert!(names.len() > 300, "{} different names", names.len());
    for name in &names {
        assert!(name.chars().count() <= 100 && name.trim() == name && !name.contains(char::is_control), "{name}");
    }
    for script in ["الحسن", "王", "김", "Шевченко", "पटेल", "O\u{323}", "כהן"] {
        assert!(names.iter().any(|name| name.contains(script)), "{script}");
    }
    assert!(LANGUAGES.iter().all(|language| !language.given.is_empty() && !language.family.is_empty()));
}

#[test]
fn a_correction_adds_an_initial_once() {
    let mut rng = StdRng::seed_from_u64(1);
    let name = corrected("Grace dos Santos", &mut rng).unwrap();
    let initial = name.strip_prefix("Grace ").and_then(|rest| rest.strip_suffix(". dos Santos")).unwrap();
    assert!(initial.len() == 1 && initial.chars().all(|letter| letter.is_ascii_uppercase()), "{name}");
    for other in [name.as_str(), "王伟", "محمد الحسن", "Ελένη Αγγελής", "Cher"] {
        assert_eq!(corrected(other, &mut rng), None);
    }
}
