use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use shared_access::Role;
use shared_access::keys::{AccessKey, KeyName, KeyRing, KeysError, KeysFile, KeysUnusable, StoredKey};
use tempfile::TempDir;

/// How long it may take until a change of the file has its effect.
const LIMIT: Duration = Duration::from_secs(5);

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("access-keys")
    }

    /// Makes a key that ends after this many milliseconds, if it does.
    fn create(&self, name: &str, roles: &[Role], ends_after_ms: Option<i64>) -> AccessKey {
        let key = AccessKey::random();
        let created = Timestamp::now();
        let stored = StoredKey {
            name: name.parse().unwrap(),
            sha256: key.digest(),
            roles: roles.to_vec(),
            created,
            expires: ends_after_ms.map(|ms| created + SignedDuration::from_millis(ms)),
        };
        KeysFile::at(self.path())
            .change(|keys| {
                keys.push(stored);
                Ok(())
            })
            .unwrap();
        key
    }

    fn ring(&self) -> KeyRing {
        KeyRing::open(self.path()).unwrap()
    }
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn knows(ring: &KeyRing, key: &AccessKey) -> bool {
    ring.find(key.expose()).unwrap().is_some()
}

fn change_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_says_who_has_it_and_what_they_may_do() {
    let folder = Folder::new();
    let key = folder.create("Gate 12", &[Role::Agent, Role::Auditor], None);
    assert!(key.expose().starts_with("jbk_") && key.expose().len() == 47, "{}", key.expose());
    let (principal, digest) = folder.ring().find(key.expose()).unwrap().unwrap();
    assert_eq!((principal.id.as_str(), principal.name.as_str()), ("key:Gate 12", "Gate 12"));
    assert_eq!((principal.roles.to_string().as_str(), principal.until), ("agent,auditor", None));
    assert_eq!(digest, key.digest());
}

#[test]
fn what_is_not_exactly_a_key_is_none() {
    let folder = Folder::new();
    let key = folder.create("Gate 12", &[Role::Agent], None);
    let (ring, key) = (folder.ring(), key.expose());
    let others = [
        String::new(),
        "jbk_".to_owned(),
        key.to_uppercase(),
        key[1..].to_owned(),
        key.replace("jbk_", "jbx_"),
        format!("{key}="),
        format!(" {key}"),
        AccessKey::random().expose().to_owned(),
    ];
    for other in others {
        assert!(ring.find(&other).unwrap().is_none(), "{other}");
    }
}

#[test]
fn the_file_is_for_this_user_alone_and_has_no_key_in_it() {
    let folder = Folder::new();
    let key = folder.create("Gate 12", &[Role::Agent], None);
    assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(folder.path()).unwrap();
    assert!(text.contains("Gate 12") && !text.contains(&key.expose()[4..]), "{text}");
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

#[test]
fn a_file_that_others_can_read_or_write_is_refused() {
    let folder = Folder::new();
    folder.create("Gate 12", &[Role::Agent], None);
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610] {
        change_mode(&folder.path(), mode);
        let refused = KeyRing::open(folder.path()).unwrap_err();
        assert!(matches!(refused, KeysError::NotPrivate { .. }), "{mode:o}: {refused}");
    }
}

#[test]
fn what_is_not_a_list_of_keys_is_refused_with_its_place() {
    let folder = Folder::new();
    for (text, said) in [
        ("", "line 1"),
        ("{}", "version"),
        (r#"{"version":2,"keys":[]}"#, "version 2"),
        (r#"{"version":1,"keys":[],"more":1}"#, "more"),
        (r#"{"version":1,"keys":[{"name":"a","sha256":"00","roles":[],"created":"2030-01-01T00:00:00Z"}]}"#, "SHA-256"),
    ] {
        fs::write(folder.path(), text).unwrap();
        change_mode(&folder.path(), 0o600);
        let refused = KeysFile::at(folder.path()).read().unwrap_err().to_string();
        assert!(refused.contains(said), "{text}: {refused}");
    }
    for name in ["", " a", "a ", "Zoë", "a\nb", &"a".repeat(101)] {
        assert!(name.parse::<KeyName>().is_err(), "{name}");
    }
}

#[test]
fn a_change_has_its_effect_without_a_restart() {
    let folder = Folder::new();
    let ring = folder.ring();
    let key = folder.create("Gate 12", &[Role::Agent], None);
    eventually("a new key is known", || knows(&ring, &key));
    let other = folder.create("Gate 13", &[Role::Agent], None);
    eventually("another one too", || knows(&ring, &other) && knows(&ring, &key));
    KeysFile::at(folder.path())
        .change(|keys| {
            keys.retain(|key| key.name.as_str() != "Gate 12");
            Ok(())
        })
        .unwrap();
    eventually("it is revoked", || !knows(&ring, &key));
    assert!(knows(&ring, &other));
    assert!(ring.find_by_digest(&key.digest()).unwrap().is_none());
    fs::remove_file(folder.path()).unwrap();
    eventually("without a file there are no keys", || !knows(&ring, &other));
}

#[test]
fn a_key_that_has_ended_is_none() {
    let folder = Folder::new();
    let key = folder.create("Gate 12", &[Role::Agent], Some(400));
    let ring = folder.ring();
    let (principal, _) = ring.find(key.expose()).unwrap().unwrap();
    assert!(principal.until.is_some());
    eventually("it has ended", || !knows(&ring, &key));
}

#[test]
fn nobody_gets_in_while_the_file_cannot_be_used() {
    let folder = Folder::new();
    let key = folder.create("Gate 12", &[Role::Agent], None);
    let ring = folder.ring();
    assert!(knows(&ring, &key));
    change_mode(&folder.path(), 0o644);
    eventually("it is refused", || ring.find(key.expose()) == Err(KeysUnusable));
    change_mode(&folder.path(), 0o600);
    eventually("it is mended", || ring.find(key.expose()).is_ok_and(|found| found.is_some()));
}

#[test]
fn those_who_change_the_file_at_once_lose_nothing() {
    let folder = Folder::new();
    thread::scope(|scope| {
        for gate in 0..16 {
            let folder = &folder;
            scope.spawn(move || folder.create(&format!("Gate {gate}"), &[Role::Agent], None));
        }
    });
    assert_eq!(KeysFile::at(folder.path()).read().unwrap().len(), 16);
}
