//! Access keys for tests.

use clap::Parser;
use gateway::{Authentication, AuthenticationArgs};
use jetbridge_testing::TestService;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder};
use shared_access::Role;
use shared_access::keys::{AccessKey, KeysFile, StoredKey};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

use crate::support::{all_at, config, start};

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    authentication: AuthenticationArgs,
}

/// A file with keys.
pub(crate) struct Keys(TempDir);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("access-keys")
    }

    pub(crate) fn create(&self, name: &str, role: Role) -> String {
        self.create_until(name, role, None)
    }

    /// One that ends after a while.
    pub(crate) fn create_for(&self, name: &str, role: Role, time: Duration) -> String {
        self.create_until(name, role, Some(Timestamp::now() + SignedDuration::try_from(time).unwrap()))
    }

    fn create_until(&self, name: &str, role: Role, expires: Option<Timestamp>) -> String {
        let key = AccessKey::random();
        let (name, roles, created) = (name.parse().unwrap(), vec![role], Timestamp::now());
        let stored = StoredKey { name, sha256: key.digest(), roles, created, expires };
        let add = |keys: &mut Vec<StoredKey>| {
            keys.push(stored);
            Ok(())
        };
        KeysFile::at(self.file()).change(add).unwrap();
        key.expose().to_owned()
    }

    pub(crate) fn revoke(&self, name: &str) {
        let remove = |keys: &mut Vec<StoredKey>| {
            keys.retain(|key| key.name.as_str() != name);
            Ok(())
        };
        KeysFile::at(self.file()).change(remove).unwrap();
    }

    pub(crate) fn authentication(&self) -> Authentication {
        let file = self.file();
        let args = ["test", "--authentication", "keys", "--access-keys-file", file.to_str().unwrap()];
        Args::parse_from(args).authentication.open(gateway::AuthenticationFiles::default(), &[]).unwrap()
    }

    /// A gateway for those who have one of these keys, whose services are all at this address.
    pub(crate) async fn gateway(&self, services: SocketAddr) -> TestService {
        start(gateway::Config { authentication: self.authentication(), ..config(all_at(services)) }).await
    }
}

/// A request for this path by whoever has this key.
pub(crate) fn get(gateway: &TestService, path: &str, key: &str) -> RequestBuilder {
    Client::new().get(gateway.url(path)).bearer_auth(key)
}
