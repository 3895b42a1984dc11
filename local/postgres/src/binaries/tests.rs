use std::fs;

use super::*;

#[test]
fn versions_are_read_from_what_the_programs_say() {
    for (output, major, version) in [
        ("postgres (PostgreSQL) 15.17 (Debian 15.17-0+deb12u1)\n", 15, "15.17"),
        ("postgres (PostgreSQL) 17.5 (Homebrew)\n", 17, "17.5"),
        ("postgres (PostgreSQL) 18beta1\n", 18, "18beta1"),
        ("postgres (PostgreSQL) 9.6.24\n", 9, "9.6.24"),
    ] {
        assert_eq!(parse_version(output), Some((major, version.to_owned())));
    }
    assert_eq!(parse_version("postgres: not found\n"), None);
    assert_eq!(parse_version("postgres (PostgreSQL) devel\n"), None);
}

#[test]
fn newer_versions_come_first_and_other_folders_are_passed_over() {
    let parent = tempfile::tempdir().unwrap();
    for name in ["postgresql@9", "postgresql@17", "postgresql@15", "postgresql@old", "redis@7"] {
        fs::create_dir(parent.path().join(name)).unwrap();
    }
    let bins: Vec<_> =
        versions_in(parent.path(), "postgresql@").into_iter().filter(|dir| dir.ends_with("bin")).collect();
    let expected: Vec<_> = ["postgresql@17", "postgresql@15", "postgresql@9"]
        .iter()
        .map(|name| parent.path().join(name).join("bin"))
        .collect();
    assert_eq!(bins, expected);
}
