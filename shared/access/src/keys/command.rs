use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::expiry::Expiry;
use super::file::{KeysError, KeysFile, StoredKey};
use super::key::AccessKey;
use super::name::KeyName;
use crate::role::Role;

/// The subcommand for the access keys, and what is said about it.
pub const KEYS: &str = "keys";
/// See [`KEYS`].
pub const KEYS_ABOUT: &str = "Makes, lists and revokes access keys";

/// What is to be done with the access keys, and where they are.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// File that the access keys are kept in
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_ACCESS_KEYS_FILE", global = true)]
    pub access_keys_file: Option<PathBuf>,
    /// What is to be done.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What is to be done with the access keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Makes a key and prints it, this once
    Create {
        /// Name of whoever gets it, which the audit log shows
        #[arg(long)]
        name: KeyName,
        /// Role of whoever has it: viewer, agent, dispatcher, auditor or admin. More than one: again
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
        /// When it ends: 90d, 12h, 2030-01-31 or 2030-01-31T18:00:00Z [default: never]
        #[arg(long, value_name = "WHEN")]
        expires: Option<Expiry>,
    },
    /// Lists the names, roles and ends of all keys
    List,
    /// Takes a key away for good. What it is used for ends within ten seconds
    Revoke {
        /// Name that it was made with
        name: String,
    },
}

impl KeysCommand {
    /// Does it. No key gets a name that is `reserved`.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn run(&self, file: &Path, reserved: impl Fn(&str) -> bool) -> Result<(), KeysError> {
        let file = KeysFile::at(file);
        match self {
            Self::Create { name, .. } if reserved(name.as_str()) => Err(KeysError::NameOfService(name.clone())),
            Self::Create { name, roles, expires } => create(&file, name, roles, *expires),
            Self::List => list(&file.read()?),
            Self::Revoke { name } => {
                file.change(|keys| {
                    let at = keys.iter().position(|key| key.name.as_str() == name);
                    let at = at.ok_or_else(|| KeysError::NoSuchKey(name.clone()))?;
                    keys.remove(at);
                    Ok(())
                })?;
                note(&format!("The key {name} is of no use any more."));
                Ok(())
            }
        }
    }
}

fn create(file: &KeysFile, name: &KeyName, roles: &[Role], expires: Option<Expiry>) -> Result<(), KeysError> {
    let created = Timestamp::now();
    let expires = expires.map(|expires| expires.end(created)).transpose()?;
    let key = AccessKey::random();
    let stored =
        StoredKey { name: name.clone(), sha256: key.digest(), roles: without_repeated(roles), created, expires };
    file.change(|keys| {
        if keys.iter().any(|other| other.name.folded() == name.folded()) {
            return Err(KeysError::NameTaken(name.clone()));
        }
        keys.push(stored);
        Ok(())
    })?;
    print(&format!("{}\n", key.expose()))?;
    note("It is shown this once. Send it as Authorization: Bearer jbk_…");
    Ok(())
}

fn without_repeated(roles: &[Role]) -> Vec<Role> {
    Role::ALL.iter().copied().filter(|role| roles.contains(role)).collect()
}

fn list(keys: &[StoredKey]) -> Result<(), KeysError> {
    let now = Timestamp::now();
    let rows = keys.iter().map(|key| {
        let roles: Vec<_> = key.roles.iter().map(|role| role.as_str()).collect();
        let end = match key.expires {
            None => "never".to_owned(),
            Some(end) if end <= now => format!("{end:.0} (has ended)"),
            Some(end) => format!("{end:.0}"),
        };
        [key.name.to_string(), roles.join(","), format!("{:.0}", key.created), end]
    });
    let rows: Vec<[String; 4]> =
        [["NAME", "ROLES", "CREATED", "ENDS"].map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [name, roles, created] = [width(0), width(1), width(2)];
    let lines: String = rows.iter().map(|[a, b, c, d]| format!("{a:name$}  {b:roles$}  {c:created$}  {d}\n")).collect();
    print(&lines)
}

fn print(text: &str) -> Result<(), KeysError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(KeysError::Output)
}

/// For people, beside what is printed for programs.
fn note(text: &str) {
    // If standard error is closed, there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
