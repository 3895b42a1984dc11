//! Backups of the events: everything else is made anew from them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jetbridge_eventstore::{CopyError, LogSummary, check_log, copy_log, create_folder, create_private_file};
use jiff::Timestamp;
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data_dir::{DEMO_MARK, EVENTS, LOCK, absolute, lock, mark_as_demo};
use crate::error::SystemError;
use crate::privileges::{self, ActingAs, Owner};
use crate::settings::BackupSettings;

/// The file that describes a backup.
const DESCRIPTION: &str = "backup.json";
/// The file of the events, in a backup and in a folder of events.
const LOG: &str = "events.db";
/// The form of backups that this version writes and reads.
const FORMAT: u32 = 1;
const CHUNK_BYTES: usize = 1024 * 1024;

/// What a backup holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    format: u32,
    created: Timestamp,
    events: u64,
    last_position: u64,
    sha256: String,
    /// Whether the flights are those of the demo.
    demo: bool,
}

/// Copies the events into the backup's folder, which is there completely or not at all.
pub(crate) async fn back_up(settings: BackupSettings) -> Result<(), SystemError> {
    blocking(move || {
        let (data_dir, backup) = (absolute(&settings.folder.data_dir), absolute(&settings.backup));
        must_be_empty(&backup, &[])?;
        let unfinished = unfinished(&backup)?;
        let copied = copy_into(&data_dir, &unfinished, &backup);
        if copied.is_err() {
            // What is left of it is of no use.
            let _ = fs::remove_dir_all(&unfinished);
        }
        let LogSummary { events, .. } = copied?;
        say(&format!("events backed up to {}: {events}", backup.display()));
        Ok(())
    })
    .await
}

fn copy_into(data_dir: &Path, unfinished: &Path, backup: &Path) -> Result<LogSummary, SystemError> {
    let failed = |source| SystemError::Backup { action: "write the backup", path: backup.to_owned(), source };
    let copied = copy_events(data_dir, unfinished);
    let summary = copied.map_err(|source| SystemError::Copy { path: backup.to_owned(), source })?;
    let description = Description {
        format: FORMAT,
        created: Timestamp::now(),
        events: summary.events,
        last_position: summary.last_position,
        sha256: digest(&unfinished.join(LOG)).map_err(failed)?,
        demo: data_dir.join(DEMO_MARK).exists(),
    };
    let text = serde_json::to_vec_pretty(&description).map_err(|error| failed(error.into()))?;
    let write = || {
        let mut file = create_private_file(&unfinished.join(DESCRIPTION))?;
        file.write_all(&text)?;
        file.sync_all()?;
        move_into_place(unfinished, backup)
    };
    write().map_err(failed)?;
    Ok(summary)
}

/// Where root could be led elsewhere, because the events belong to another user, that user makes the copy, beside the
/// events, and root takes only the file that has come of it.
fn copy_events(data_dir: &Path, unfinished: &Path) -> Result<LogSummary, CopyError> {
    let events = data_dir.join(EVENTS);
    if !events.is_dir() {
        return Err(CopyError::Missing(events));
    }
    let Some(owner) = privileges::owner_to_act_as(data_dir, &events)? else {
        return copy_log(&events, unfinished);
    };
    let own = events.join(format!(".copy-{}", std::process::id()));
    let copied = {
        let _acting = ActingAs::owner(owner)?;
        DirBuilder::new().mode(0o700).create(&own)?;
        copy_log(&events, &own)
    };
    let taken = copied.and_then(|summary| {
        take(&own, owner, &unfinished.join(LOG))?;
        Ok(summary)
    });
    let _acting = ActingAs::owner(owner)?;
    fs::remove_dir_all(&own)?;
    taken
}

/// Copies the log out of a folder, if it is this owner's and nothing but a file.
fn take(folder: &Path, owner: Owner, copy: &Path) -> io::Result<()> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = OpenOptions::new();
    let mut log = options.read(true).custom_flags(flags.bits()).open(folder.join(LOG))?;
    let status = log.metadata()?;
    if !status.is_file() || status.nlink() != 1 || status.uid() != owner.user.as_raw() {
        return Err(io::Error::other("the copy was replaced by something else"));
    }
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy)?;
    io::copy(&mut log, &mut copy)?;
    copy.sync_all()
}

/// Puts the events of a backup into the data folder, where they are completely or not at all.
pub(crate) async fn restore(settings: BackupSettings) -> Result<(), SystemError> {
    blocking(move || {
        let (data_dir, backup) = (absolute(&settings.folder.data_dir), absolute(&settings.backup));
        let description = describe(&backup)?;
        let _lock = lock(&data_dir)?;
        privileges::must_not_be_of_another(&data_dir)?;
        must_be_empty(&data_dir, &[LOCK])?;
        let events = data_dir.join(EVENTS);
        let unfinished = unfinished(&events)?;
        let restored = copy_back(&backup, &description, &unfinished, &events, &data_dir);
        if restored.is_err() {
            let _ = fs::remove_dir_all(&unfinished);
        }
        restored?;
        say(&format!("events restored to {}: {}", data_dir.display(), description.events));
        Ok(())
    })
    .await
}

fn copy_back(
    backup: &Path,
    description: &Description,
    unfinished: &Path,
    events: &Path,
    data_dir: &Path,
) -> Result<(), SystemError> {
    let failed = |source| SystemError::Backup { action: "restore to", path: data_dir.to_owned(), source };
    let broken = |reason: &str| SystemError::NoBackup { path: backup.to_owned(), reason: reason.to_owned() };
    let copy = unfinished.join(LOG);
    copy_file(&backup.join(LOG), &copy).map_err(failed)?;
    if digest(&copy).map_err(failed)? != description.sha256 {
        return Err(broken("its events are not those that were backed up"));
    }
    let checked = check_log(unfinished).map_err(|source| SystemError::Copy { path: data_dir.to_owned(), source })?;
    if checked.events != description.events || checked.last_position != description.last_position {
        return Err(broken("it has other events than it says"));
    }
    if description.demo {
        mark_as_demo(data_dir).map_err(failed)?;
    }
    move_into_place(unfinished, events).map_err(failed)
}

/// A copy for its owner alone, whoever may read the original.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = create_private_file(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.sync_all()
}

fn describe(backup: &Path) -> Result<Description, SystemError> {
    let broken = |reason: String| SystemError::NoBackup { path: backup.to_owned(), reason };
    let text = fs::read(backup.join(DESCRIPTION)).map_err(|error| broken(format!("{DESCRIPTION}: {error}")))?;
    let description: Description =
        serde_json::from_slice(&text).map_err(|error| broken(format!("{DESCRIPTION}: {error}")))?;
    if description.format != FORMAT {
        return Err(broken(format!("its format is {}", description.format)));
    }
    Ok(description)
}

/// A new folder beside the one that it becomes. The events name passengers.
fn unfinished(folder: &Path) -> Result<PathBuf, SystemError> {
    let failed = |source| SystemError::Backup { action: "write beside", path: folder.to_owned(), source };
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let unfinished = folder.with_file_name(name);
    if let Some(parent) = folder.parent() {
        create_folder(parent, 0o755).map_err(failed)?;
    }
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(failed)?;
    Ok(unfinished)
}

/// The folder that it replaces is missing or empty.
fn move_into_place(unfinished: &Path, folder: &Path) -> io::Result<()> {
    File::open(unfinished)?.sync_all()?;
    fs::rename(unfinished, folder)?;
    File::open(folder.parent().unwrap_or(folder))?.sync_all()
}

fn must_be_empty(folder: &Path, allowed: &[&str]) -> Result<(), SystemError> {
    let path = folder.to_owned();
    match fs::read_dir(folder) {
        Ok(entries) => {
            let is_other = |entry: io::Result<fs::DirEntry>| match entry {
                Ok(entry) => !allowed.iter().any(|name| entry.file_name() == *name),
                Err(_) => true,
            };
            if entries.into_iter().any(is_other) { Err(SystemError::NotEmpty { path }) } else { Ok(()) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(SystemError::Backup { action: "read", path, source }),
    }
}

fn digest(file: &Path) -> io::Result<String> {
    let (mut file, mut digest) = (File::open(file)?, Sha256::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        digest.update(chunk.get(..read).unwrap_or_default());
    }
}

async fn blocking(task: impl FnOnce() -> Result<(), SystemError> + Send + 'static) -> Result<(), SystemError> {
    tokio::task::spawn_blocking(task).await.unwrap_or(Err(SystemError::Interrupted))
}

fn say(what: &str) {
    // If standard output is closed, the exit code tells.
    let _ = writeln!(io::stdout().lock(), "{what}");
}
