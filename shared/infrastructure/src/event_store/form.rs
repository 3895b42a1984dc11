use eventstore::ClientSettings;
use serde::Deserialize;

use super::InvalidAddress;

/// What the library's settings say in their serialised form alone.
#[derive(Deserialize)]
pub(super) struct SettingsForm {
    pub(super) default_user_name: Option<Credentials>,
    /// In milliseconds.
    pub(super) keep_alive_interval: u64,
    /// In milliseconds.
    pub(super) keep_alive_timeout: u64,
    pub(super) connection_name: Option<String>,
}

/// The user and the password as they are in the address.
#[derive(Deserialize)]
pub(super) struct Credentials {
    pub(super) login: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl SettingsForm {
    pub(super) fn of(settings: &ClientSettings) -> Result<Self, InvalidAddress> {
        // Without the cause, which may quote the password.
        serde_json::to_value(settings).and_then(serde_json::from_value).map_err(|_| {
            InvalidAddress("the client library's settings have not the form that is known here".to_owned())
        })
    }
}
