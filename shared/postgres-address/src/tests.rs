use proptest::prelude::*;
use tokio_postgres::Config;

use super::{Authorities, PostgresAddress, Protection};

fn address(text: &str) -> PostgresAddress {
    text.parse().unwrap()
}

/// What the driver reads.
fn read(address: &PostgresAddress) -> Config {
    address.expose().parse().unwrap()
}

#[test]
fn what_it_asks_for_is_found_in_both_forms_and_kept_from_the_driver() {
    let file = |file: &str| Protection::Verified(Authorities::InFile(file.to_owned()));
    let of_system = Protection::Verified(Authorities::OfSystem);
    for (text, rest, protection) in [
        ("postgres://a@db/x", "postgres://a@db/x", Protection::Unsaid),
        ("postgres://a@db/x?sslmode=prefer", "postgres://a@db/x", Protection::Preferred),
        ("postgres://a@db/x?sslmode=disable&options=b", "postgres://a@db/x?options=b", Protection::Plain),
        ("postgres://a@db?user=b&sslmode=require&user=c&", "postgres://a@db?user=b&user=c", Protection::Encrypted),
        ("postgres://a:s3?cret@db/x?sslmode=require", "postgres://a:s3?cret@db/x", Protection::Encrypted),
        ("postgres://a@db/x?sslmode=verify-full", "postgres://a@db/x", of_system.clone()),
        ("postgres://a@db/x?sslmode=verify-full&sslrootcert=system", "postgres://a@db/x", of_system.clone()),
        ("postgresql:///?sslrootcert=%2Fca.pem&sslmode=verify%2Dfull", "postgresql:///", file("/ca.pem")),
        ("postgres://db?sslmode=verify-full&sslrootcert=a&sslrootcert=b", "postgres://db", file("b")),
        ("postgres://a@db/x?ssl%6Dode=require", "postgres://a@db/x", Protection::Encrypted),
        ("postgres://a@db/x?sslmode=disable&sslmode=require", "postgres://a@db/x", Protection::Encrypted),
        ("", "", Protection::Unsaid),
        ("host=db user=a", "host='db' user='a'", Protection::Unsaid),
        ("host=db\nsslmode\t= disable", "host='db'", Protection::Plain),
        ("sslmode=prefer host=db", "host='db'", Protection::Preferred),
        ("host=db sslmode=disable sslmode=require", "host='db'", Protection::Encrypted),
        (" host = db sslmode=require ", "host='db'", Protection::Encrypted),
        ("sslmode='verify-full' host=db", "host='db'", of_system),
        (r"host=db sslmode=verify-full sslrootcert='/my \'ca\\'", "host='db'", file(r"/my 'ca\")),
        (r"sslmode=verify-full sslrootcert=/a\ b password='x=y z'", "password='x=y z'", file("/a b")),
    ] {
        assert_eq!(address(text).protection(), Ok(protection), "{text}");
        assert_eq!(address(text).without_protection().expose(), rest, "{text}");
    }
}

#[test]
fn what_would_be_less_safe_than_it_looks_is_refused() {
    for (parameters, words) in [
        ("sslmode=verify-ca", "must be disable, prefer, require or verify-full"),
        ("sslmode=allow", "must be disable, prefer, require or verify-full"),
        ("sslmode=Require", "must be disable, prefer, require or verify-full"),
        ("sslmode=''", "must be disable, prefer, require or verify-full"),
        ("sslrootcert=/ca.pem", "sslmode must be verify-full"),
        ("sslmode=require sslrootcert=/ca.pem", "sslmode must be verify-full"),
        ("sslmode=disable sslrootcert=/ca.pem", "sslmode must be verify-full"),
    ] {
        let url = format!("postgres://db/x?{}", parameters.replace(' ', "&").replace('\'', ""));
        for text in [format!("host=db {parameters}"), url] {
            let refusal = address(&text).protection().unwrap_err().to_string();
            assert!(refusal.contains(words), "{text}: {refusal}");
        }
    }
}

#[test]
fn what_is_no_address_is_refused_without_repeating_it() {
    for (text, words) in [
        ("mysql://ada:s3cret@db/things", "must be like postgres://"),
        ("postgres:/ada:s3cret@db", "must be like postgres://"),
        ("postgres://ada:s3cret@db?options", "must be like postgres://"),
        ("postgres://ada:s3cret@db?a=b&&c=d", "must be like postgres://"),
        ("postgres://ada:s3cret@db?%FF=b", "must be like postgres://"),
        ("s3cret", "must be like postgres://"),
        ("=s3cret", "must be like postgres://"),
        ("host=db s3cret", "must be like postgres://"),
        ("host=db password='s3cret", "a quote in it is not closed"),
        // To the driver, all of it before the @ would be a user: without protection.
        ("postgres://db/x?sslmode=require&application_name=s3cret@ship", "must be written as %40"),
    ] {
        let refusal = text.parse::<PostgresAddress>().unwrap_err().to_string();
        assert!(refusal.contains(words) && !refusal.contains("s3cret"), "{text}: {refusal}");
    }
}

#[test]
fn a_parameter_takes_the_place_of_the_same_one() {
    for (text, expected) in [
        ("postgres://ada@db/x", "postgres://ada@db/x?password=s3cr%2Ft%26%27%5C"),
        (
            "postgres://ada:old@db?password=a&user=b&password=c",
            "postgres://ada:old@db?user=b&password=s3cr%2Ft%26%27%5C",
        ),
        ("host=db password=old user=ada", r"host='db' user='ada' password='s3cr/t&\'\\'"),
    ] {
        let address = address(text).with_parameter("password", r"s3cr/t&'\");
        assert_eq!(address.expose(), expected);
        assert_eq!(read(&address).get_password(), Some(r"s3cr/t&'\".as_bytes()), "{text}");
        assert!(!format!("{address:?}").contains("s3cr"), "{address:?}");
    }
}

#[test]
fn options_that_are_there_are_kept() {
    for (text, expected) in [
        ("postgres://db/things", "-c a=b"),
        ("host=db", "-c a=b"),
        ("host=db options=''", "-c a=b"),
        ("postgres://db/things?options=-c%20work_mem%3D8MB%20-c%20c%3Dd%5C%20e", r"-c work_mem=8MB -c c=d\ e -c a=b"),
        (r"host=db options='-c work_mem=8MB -c c=d\\ e'", r"-c work_mem=8MB -c c=d\ e -c a=b"),
    ] {
        let address = address(text).with_options("-c a=b").unwrap();
        assert_eq!(read(&address).get_options(), Some(expected), "{text}");
    }
}

#[test]
fn nothing_else_changes_for_the_driver() {
    for text in [
        "postgres://ada:s3cret@db:5433/things",
        "postgres://ada:s3/cr?et@db:5433/things?application_name=a%26b%3D%40c",
        "postgresql://db",
        "postgresql://a:1,b,[::1]:2/x?connect_timeout=3&target_session_attrs=read-write",
        "postgresql:///things?host=%2Frun%2F%FFpostgresql&port=1",
        "postgresql://%2Frun%2F%FFpostgresql/things",
        r"host=a,/run/postgresql port=1,2 password='s3 \' \\ = cret' application_name=\'a\ b",
        "",
    ] {
        let (expected, edited) = (text.parse::<Config>().unwrap(), address(text).with_options("-c a=b").unwrap());
        assert_eq!(read(&edited).options(""), expected.clone().options(""), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read_as_the_driver_reads_it(text in r"(postgres://[a:@/?=&%4']{0,20})|([a= \\'x]{0,20})") {
        if let Ok(address) = text.parse::<PostgresAddress>() {
            let (ours, drivers) = (address.expose().parse::<Config>(), text.parse::<Config>());
            prop_assert!(ours.is_ok() || drivers.is_err(), "{text}: {}", address.expose());
            if let (Ok(ours), Ok(drivers)) = (ours, drivers) {
                prop_assert_eq!(ours, drivers, "{}", text);
            }
        }
    }

    #[test]
    fn any_value_arrives_in_both_forms(value in "\\PC{0,20}") {
        for text in ["postgres://db", "host=db"] {
            let address = address(text).with_parameter("application_name", &value);
            let config = read(&address);
            prop_assert_eq!(config.get_application_name(), Some(value.as_str()));
        }
    }
}
