use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::tempdir;

use crate::setup;

#[test]
fn missing_passwords_are_made_and_kept_from_then_on() {
    let folder = tempdir().unwrap();
    let paths = ["flight", "passenger"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let arguments = ["secrets", &paths[0], &paths[1]];
    assert_eq!(setup(&arguments).unwrap(), format!("{}: made\n{}: made\n", paths[0], paths[1]));
    let passwords = paths.each_ref().map(|path| fs::read_to_string(path).unwrap());
    assert_ne!(passwords[0], passwords[1]);
    for (path, password) in paths.iter().zip(&passwords) {
        assert_eq!(password.len(), 64);
        assert!(password.chars().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o444);
    }
    assert_eq!(setup(&arguments).unwrap(), format!("{}: kept\n{}: kept\n", paths[0], paths[1]));
    assert_eq!(passwords, paths.each_ref().map(|path| fs::read_to_string(path).unwrap()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

    // One that is taking the place of another is beside it.
    fs::remove_file(&paths[0]).unwrap();
    fs::write(&paths[0], passwords.join("\n")).unwrap();
    assert_eq!(setup(&arguments).unwrap(), format!("{}: kept\n{}: kept\n", paths[0], paths[1]));
}

#[test]
fn what_anybody_could_guess_is_refused_and_left_as_it_is() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("password");
    for (contents, words) in [("", "is empty"), ("change-me\n", "holds an example, not a secret")] {
        fs::write(&path, contents).unwrap();
        let error = setup(&["secrets", path.to_str().unwrap()]).unwrap_err();
        assert!(error.contains(words) && error.contains(path.to_str().unwrap()), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("missing/password");
    let error = setup(&["secrets", path.to_str().unwrap()]).unwrap_err();
    assert!(error.contains(&format!("cannot write {}", path.display())), "{error}");
}
