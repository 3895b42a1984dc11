//! The access keys of the program for one machine, which are in its data folder.

use std::path::{Path, PathBuf};

use shared_access::keys::KeysArgs;
use shared_service::ServiceNames;

use crate::data_dir::{ACCESS_KEYS, absolute, create, failed};
use crate::domains::DomainServices;
use crate::error::SystemError;
use crate::privileges::{ActingAs, owner_to_act_as};
use crate::settings::KeysSettings;

/// Where they are unless that is set.
pub(crate) fn file_in(data_dir: &Path) -> PathBuf {
    absolute(data_dir).join(ACCESS_KEYS)
}

/// Makes, lists or revokes access keys.
///
/// # Errors
/// If the file cannot be read or written, or the key is not what it has to be.
pub(crate) fn change(domains: &[DomainServices], settings: KeysSettings) -> Result<(), SystemError> {
    let KeysSettings { keys: KeysArgs { access_keys_file, command }, folder, .. } = settings;
    let names = ServiceNames::of(domains.iter().map(|services| services.domain.name));
    let is_reserved = |name: &str| names.contain(name);
    if let Some(file) = access_keys_file {
        return Ok(command.run(&file, is_reserved)?);
    }
    let data_dir = absolute(&folder.data_dir);
    create(&data_dir).map_err(failed("create", &data_dir))?;
    // The file belongs to whom the folder belongs to, who is not root where root has started everything: it is that user
    // who reads it.
    let owner = owner_to_act_as(&data_dir, &data_dir).map_err(failed("read", &data_dir))?;
    let _acting = owner.map(ActingAs::owner).transpose().map_err(failed("write to", &data_dir))?;
    Ok(command.run(&data_dir.join(ACCESS_KEYS), is_reserved)?)
}
