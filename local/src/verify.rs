//! Checking a running system.

use std::process::ExitCode;
use std::time::Duration;

use jetbridge_verify::{EXIT_UNCHECKED, Stores, Summary};
use shared_service::settings::SecretUrl;

use crate::database;
use crate::domains::DomainServices;
use crate::error::{Report, SystemError};
use crate::running::Running;
use crate::settings::VerifySettings;

/// Checks the system, and says what it finds on standard output.
pub(crate) async fn run(domains: &[DomainServices], settings: &VerifySettings) -> Result<Summary, SystemError> {
    let stores = stores(domains, settings)?;
    Ok(jetbridge_verify::verify_aloud(&stores, Duration::from_secs(settings.settle)).await?)
}

/// What the program ends with, and its error if the system could not be checked.
pub(crate) fn verdict(verified: Result<Summary, SystemError>) -> (ExitCode, Result<(), Report>) {
    match verified {
        Ok(summary) => (summary.exit_code(), Ok(())),
        Err(error) => (ExitCode::from(EXIT_UNCHECKED), Err(error.into())),
    }
}

/// Where the data is: what is given, and the rest as it is written down by the program that runs.
fn stores(domains: &[DomainServices], settings: &VerifySettings) -> Result<Stores, SystemError> {
    let domains: Vec<_> = domains.iter().map(|services| services.domain).collect();
    let given = |address: &SecretUrl| address.expose().to_owned();
    let of = |domain: &shared_kernel::Domain, own: &Option<SecretUrl>| -> Result<String, SystemError> {
        if let Some(address) = own {
            return Ok(given(address));
        }
        if let Some(address) = &settings.database_url {
            let addresses = domains.iter().map(|domain| domain.name).zip(database::addresses(address, &domains)?);
            let mut address = addresses.filter(|(name, _)| *name == domain.name).map(|(_, address)| given(&address));
            return address.next().ok_or(SystemError::NotRunning { path: settings.folder.data_dir.clone() });
        }
        let mut running = Running::read(&settings.folder.data_dir)?;
        let path = &settings.folder.data_dir;
        running.databases.remove(domain.name).ok_or_else(|| SystemError::UnreadableRunning { path: path.clone() })
    };
    Ok(Stores {
        event_store: match &settings.event_store {
            Some(address) => given(address),
            None => Running::read(&settings.folder.data_dir)?.event_store,
        },
        flight_database: of(flight_contract::DOMAIN, &settings.flight_database_url)?,
        passenger_database: of(passenger_contract::DOMAIN, &settings.passenger_database_url)?,
    })
}
