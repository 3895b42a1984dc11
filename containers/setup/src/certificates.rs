use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};

use crate::secrets;

/// The common name by which nodes of EventStoreDB know each other.
const NODE_COMMON_NAME: &str = "eventstoredb-node";

/// A node of the event store.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    name: String,
    folder: PathBuf,
}

impl FromStr for Node {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
                Ok(Self { name: name.to_owned(), folder: PathBuf::from(folder) })
            }
            _ => Err("must be like NAME=FOLDER"),
        }
    }
}

/// There are no usable certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// Some of the files are there, some are not.
    #[error("{} is missing, but other certificates are there; remove them all to have new ones made", .0.display())]
    Incomplete(PathBuf),
    /// A certificate cannot be made.
    #[error("cannot make the certificates")]
    Unmade(#[from] rcgen::Error),
    /// A file cannot be written.
    #[error("cannot write {}; let this user write to its folder", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes sure that authority and nodes have certificates, and says what was done.
pub(crate) fn ensure(authority: &Path, nodes: &[Node]) -> Result<String, CertificateError> {
    let authority = authority.join("ca.crt");
    let mut files = vec![authority.clone()];
    files.extend(nodes.iter().flat_map(|node| [node.folder.join("node.crt"), node.folder.join("node.key")]));
    let missing: Vec<_> = files.iter().filter(|file| !file.exists()).collect();
    match missing.first() {
        None => return Ok("certificates: kept".to_owned()),
        Some(first) if missing.len() < files.len() => return Err(CertificateError::Incomplete(first.to_path_buf())),
        Some(_) => {}
    }

    let issuer = CertifiedIssuer::self_signed(authority_params(), key()?)?;
    for node in nodes {
        let key = key()?;
        let certificate = node_params(&node.name)?.signed_by(&key, &issuer)?;
        write(node.folder.join("node.key"), &key.serialize_pem())?;
        write(node.folder.join("node.crt"), &certificate.pem())?;
    }
    write(authority, &issuer.pem())?;
    Ok(format!("certificates: made for {} nodes", nodes.len()))
}

/// EventStoreDB wants RSA keys.
fn key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Jetbridge event store authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn node_params(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, NODE_COMMON_NAME);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn write(path: PathBuf, text: &str) -> Result<(), CertificateError> {
    secrets::write(&path, text.as_bytes()).map_err(|source| CertificateError::Unwritable { path, source })
}
