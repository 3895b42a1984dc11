use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use jiff::SignedDuration;
use shared_service::{HostName, Origin};
use url::Url;

use super::oidc::is_protected;
use super::seal::{SessionKeys, SessionKeysError};
use super::session::SessionLimits;

/// How people stay signed in.
#[derive(Debug, Clone, Args)]
pub struct SessionArgs {
    /// Where browsers find the gateway, such as https://flights.example.com. Its name need not be given with
    /// --public-host again
    #[arg(long, value_name = "URL", env = "JETBRIDGE_PUBLIC_URL")]
    #[allow(rustdoc::bare_urls, reason = "the help of the command line has no links")]
    public_url: Option<PublicUrl>,
    /// File with the secrets that sessions are sealed with, one on each line: the first seals, all open. The same for
    /// several gateways. Without it sessions end with the process
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_SESSION_KEYS_FILE")]
    session_keys_file: Option<PathBuf>,
    /// Seconds after which a session ends if nobody is at work
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_SESSION_IDLE", default_value_t = 3_600)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=2_592_000))]
    session_idle: u32,
    /// Seconds after which a session ends in any case
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_SESSION_LIMIT", default_value_t = 43_200)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=2_592_000))]
    session_limit: u32,
}

/// Where browsers find the gateway: an origin of https, or of http on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Origin);

/// A text is no [`PublicUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be like https://flights.example.com, without a path; http is for this machine alone")]
pub struct InvalidPublicUrl;

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let is_protected = Url::parse(text).is_ok_and(|url| is_protected(&url));
        let origin = text.parse().ok().filter(|_| is_protected);
        origin.map(Self).ok_or(InvalidPublicUrl)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SessionArgs {
    pub(super) fn public(&self) -> Option<&Origin> {
        self.public_url.as_ref().map(|url| &url.0)
    }

    /// The name in the address at which browsers find the gateway; `None` for an IP address, to which it answers anyway.
    #[must_use]
    pub fn public_host(&self) -> Option<HostName> {
        let url = Url::parse(self.public()?.as_str()).ok()?;
        url.domain()?.parse().ok()
    }

    /// Whether files are named that not everybody can read.
    pub(super) const fn names_files(&self) -> bool {
        self.session_keys_file.is_some()
    }

    pub(super) fn limits(&self) -> SessionLimits {
        let [idle, in_all] = [self.session_idle, self.session_limit];
        SessionLimits { idle: SignedDuration::from_secs(idle.into()), in_all: SignedDuration::from_secs(in_all.into()) }
    }

    /// The keys from the file that is set, or from the one in `own_file`, which is made if it is not there.
    pub(super) fn keys(&self, own_file: Option<&Path>) -> Result<SessionKeys, SessionKeysError> {
        match (&self.session_keys_file, own_file) {
            (Some(file), _) => SessionKeys::read(file),
            (None, Some(file)) => SessionKeys::read_or_make(file),
            (None, None) => {
                tracing::info!("sessions end with this process: there is no --session-keys-file");
                SessionKeys::random()
            }
        }
    }
}
