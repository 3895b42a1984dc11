use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tempfile::tempdir;

use crate::setup;

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

fn is_vouched_for(authority: &Path, node: &Path, name: &str) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(authority)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(&certificate(node), &[], &name, &[], UnixTime::now()).is_ok()
}

#[test]
fn every_node_gets_a_certificate_that_the_authority_vouches_for() {
    let folder = tempdir().unwrap();
    let [authority, one, two] = ["authority", "one", "two"].map(|name| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    });
    let nodes = [format!("event-store-1={}", one.display()), format!("event-store-2={}", two.display())];
    let authority_folder = authority.to_str().unwrap();
    let arguments = ["certificates", "--authority", authority_folder, "--node", &nodes[0], "--node", &nodes[1]];
    assert_eq!(setup(&arguments).unwrap(), "certificates: made for 2 nodes\n");

    let ca = authority.join("ca.crt");
    for (node, name, other) in [(&one, "event-store-1", "event-store-2"), (&two, "event-store-2", "event-store-1")] {
        let file = node.join("node.crt");
        assert!(is_vouched_for(&ca, &file, name) && is_vouched_for(&ca, &file, "127.0.0.1"));
        assert!(!is_vouched_for(&ca, &file, other));
        PrivateKeyDer::from_pem_file(node.join("node.key")).unwrap();
    }
    assert_ne!(fs::read(one.join("node.key")).unwrap(), fs::read(two.join("node.key")).unwrap());
    assert_eq!(fs::read_dir(&authority).unwrap().count(), 1, "the authority's key is not kept");

    let before = fs::read(&ca).unwrap();
    assert_eq!(setup(&arguments).unwrap(), "certificates: kept\n");
    assert_eq!(fs::read(&ca).unwrap(), before);

    fs::remove_file(two.join("node.crt")).unwrap();
    let error = setup(&arguments).unwrap_err();
    assert!(error.contains("two/node.crt is missing") && error.contains("remove them all"), "{error}");
}

#[test]
fn a_node_has_a_name_and_a_folder() {
    for node in ["event-store-1", "=folder", "event-store-1="] {
        let error = setup(&["certificates", "--authority", ".", "--node", node]).unwrap_err();
        assert!(error.contains("must be like NAME=FOLDER"), "{error}");
    }
}
