use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use shared_service::ErrorChain;
use shared_service::secret::Secret;
use shared_service::settings::{DatabaseArgs, EventStoreArgs};

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    event_store: EventStoreArgs,
}

fn parse(more: &[&str]) -> Args {
    let required = ["service", "--database-url", "postgres://ada@db/things", "--event-store", "esdb://a:2113,b:2113"];
    Args::try_parse_from(required.iter().chain(more)).unwrap()
}

fn file(folder: &Path, contents: impl AsRef<[u8]>) -> PathBuf {
    let file = folder.join("password");
    fs::write(&file, contents).unwrap();
    file
}

#[test]
fn passwords_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "s3cr/t&-_.~ü\r\n");
    let file = file.to_str().unwrap();
    let args = parse(&[
        "--database-password-file",
        file,
        "--database-ca-file",
        "/run/ca.pem",
        "--event-store-user",
        "ops",
        "--event-store-password-file",
        file,
        "--event-store-ca-file",
        "/run/ca.pem",
    ]);
    let database = args.database.address().unwrap();
    let encoded = "s3cr%2Ft%26%2D%5F%2E%7E%C3%BC";
    let expected = format!("postgres://ada@db/things?sslrootcert=%2Frun%2Fca%2Epem&password={encoded}");
    assert_eq!(database.expose(), expected);
    let event_store = args.event_store.address().unwrap();
    let expected = "esdb://ops:s3cr%2Ft&-_.~%C3%BC@a:2113,b:2113?tlsCAFile=%2Frun%2Fca%2Epem";
    assert_eq!(event_store.expose(), expected);
    let shown = format!("{args:?} {database:?} {database} {event_store:?} {event_store} {:?}", Secret::new("s3cret!"));
    assert!(!shown.contains("s3cr"), "{shown}");
}

#[test]
fn a_file_wins_over_what_is_in_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let password = file(folder.path(), "from-file");
    let mut args = parse(&["--event-store-user", "ops", "--event-store-password-file", password.to_str().unwrap()]);
    args.event_store.event_store = "esdb://ada:old@a:2113?tls=true&connectionName=x@y".parse().unwrap();
    let address = args.event_store.address().unwrap();
    assert_eq!(address.expose(), "esdb://ops:from-file@a:2113?tls=true&connectionName=x@y");

    args.database.database_password_file = Some(password);
    args.database.database_url = "host=db user=ada password=old".parse().unwrap();
    assert_eq!(args.database.address().unwrap().expose(), "host='db' user='ada' password='from-file'");
}

#[test]
fn what_is_no_address_of_a_database_is_refused_without_its_password() {
    let mut args = parse(&[]);
    args.database.database_url = "mysql://ada:s3cret@db/things".parse().unwrap();
    let refusal = ErrorChain(&args.database.address().unwrap_err()).to_string();
    let expected = "the database address is not usable: it must be like postgres://user:password@host/database";
    assert_eq!(refusal, expected);
}

#[test]
fn an_event_store_user_needs_a_password_and_the_other_way_round() {
    let required = ["service", "--database-url", "postgres://db/x", "--event-store", "esdb://a"];
    for more in [["--event-store-user", "ops"], ["--event-store-password-file", "/run/password"]] {
        assert!(Args::try_parse_from(required.iter().chain(&more)).is_err());
    }
}

#[test]
fn what_is_no_secret_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (contents, words) in [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("change-me\n", "holds an example"),
        ("CHANGE_ME_PLEASE", "holds an example"),
        ("changeit", "holds an example"),
        ("Password", "holds an example"),
        ("<your password>", "holds an example"),
        ("one\ntwo", "must hold one line"),
        ("nul\0", "must hold one line"),
    ] {
        let file = file(folder.path(), contents);
        let error = Secret::read(&file).unwrap_err();
        let shown = ErrorChain(&error).to_string();
        assert!(shown.contains(words), "{contents:?}: {shown}");
        assert!(shown.contains(file.to_str().unwrap()) && shown.contains("openssl rand -hex 32"), "{shown}");
        assert!(contents.trim().is_empty() || !shown.contains(contents.trim()), "{shown}");
    }
    for contents in [vec![b'a'; 1_025], vec![b'a'; 1_000_000], vec![0xff, 0xfe]] {
        let file = file(folder.path(), contents);
        assert!(Secret::read(&file).unwrap_err().to_string().contains("must hold one line"));
    }
    for (contents, words) in [("\n \n", "is empty"), ("one\nchange-me\n", "holds an example")] {
        let file = file(folder.path(), contents);
        assert!(Secret::read_lines(&file).unwrap_err().to_string().contains(words));
    }
    let long = file(folder.path(), "a line\n".repeat(10_000));
    assert!(Secret::read_lines(&long).unwrap_err().to_string().contains("must hold one line"));
    let several = Secret::read_lines(&file(folder.path(), "the new one\n\n the old one \n")).unwrap();
    assert_eq!(several.iter().map(Secret::expose).collect::<Vec<_>>(), ["the new one", "the old one"]);
    let missing = Secret::read(&folder.path().join("missing")).unwrap_err();
    assert!(ErrorChain(&missing).to_string().contains("missing: No such file"), "{}", ErrorChain(&missing));
}
