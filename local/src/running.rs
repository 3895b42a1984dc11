//! What is written down of a running system, for the other commands of the program.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data_dir::{RUNNING, absolute, failed};
use crate::domains::DomainServices;
use crate::error::SystemError;
use crate::services::Stores;

/// Where a running system is, and where it keeps its data. It has passwords in it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Running {
    /// Where clients reach it.
    url: String,
    pub(crate) event_store: String,
    /// By the names of the domains.
    pub(crate) databases: BTreeMap<String, String>,
}

/// The file of a running system. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct RunningFile(PathBuf);

impl Running {
    pub(crate) fn new(address: SocketAddr, domains: &[DomainServices], stores: &Stores) -> Self {
        let names = domains.iter().map(|services| services.domain.name.to_owned());
        let databases = stores.databases.iter().map(|database| database.expose().to_owned());
        Self {
            url: format!("http://{address}"),
            event_store: stores.event_store.address.expose().to_owned(),
            databases: names.zip(databases).collect(),
        }
    }

    /// Writes it down, for this user alone.
    pub(crate) fn write(&self, file: &Path) -> Result<RunningFile, SystemError> {
        let folder = file.parent().unwrap_or(file);
        let unfinished = file.with_extension("new");
        let write = || {
            let text = serde_json::to_vec_pretty(self)?;
            let _ = fs::remove_file(&unfinished);
            let mut new = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished)?;
            new.write_all(&text)?;
            // Or a power cut could leave one without content.
            new.sync_all()?;
            fs::rename(&unfinished, file)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(failed("write to", folder))?;
        Ok(RunningFile(file.to_owned()))
    }

    /// What runs on a data folder.
    pub(crate) fn read(data_dir: &Path) -> Result<Self, SystemError> {
        let path = absolute(data_dir);
        let file = path.join(RUNNING);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| SystemError::UnreadableRunning { path: file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SystemError::NotRunning { path }),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }
}

impl Drop for RunningFile {
    fn drop(&mut self) {
        // The next start removes it as well.
        let _ = fs::remove_file(&self.0);
    }
}
