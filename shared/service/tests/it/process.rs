use clap::{CommandFactory, Parser};
use shared_service::settings::{DatabaseArgs, EventStoreArgs, FlightApiArgs, ListenArgs, SecretUrl, ServiceUrl};
use shared_service::telemetry::{LogArgs, LogFormat};

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs<8081>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    event_store: EventStoreArgs,
    #[command(flatten)]
    flight: FlightApiArgs,
    #[command(flatten)]
    log: LogArgs,
}

const REQUIRED: [&str; 7] = [
    "service",
    "--database-url",
    "postgres://ada:s3cret@db/flights",
    "--event-store",
    "esdb://admin:changeit@a:2113,b:2113?tls=false",
    "--flight-api",
    "http://flight-api:8081",
];

#[test]
fn settings_come_from_flags() {
    let args = Args::try_parse_from(REQUIRED).unwrap();
    assert_eq!(args.listen.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(args.database.database_url.expose(), "postgres://ada:s3cret@db/flights");
    assert_eq!(args.flight.flight_api.authority().as_str(), "flight-api:8081");
    assert_eq!(args.log.filter, "info");
    assert_eq!(args.log.format, LogFormat::Text);
}

#[test]
fn every_flag_has_its_variable_and_never_shows_what_is_in_it() {
    let command = Args::command();
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
        let flag = argument.get_long().unwrap();
        let expected = format!("JETBRIDGE_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(argument.get_env().unwrap().to_str(), Some(&*expected));
        assert!(argument.is_hide_env_values_set(), "{flag}");
    }
}

#[test]
fn passwords_are_not_shown() {
    let args = Args::try_parse_from(REQUIRED).unwrap();
    let shown = format!("{args:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("changeit") && !shown.contains("ada"), "{shown}");
    for (url, display) in [
        ("postgres://ada:s3cret@db:5432/flights", "postgres://***@db:5432/flights"),
        ("postgres://ada:s3/cr?e@t@db/flights?password=x", "postgres://***@db/flights"),
        ("postgres://db/flights?user=ada&password=s3cret", "postgres://db/flights"),
        ("esdb://admin:changeit@a:2113,b:2113?tls=false", "esdb://***@a:2113,b:2113"),
        ("host=db password=s3cret", "***"),
        ("", "***"),
    ] {
        assert_eq!(SecretUrl::new(url).to_string(), display);
    }
}

#[test]
fn addresses_of_services_are_plain_http_without_a_path() {
    for url in ["http://localhost:8081", "http://127.0.0.1:1", "http://[::1]:8081", "http://flight-api"] {
        assert_eq!(url.parse::<ServiceUrl>().unwrap().to_string(), url);
    }
    assert_eq!("http://a:1/".parse::<ServiceUrl>().unwrap().to_string(), "http://a:1");
    for url in ["", "a", "a:1", "/", "https://a:1", "ftp://a", "http://", "http://a/b", "http://a?b", "http://u:p@a"] {
        assert!(url.parse::<ServiceUrl>().is_err(), "{url}");
    }
}
