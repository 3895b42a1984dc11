use shared_service::settings::SecretUrl;
use tokio_postgres::Config;

use super::in_schema;

fn options(address: &str) -> String {
    let config: Config = address.parse().unwrap();
    let address = in_schema(&SecretUrl::new(address), &config, "flight");
    let in_schema: Config = address.expose().parse().unwrap();
    // Nothing else has changed.
    assert_eq!(in_schema.clone().options(""), config.clone().options(""));
    in_schema.get_options().unwrap().to_owned()
}

#[test]
fn every_form_of_address_gets_the_search_path() {
    for address in [
        "postgres://ada:s3cret@db:5433/flights",
        "postgresql://db",
        "postgresql://db?connect_timeout=3",
        "postgresql:///flights?host=%2Frun%2Fpostgresql",
        r"host=db password='s3 \' cret'",
    ] {
        assert_eq!(options(address), "-c search_path=jetbridge_flight,public", "{address}");
    }
}

#[test]
fn options_that_are_there_are_kept() {
    let expected = r"-c work_mem=8MB -c a=b\ c -c search_path=jetbridge_flight,public";
    for address in [
        "postgres://db/flights?options=-c%20work_mem%3D8MB%20-c%20a%3Db%5C%20c",
        r"host=db options='-c work_mem=8MB -c a=b\\ c'",
    ] {
        assert_eq!(options(address), expected, "{address}");
    }
}
