//! The defaults of the settings are those of the program that has none of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clap::Parser;
use shared_infrastructure::executor::ExecutorSettings;
use shared_infrastructure::ledger::FORGET_AFTER;
use shared_infrastructure::postgres::POOLED_CONNECTIONS;
use shared_service::settings::{AppendArgs, DatabaseArgs};

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    append: AppendArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn parse(more: &[&str]) -> Result<Args, clap::Error> {
    Args::try_parse_from(["service", "--database-url", "postgres://db/things"].iter().chain(more))
}

#[test]
fn the_defaults_of_the_settings_are_those_in_the_code() {
    let Args { append, database } = parse(&[]).unwrap();
    assert_eq!(append.forget_after(), FORGET_AFTER);
    let AppendArgs { append_bytes, command_queue, .. } = append;
    assert_eq!(ExecutorSettings { append_bytes, command_queue }, ExecutorSettings::default());
    assert_eq!(database.database_connections, POOLED_CONNECTIONS);
}

#[test]
fn what_nothing_could_work_with_is_refused() {
    for (setting, least, most) in
        [("--append-bytes", 1, 524_288), ("--command-queue", 1, 100_000), ("--database-connections", 1, 1_000)]
    {
        for value in [least, most] {
            parse(&[setting, &value.to_string()]).unwrap();
        }
        for value in [least - 1, most + 1] {
            let refusal = parse(&[setting, &value.to_string()]).unwrap_err().to_string();
            assert!(refusal.contains(&format!("{value} is not in {least}..={most}")), "{refusal}");
        }
    }
}
