use super::{Authorities, Protection};

#[test]
fn protection_is_taken_out_of_the_address() {
    let file = |file: &str| Protection::Verified(Authorities::InFile(file.to_owned()));
    let of_system = Protection::Verified(Authorities::OfSystem);
    for (address, rest, protection) in [
        ("postgres://a@db/x", "postgres://a@db/x", Protection::Plain),
        ("host=db user=a", "host=db user=a", Protection::Plain),
        ("postgres://a@db/x?sslmode=prefer", "postgres://a@db/x", Protection::Plain),
        ("postgres://a@db/x?sslmode=disable&options=b", "postgres://a@db/x?options=b", Protection::Plain),
        ("postgres://a@db/x?options=b&sslmode=require&c", "postgres://a@db/x?options=b&c", Protection::Encrypted),
        ("postgres://a@db/x?sslmode=verify-full", "postgres://a@db/x", of_system.clone()),
        ("postgres://a@db/x?sslmode=verify-full&sslrootcert=system", "postgres://a@db/x", of_system),
        (
            "postgres://a@db/x?sslrootcert=%2Frun%2Fca.pem&sslmode=verify%2Dfull",
            "postgres://a@db/x",
            file("/run/ca.pem"),
        ),
        ("postgres://a@db/x?sslmode=verify-full&sslrootcert=a&sslrootcert=b", "postgres://a@db/x", file("b")),
    ] {
        assert_eq!(Protection::take_from(address), Ok((rest.to_owned(), protection)), "{address}");
    }
}

#[test]
fn what_would_be_less_safe_than_it_looks_is_refused() {
    for (address, words) in [
        ("postgres://db/x?sslmode=verify-ca", "must be disable, prefer, require or verify-full"),
        ("postgres://db/x?sslmode=", "must be disable, prefer, require or verify-full"),
        ("postgres://db/x?sslrootcert=/ca.pem", "sslmode must be verify-full"),
        ("postgres://db/x?sslmode=require&sslrootcert=/ca.pem", "sslmode must be verify-full"),
    ] {
        let refusal = Protection::take_from(address).unwrap_err();
        assert!(refusal.contains(words), "{address}: {refusal}");
    }
}
