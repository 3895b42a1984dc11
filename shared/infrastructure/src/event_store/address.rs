//! From an `esdb://` address to the settings of the library's client.

use std::path::Path;
use std::str::FromStr;

use eventstore::ClientSettings;
use shared_tls as ca;

use super::InvalidAddress;
use super::connection::AUTHORITY;
use super::form::SettingsForm;

/// What an address must be like, for errors: those of the library repeat the address, password included.
const FORM: &str = "it must have the form esdb://USER:PASSWORD@HOST:2113?tls=true, with as many hosts, separated by commas, \
     as there are nodes";
/// What the client library can send.
const CHARACTERS: &str = "its user and password may consist of letters, digits and -._~!$&'()*+ only";

pub(super) fn settings(address: &str) -> Result<ClientSettings, InvalidAddress> {
    let settings = ClientSettings::from_str(&with_quick_defaults(address)).map_err(|error| {
        InvalidAddress(if error.error().is_some() { FORM.to_owned() } else { error.message().to_owned() })
    })?;
    if let Some(file) = settings.tls_ca_file().filter(|_| settings.is_secure_mode_enabled()) {
        // Said here in words that name the setting.
        ca::from_file(Path::new(file), AUTHORITY).map_err(|error| InvalidAddress(error.to_string()))?;
    }
    check_credentials(&settings)?;
    Ok(settings)
}

/// Adds settings that the address leaves open: a dead peer that nothing is asked of is noticed by keep-alive alone.
fn with_quick_defaults(address: &str) -> String {
    let mut address = address.to_owned();
    for (name, value) in [("keepAliveInterval", "10000"), ("keepAliveTimeout", "10000")] {
        if !address.to_ascii_lowercase().contains(&format!("{}=", name.to_ascii_lowercase())) {
            let separator = if address.contains('?') { '&' } else { '?' };
            address.push_str(&format!("{separator}{name}={value}"));
        }
    }
    address
}

/// The library takes user and password as they are in the address, percent-encoded, and sends them so: the event store
/// would refuse them, and nobody would see why.
fn check_credentials(settings: &ClientSettings) -> Result<(), InvalidAddress> {
    let Some(credentials) = SettingsForm::of(settings)?.default_user_name else { return Ok(()) };
    if [credentials.login, credentials.password].iter().any(|part| part.contains(&b'%')) {
        Err(InvalidAddress(CHARACTERS.to_owned()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
