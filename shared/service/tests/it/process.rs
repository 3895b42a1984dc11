use clap::{CommandFactory, Parser};
use shared_kernel::{Domain, Stream};
use shared_service::domain_service::{DomainService, DomainServiceArgs, ServiceKind};
use shared_service::process::ServiceArgs;
use shared_service::settings::{AppendArgs, InvalidServiceUrls, SecretUrl, ServiceUrl, ServiceUrls};
use shared_service::telemetry::LogFormat;

const BOXES: &Domain = &Domain {
    name: "box",
    stream: Stream::new("box-stream", "b"),
    collections: &["boxes", "lids"],
    id_field: "boxId",
    calls: &["other"],
    problem_types: &[],
    api_port: 8081,
    processor_port: 8091,
};

#[derive(Debug)]
struct BoxApi;

impl DomainService for BoxApi {
    const DOMAIN: &'static Domain = BOXES;
    const KIND: ServiceKind = ServiceKind::Api;
    const PURPOSE: &'static str = "commands and queries of";
}

type Args = DomainServiceArgs<BoxApi, AppendArgs>;

const REQUIRED: [&str; 7] = [
    "service",
    "--database-url",
    "postgres://ada:s3cret@db/things",
    "--event-store",
    "esdb://admin:changeit@a:2113,b:2113?tls=false",
    "--other-api",
    "http://other-api:8081",
];

#[test]
fn settings_come_from_flags() {
    let args = Args::try_parse_from(REQUIRED).unwrap();
    assert_eq!(args.listen().to_string(), "127.0.0.1:8081");
    assert_eq!(args.database().unwrap().expose(), "postgres://ada:s3cret@db/things");
    assert_eq!(args.apis().unwrap()["other"].iter().next().unwrap().authority().as_str(), "other-api:8081");
    assert_eq!(args.own.append_bytes, 524_288);
    assert_eq!(args.log().filter, "info");
    assert_eq!(args.log().format, LogFormat::Text);
}

#[test]
fn where_the_other_domains_are_has_to_be_said() {
    let error = Args::try_parse_from(&REQUIRED[..5]).unwrap_err().to_string();
    assert!(error.contains("--other-api <URL>"), "{error}");
    let wrong = Args::try_parse_from(REQUIRED.map(|arg| if arg.starts_with("http:") { "other-api" } else { arg }));
    assert!(wrong.unwrap_err().to_string().contains("must be like http://host:port"));
}

#[test]
fn every_flag_has_its_variable() {
    let command = Args::command();
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
        let flag = argument.get_long().unwrap();
        let expected = format!("JETBRIDGE_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(argument.get_env().unwrap().to_str(), Some(&*expected));
    }
}

#[test]
fn passwords_are_not_shown() {
    let args = Args::try_parse_from(REQUIRED).unwrap();
    let shown = format!("{args:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("changeit") && !shown.contains("ada"), "{shown}");
    for (url, display) in [
        ("postgres://ada:s3cret@db:5432/things", "postgres://***@db:5432/things"),
        ("postgres://ada:s3/cr?e@t@db/things?password=x", "postgres://***@db/things"),
        ("postgres://db/things?user=ada&password=s3cret", "postgres://db/things"),
        ("esdb://admin:changeit@a:2113,b:2113?tls=false", "esdb://***@a:2113,b:2113"),
        ("host=db password=s3cret", "***"),
        ("", "***"),
    ] {
        assert_eq!(SecretUrl::new(url).to_string(), display);
    }
}

#[test]
fn addresses_of_services_have_no_path() {
    for url in ["http://localhost:8081", "http://127.0.0.1:1", "http://[::1]:8081", "https://other-api"] {
        assert_eq!(url.parse::<ServiceUrl>().unwrap().to_string(), url);
    }
    assert_eq!("http://a:1/".parse::<ServiceUrl>().unwrap().to_string(), "http://a:1");
    for url in ["", "a", "a:1", "/", "ftp://a", "https://a..b", "http://", "http://a/b", "http://a?b", "http://u:p@a"] {
        assert!(url.parse::<ServiceUrl>().is_err(), "{url}");
    }
}

#[test]
fn a_service_may_have_several_addresses() {
    let urls: ServiceUrls = "http://a:1, http://b:1".parse().unwrap();
    assert_eq!(urls.iter().map(ToString::to_string).collect::<Vec<_>>(), ["http://a:1", "http://b:1"]);
    for urls in ["", "http://a:1,", "http://a:1,http://a:1", "http://a:1;http://b:1", "http://a:1,b"] {
        assert!(urls.parse::<ServiceUrls>().is_err(), "{urls}");
    }
    let many = (0..65).map(|port| format!("http://a:{port}")).collect::<Vec<_>>().join(",");
    assert_eq!(many.parse::<ServiceUrls>(), Err(InvalidServiceUrls::TooMany));
}

#[test]
fn plain_http_goes_no_further_than_near_networks_unless_asked_for_by_name() {
    let parse = |host: &str, more: &[&str]| {
        let url = format!("http://{host}:80");
        let arguments = REQUIRED[..6].iter().copied().chain([url.as_str()]).chain(more.iter().copied());
        Args::try_parse_from(arguments).unwrap().apis().map(drop)
    };
    for near in [
        "gate-api",
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.7",
        "[::1]",
        "[fd00::7]",
        "[fe80::1]",
    ] {
        parse(near, &[]).unwrap();
    }
    for far in ["a.example", "8.8.8.8", "172.32.0.1", "100.64.0.1", "[2001:db8::1]", "[::ffff:8.8.8.8]", "134744072"] {
        let refusal = parse(far, &["--allow-plain-http", "b.example"]).unwrap_err().to_string();
        assert!(refusal.contains(&format!("--allow-plain-http {far}")), "{refusal}");
        parse(far, &["--allow-plain-http", &format!("b.example,{}", far.to_uppercase())]).unwrap();
    }
}

#[test]
fn services_over_tls_may_be_anywhere() {
    let parse = |url: &str, more: &[&str]| {
        let arguments = REQUIRED[..6].iter().copied().chain([url]).chain(more.iter().copied());
        Args::try_parse_from(arguments).unwrap()
    };
    parse("https://a.example:80", &[]).apis().unwrap();
    assert!(parse("http://a.example:80", &[]).trust().unwrap().config().is_none(), "nobody has to prove anything");
    let refusal = parse("https://a.example:80", &["--service-ca-file", "/nowhere/ca.pem"]).trust().unwrap_err();
    assert!(refusal.to_string().contains("/nowhere/ca.pem"), "{refusal}");
}
