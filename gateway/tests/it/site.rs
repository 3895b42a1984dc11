//! A gateway at which people sign in, with services behind it that let everybody do everything.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::any;
use clap::Parser;
use futures::{StreamExt, stream};
use gateway::{AuthenticationArgs, AuthenticationFiles, Config};
use http::header;
use jetbridge_testing::TestService;
use shared_access::Role;
use shared_access::keys::{AccessKey, KeysFile, StoredKey};
use shared_service::ServerSettings;
use tempfile::TempDir;

use crate::identity_provider::{CLIENT, CLIENT_SECRET, IdentityProvider};
use crate::support::{all_at, config, serve, start};

const ACCESS_KEYS: &str = "access-keys";

/// What of it is another than usual.
pub(crate) struct SiteOptions {
    pub(crate) public: &'static str,
    pub(crate) more: Vec<&'static str>,
    pub(crate) session_keys: Vec<String>,
    /// One of its own, unless it is another site's.
    pub(crate) folder: Arc<Folder>,
    pub(crate) idle: Duration,
    pub(crate) in_all: Duration,
    pub(crate) allowed_origin: Option<&'static str>,
    /// The provider's tokens are taken, and nobody is led to it.
    pub(crate) for_programs_alone: bool,
}

pub(crate) struct Site {
    gateway: TestService,
    _services: TestService,
    pub(crate) folder: Arc<Folder>,
}

/// What several sites may have in common: the access keys of two agents.
pub(crate) struct Folder {
    folder: TempDir,
    pub(crate) gate_12: String,
    pub(crate) mallory: String,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = KeysFile::at(folder.path().join(ACCESS_KEYS));
        let [gate_12, mallory] = ["Gate 12", "Mallory"].map(|name| {
            let key = AccessKey::random();
            let (sha256, created) = (key.digest(), jiff::Timestamp::now());
            let name = name.parse().unwrap();
            let stored = StoredKey { name, sha256, roles: vec![Role::Agent], created, expires: None };
            file.change(|keys| {
                keys.push(stored);
                Ok(())
            })
            .unwrap();
            key.expose().to_owned()
        });
        Self { folder, gate_12, mallory }
    }

    fn access_keys(&self) -> PathBuf {
        self.folder.path().join(ACCESS_KEYS)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    authentication: AuthenticationArgs,
}

/// A feed in which nothing happens.
async fn endless() -> impl IntoResponse {
    let first = stream::once(async { Ok::<_, Infallible>(": hello\n\n") });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(first.chain(stream::pending())))
}

impl Site {
    pub(crate) async fn start(provider: &IdentityProvider, set: impl FnOnce(&mut SiteOptions)) -> Self {
        let hour = Duration::from_secs(3_600);
        let mut options = SiteOptions {
            public: "http://localhost:8080",
            more: Vec::new(),
            session_keys: Vec::new(),
            folder: Arc::new(Folder::new()),
            idle: hour,
            in_all: hour,
            allowed_origin: None,
            for_programs_alone: false,
        };
        set(&mut options);
        let SiteOptions { folder, .. } = &options;
        let secret = folder.write("client-secret", CLIENT_SECRET);
        let mut arguments = vec![
            "--authentication=keys,oidc".to_owned(),
            format!("--public-url={}", options.public),
            format!("--oidc-issuer={}", provider.issuer()),
            "--oidc-audience=flights".to_owned(),
            format!("--session-idle={}", options.idle.as_secs()),
            format!("--session-limit={}", options.in_all.as_secs()),
        ];
        if !options.for_programs_alone {
            arguments.push(format!("--oidc-client-id={CLIENT}"));
            arguments.push(format!("--oidc-client-secret-file={}", secret.display()));
        }
        if !options.session_keys.is_empty() {
            // Several sites may have one folder, and each other keys.
            let name = options.session_keys.iter().map(|key| &key[..1]).collect::<String>();
            let file = folder.write(&format!("session-keys-{name}"), &options.session_keys.join("\n"));
            arguments.push(format!("--session-keys-file={}", file.display()));
        }
        arguments.extend(options.more.iter().map(|argument| (*argument).to_owned()));
        let arguments = ["gateway".to_owned()].into_iter().chain(arguments);
        let allowed_origins: Vec<_> = options.allowed_origin.iter().map(|origin| origin.parse().unwrap()).collect();
        let files = AuthenticationFiles { access_keys: Some(folder.access_keys()), session_keys: None };
        let authentication = Arguments::parse_from(arguments).authentication.open(files, &allowed_origins).unwrap();
        let router = Router::new().route("/api/auditlog/events", any(endless)).fallback(async || "[]");
        let services = serve(router).await;
        let server = ServerSettings { allowed_origins, ..ServerSettings::default() };
        let gateway = start(Config { authentication, server, ..config(all_at(services.address())) }).await;
        Self { gateway, _services: services, folder: options.folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.gateway.url(path)
    }

    /// Takes an access key away.
    pub(crate) fn revoke(&self, name: &str) {
        let file = KeysFile::at(self.folder.access_keys());
        file.change(|keys| {
            keys.retain(|key| key.name.as_str() != name);
            Ok(())
        })
        .unwrap();
    }
}
