use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::*;

/// A kind of entry, its name, and where it leads or what is in it.
type Made<'a> = (EntryType, &'a str, &'a str);

fn archive(entries: &[Made<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        // As they are: the library's own functions refuse the names that matter here.
        header.as_mut_bytes().get_mut(..name.len()).unwrap().copy_from_slice(name.as_bytes());
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            header.as_mut_bytes().get_mut(157..157 + content.len()).unwrap().copy_from_slice(content.as_bytes());
        }
        let data = if is_link { &[] } else { content.as_bytes() };
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data).unwrap();
    }
    let mut encoder = builder.into_inner().unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

const PROGRAM: &str = "#!/bin/sh\necho 'postgres (PostgreSQL) 17.5'\n";

fn programs() -> Vec<u8> {
    archive(&[
        (EntryType::Directory, "pg-17/", ""),
        (EntryType::Regular, "pg-17/bin/postgres", PROGRAM),
        (EntryType::Link, "pg-17/bin/initdb", "pg-17/bin/postgres"),
        (EntryType::Regular, "./pg-17/lib/libpq.so.5.17", "library"),
        (EntryType::Symlink, "pg-17/lib/libpq.so", "libpq.so.5.17"),
        (EntryType::Symlink, "pg-17/share/lib", "../lib"),
    ])
}

/// A folder that the user who runs PostgreSQL can write to, and that user.
fn place() -> (tempfile::TempDir, PathBuf, Account) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let account = Account::choose(None).unwrap();
    let keep_in = folder.path().join("home");
    fs::create_dir(&keep_in).unwrap();
    account.own(fs::File::open(&keep_in).unwrap()).unwrap();
    (folder, keep_in.join("binaries"), account)
}

#[tokio::test]
async fn what_was_asked_for_is_unpacked_by_the_user_that_runs_it() {
    let (_folder, keep_in, account) = place();
    let archive = programs();
    let digest = ArchiveDigest::of(&archive).to_string().to_uppercase().parse().unwrap();
    for _ in 0..2 {
        let target = verify_and_unpack(archive.clone(), digest, &keep_in, "17.5.0", &account).await.unwrap();
        assert_eq!(target, keep_in.join("17.5.0"));
    }
    assert_eq!(fs::read_to_string(keep_in.join("17.5.0/share/lib/libpq.so")).unwrap(), "library");
    assert_eq!(fs::metadata(keep_in.join("17.5.0/bin/initdb")).unwrap().uid(), account.uid().as_raw());
    assert_eq!(fs::read_dir(&keep_in).unwrap().count(), 1);
    let binaries = Binaries::probe(&keep_in.join("17.5.0/bin"), &account).await.unwrap();
    assert_eq!(binaries.version, "17.5");
}

#[tokio::test]
async fn something_else_than_was_asked_for_is_not_unpacked() {
    let (_folder, keep_in, account) = place();
    let expected = ArchiveDigest::of(b"what was asked for");
    let refused = verify_and_unpack(programs(), expected, &keep_in, "17.5.0", &account).await.unwrap_err();
    assert!(matches!(refused, DownloadError::Digest { .. }), "{refused}");
    assert!(refused.to_string().contains(&expected.to_string()), "{refused}");
    assert!(!keep_in.exists());
}

#[tokio::test]
async fn an_archive_that_gets_out_of_its_folder_is_not_unpacked() {
    use EntryType::{Char, Link, Regular, Symlink};
    let (_folder, keep_in, account) = place();
    let cases: &[(&[Made<'_>], &str)] = &[
        (&[(Regular, "/pg/a", "")], "not a path inside"),
        (&[(Regular, "pg/../../a", "")], "not a path inside"),
        (&[(Regular, "pg/a", ""), (Regular, "other/a", "")], "in another folder"),
        (&[(Symlink, "pg/a", "/etc")], "out of its folder"),
        (&[(Symlink, "pg/a", "../etc")], "out of its folder"),
        (&[(Symlink, "pg/b/a", "../../etc")], "out of its folder"),
        // By way of another link, it would be two folders higher.
        (&[(Symlink, "pg/b/c/up", "../.."), (Symlink, "pg/a", "b/c/up/../..")], "out of its folder"),
        (&[(Symlink, "pg/a", "b"), (Regular, "pg/a/b", "")], "behind a link"),
        (&[(Regular, "pg/a/b", ""), (Symlink, "pg/a", "b")], "more than once"),
        (&[(Symlink, "pg/a", "b"), (Regular, "pg/a", "")], "more than once"),
        (&[(Link, "pg/a", "/etc/passwd")], "out of its folder"),
        (&[(Link, "pg/a", "pg/../../b")], "out of its folder"),
        (&[(Char, "pg/a", "")], "neither a file"),
        (&[], "it is empty"),
    ];
    for (entries, words) in cases {
        let archive = archive(entries);
        let digest = ArchiveDigest::of(&archive);
        let refused = verify_and_unpack(archive, digest, &keep_in, "17.5.0", &account).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{entries:?}: {refused}");
    }
    let refused = archive::top_folder(b"no archive").unwrap_err();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
    assert!(!keep_in.exists());
}

#[test]
fn a_digest_is_64_hexadecimal_digits() {
    for text in ["", "12", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65), &"ä".repeat(32)] {
        assert_eq!(text.parse::<ArchiveDigest>(), Err(InvalidDigest), "{text}");
    }
}
