//! Where the server's files are.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use rand::distr::{Alphanumeric, SampleString};
use tracing::{info, warn};

use crate::account::Account;
use crate::error::{StartError, io_error};

/// In a data directory: where its home is, if that is outside.
const LOCATION_FILE: &str = "server-location";
/// In a home outside: its data directory.
const DATA_DIR_FILE: &str = "data-dir";
/// Containers often offer 64 MiB of shared memory, which is not enough.
const EPHEMERAL_ROOM_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The folder that holds everything the server reads and writes.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The cluster: what `initdb` makes and `postgres -D` is given.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub(crate) fn binaries(&self) -> PathBuf {
        self.root.join("binaries")
    }

    /// The home that `data_dir` has already.
    pub(crate) fn existing(data_dir: &Path) -> Result<Option<Self>, StartError> {
        let location = data_dir.join(LOCATION_FILE);
        match fs::read(&location) {
            Ok(path) => {
                let root = PathBuf::from(OsStr::from_bytes(path.trim_ascii()));
                if !root.exists() {
                    warn!(
                        postgres.home = %root.display(),
                        data.dir = %data_dir.display(),
                        "PostgreSQL's files are not where they were; starting with none"
                    );
                }
                let home = Self::at(root);
                if let Some(other) = home.used_by_another(data_dir) {
                    warn!(
                        postgres.home = %home.root.display(),
                        data.dir = %data_dir.display(),
                        other.dir = %other.display(),
                        "the data directory is a copy of another, to which PostgreSQL's files belong; starting with none"
                    );
                    return Ok(None);
                }
                Ok(Some(home))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let inside = inside(data_dir);
                Ok(inside.exists().then(|| Self::at(inside)))
            }
            Err(error) => Err(io_error("read", &location)(error)),
        }
    }

    /// Decides where a new home goes, and writes that down if it is not inside `data_dir`.
    pub(crate) async fn choose(data_dir: &Path, outside_dir: &Path, account: &Account) -> Result<Self, StartError> {
        if account.can_enter(data_dir).await {
            return Ok(Self::at(inside(data_dir)));
        }
        let root = outside_dir.join(format!("postgres-{}", random_name()));
        let location = data_dir.join(LOCATION_FILE);
        write_new(&location, root.as_os_str().as_bytes(), 0o644).map_err(io_error("write", &location))?;
        info!(
            postgres.user = account.name().unwrap_or_default(),
            postgres.home = %root.display(),
            data.dir = %data_dir.display(),
            "the user that runs PostgreSQL cannot reach the data directory; PostgreSQL's files are kept elsewhere"
        );
        Ok(Self::at(root))
    }

    /// The data directory, other than this one, that says that its files are here. A directory that was moved is none.
    fn used_by_another(&self, data_dir: &Path) -> Option<PathBuf> {
        let other = fs::read(self.root.join(DATA_DIR_FILE)).ok()?;
        let other = PathBuf::from(OsStr::from_bytes(&other));
        let location = fs::read(other.join(LOCATION_FILE)).ok()?;
        (other != data_dir && location.trim_ascii() == self.root.as_os_str().as_bytes()).then_some(other)
    }

    /// Writes down in a home outside `data_dir` that it belongs to it, so that a copy of `data_dir` is told from it.
    pub(crate) fn note_data_dir(&self, data_dir: &Path) -> Result<(), StartError> {
        if self.root.starts_with(data_dir) {
            return Ok(());
        }
        let note = self.root.join(DATA_DIR_FILE);
        write_new(&note, data_dir.as_os_str().as_bytes(), 0o600).map_err(io_error("write", &note))
    }

    /// Creates the folders that are missing, for `account` alone.
    pub(crate) fn create(&self, account: &Account) -> Result<(), StartError> {
        if let Some(parent) = self.root.parent() {
            create_dirs(parent, 0o755)?;
        }
        for dir in [self.root.clone(), self.log(), self.run()] {
            create_dirs(&dir, 0o700)?;
            account.own(&dir)?;
        }
        Ok(())
    }

    /// Held as long as a server runs here. The operating system gives it up when this process ends.
    pub(crate) fn lock(&self) -> Result<File, StartError> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_error("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse { directory: self.root.clone() }),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
        }
    }
}

fn inside(data_dir: &Path) -> PathBuf {
    data_dir.join("server")
}

/// Creates the data directory if it is missing, and gives its absolute path. Root makes it passable, though not
/// readable, for the user that runs the server.
pub(crate) fn create_data_dir(data_dir: &Path) -> Result<PathBuf, StartError> {
    let mode = if nix::unistd::Uid::effective().is_root() { 0o711 } else { 0o700 };
    if !data_dir.exists() {
        if let Some(parent) = data_dir.parent()
            && !parent.as_os_str().is_empty()
        {
            create_dirs(parent, 0o755)?;
        }
        create_dirs(data_dir, mode)?;
    }
    data_dir.canonicalize().map_err(io_error("find the path of", data_dir))
}

/// Where ephemeral data goes: what `TMPDIR` says, else memory if the system offers enough of it, else the disk.
pub(crate) async fn temporary_dir(account: &Account) -> Result<PathBuf, StartError> {
    let memory = Path::new("/dev/shm");
    let preferred =
        if env::var_os("TMPDIR").is_none() && has_room(memory) { memory.to_path_buf() } else { env::temp_dir() };
    let dir = if account.can_enter(&preferred).await { preferred } else { PathBuf::from("/tmp") };
    dir.canonicalize().map_err(io_error("find the path of", &dir))
}

#[allow(clippy::useless_conversion, reason = "the numbers are narrower on some systems")]
fn has_room(dir: &Path) -> bool {
    statvfs(dir).is_ok_and(|system| {
        let block_bytes = u64::from(system.fragment_size());
        block_bytes.saturating_mul(system.blocks_available().into()) >= EPHEMERAL_ROOM_BYTES
    })
}

fn create_dirs(path: &Path, mode: u32) -> Result<(), StartError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(io_error("create", path))
}

/// Writes a file that is there completely or not at all.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let unfinished = path.with_extension(format!("new-{}", random_name()));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(&unfinished)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_parent(path)
}

/// Makes a rename in the same folder survive a power cut.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Eight letters and digits that nothing else has.
pub(crate) fn random_name() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 8)
}
