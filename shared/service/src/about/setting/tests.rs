#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use super::*;
use crate::ServiceTokenArgs;
use crate::settings::{DatabaseArgs, EventStoreArgs, ServiceUrls};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    event_store: EventStoreArgs,
    #[command(flatten)]
    tokens: ServiceTokenArgs,
    #[arg(long)]
    boxes_api: Option<ServiceUrls>,
    #[arg(long, value_name = "URL")]
    collector: Option<String>,
    #[arg(long)]
    api_token: Option<String>,
    #[arg(long)]
    keystone: Option<String>,
    #[command(flatten)]
    more: More,
}

#[derive(Debug, Args)]
struct More {
    #[arg(long)]
    drain: bool,
}

/// The settings of a program with these arguments, beside those that it has to have.
fn with(arguments: &[&str]) -> Vec<Setting> {
    let needed =
        ["program", "--database-url", "postgres://u:hush@db/boxes", "--event-store", "esdb://es:2113?tls=false"];
    let command = Program::command().args_override_self(true);
    let matches = command.clone().try_get_matches_from(needed.iter().chain(arguments)).unwrap();
    Program::from_arg_matches(&matches).unwrap();
    of(&command, &matches)
}

fn value(settings: &[Setting], name: &str) -> Option<String> {
    settings.iter().find(|setting| setting.name == name).unwrap().value.clone()
}

#[test]
fn addresses_lose_what_is_secret_in_them() {
    for (given, shown) in [
        ("postgres://user:hush@db:5432/boxes", "postgres://db:5432/boxes"),
        ("postgres://user@db/boxes?sslmode=require", "postgres://db/boxes?sslmode=require"),
        (
            "postgres://db/boxes?user=me&password=hush&sslMode=disable",
            "postgres://db/boxes?user=…&password=…&sslMode=disable",
        ),
        ("postgres://user:hu/sh@db/boxes", "postgres://db/boxes"),
        ("postgres://user:hu@sh@db/boxes", "postgres://db/boxes"),
        ("postgres://user:hu#sh@db/boxes", "postgres://db/boxes"),
        ("postgres://user:hu?sh@db/boxes", HIDDEN),
        ("postgres://db/boxes?password=hu@sh", HIDDEN),
        ("host=db password=hush", HIDDEN),
        ("hush", HIDDEN),
    ] {
        assert_eq!(value(&with(&["--database-url", given]), "--database-url").unwrap(), shown, "{given}");
    }
    let cluster = "esdb://admin:hush@a:2113,b:2113,c:2113?tls=true&userCertFile=x";
    let shown = value(&with(&["--event-store", cluster]), "--event-store").unwrap();
    assert_eq!(shown, "esdb://a:2113,b:2113,c:2113?tls=true&userCertFile=…");
}

#[test]
fn what_sounds_secret_is_not_shown_and_files_are_by_their_path_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hush");
    std::fs::write(&file, "hush hush hush").unwrap();
    let file = file.to_str().unwrap();
    let settings = with(&["--database-password-file", file, "--service-token-file", file, "--api-token", "hush"]);
    assert_eq!(value(&settings, "--database-password-file").unwrap(), file);
    assert_eq!(value(&settings, "--service-token-file").unwrap(), file);
    assert_eq!(value(&settings, "--api-token").unwrap(), HIDDEN);
    let settings = with(&["--collector", "http://me:hush@collector:4318", "--keystone", "a word"]);
    assert_eq!(value(&settings, "--collector").unwrap(), HIDDEN);
    assert_eq!(value(&settings, "--keystone").unwrap(), "a word");
    let settings = with(&["--collector", "http://collector:4318?api=hush"]);
    assert_eq!(value(&settings, "--collector").unwrap(), "http://collector:4318?api=…");
    let apis = "http://one:8081,http://other:8081";
    assert_eq!(value(&with(&["--boxes-api", apis]), "--boxes-api").unwrap(), apis);
    let all = serde_json::to_string(&with(&["--api-token", "hush"])).unwrap();
    assert!(!all.contains("hush"), "{all}");
}

#[test]
fn each_setting_says_who_has_set_it() {
    let settings = with(&["--drain"]);
    let source = |name: &str| settings.iter().find(|setting| setting.name == name).unwrap().source;
    assert_eq!(source("--drain"), Some(Source::CommandLine));
    assert_eq!(source("--database-connections"), Some(Source::Default));
    assert_eq!(value(&settings, "--database-connections").unwrap(), "16");
    assert_eq!((source("--collector"), value(&settings, "--collector")), (None, None));
    assert!(settings.iter().all(|setting| setting.name != "--help"));
}
