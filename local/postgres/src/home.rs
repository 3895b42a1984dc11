//! Where the server's files are.

use std::env;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use rand::distr::{Alphanumeric, SampleString};
use tracing::{info, warn};

use crate::account::Account;
use crate::error::{StartError, io_error};
use crate::folder::{Folder, PRIVATE};

/// In a data directory: where its home is, if that is outside.
const LOCATION_FILE: &str = "server-location";
/// In a home outside: its data directory.
const DATA_DIR_FILE: &str = "data-dir";
/// Containers often offer 64 MiB of shared memory, which is not enough.
const EPHEMERAL_ROOM_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The home inside a data directory.
const INSIDE: &str = "server";
const DATA: &str = "data";
const LOCK: &str = "lock";

/// Where everything is that the server reads and writes. It belongs to the user that runs the server.
#[derive(Debug)]
pub(crate) struct Home {
    root: PathBuf,
    /// The folder that it is in, if that is known to be there.
    parent: Option<Arc<Folder>>,
}

/// The folders of a home, all there.
#[derive(Debug)]
pub(crate) struct HomeFolders {
    pub(crate) root: Folder,
    pub(crate) log: Folder,
    pub(crate) run: Folder,
}

impl Home {
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root, parent: None }
    }

    fn inside(data_dir: &Arc<Folder>) -> Self {
        Self { root: data_dir.path().join(INSIDE), parent: Some(Arc::clone(data_dir)) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The cluster: what `initdb` makes and `postgres -D` is given.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.root.join(DATA)
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub(crate) fn binaries(&self) -> PathBuf {
        self.root.join("binaries")
    }

    /// The home that `data_dir` has already.
    pub(crate) fn existing(data_dir: &Arc<Folder>) -> Result<Option<Self>, StartError> {
        let Some(location) = data_dir.read_own(LOCATION_FILE)? else {
            let inside = Self::inside(data_dir);
            return Ok(inside.open()?.is_some().then_some(inside));
        };
        let home = Self::at(PathBuf::from(OsStr::from_bytes(location.trim_ascii())));
        let Some(folder) = home.open()? else {
            warn!(
                postgres.home = %home.root.display(),
                data.dir = %data_dir.path().display(),
                "PostgreSQL's files are not where they were; starting with none"
            );
            return Ok(Some(home));
        };
        if let Some(other) = used_by_another(&folder, data_dir.path()) {
            warn!(
                postgres.home = %home.root.display(),
                data.dir = %data_dir.path().display(),
                other.dir = %other.display(),
                "the data directory is a copy of another, to which PostgreSQL's files belong; starting with none"
            );
            return Ok(None);
        }
        Ok(Some(home))
    }

    /// Decides where a new home goes, and writes that down if it is not inside `data_dir`.
    pub(crate) async fn choose(
        data_dir: &Arc<Folder>,
        outside_dir: &Path,
        account: &Account,
    ) -> Result<Self, StartError> {
        if account.can_enter(data_dir.path()).await {
            return Ok(Self::inside(data_dir));
        }
        let root = outside_dir.join(format!("postgres-{}", random_name()));
        data_dir.write(LOCATION_FILE, root.as_os_str().as_bytes(), Mode::from_bits_truncate(0o644), None)?;
        info!(
            postgres.user = account.name().unwrap_or_default(),
            postgres.home = %root.display(),
            data.dir = %data_dir.path().display(),
            "the user that runs PostgreSQL cannot reach the data directory; PostgreSQL's files are kept elsewhere"
        );
        Ok(Self::at(root))
    }

    /// Its folder, or `None` if it is not there.
    pub(crate) fn open(&self) -> Result<Option<Folder>, StartError> {
        let name = self.name();
        match (&self.parent, self.root.parent()) {
            (Some(parent), _) => parent.folder(name),
            (None, Some(parent)) if parent.exists() => Folder::named(parent)?.folder(name),
            _ => Ok(None),
        }
    }

    /// Its folders, made for `account` alone where they are missing.
    pub(crate) fn create(&self, account: &Account) -> Result<HomeFolders, StartError> {
        let root = match (&self.parent, self.root.parent()) {
            (Some(parent), _) => parent.folder_of(self.name(), account)?,
            (None, parent) => {
                let parent = parent.unwrap_or(Path::new("/"));
                create_dirs(parent, 0o755)?;
                Folder::named(parent)?.folder_of(self.name(), account)?
            }
        };
        let (log, run) = (root.folder_of("log", account)?, root.folder_of("run", account)?);
        Ok(HomeFolders { root, log, run })
    }

    fn name(&self) -> &OsStr {
        self.root.file_name().unwrap_or_default()
    }
}

impl HomeFolders {
    /// The cluster's folder, or `None` if there is none.
    pub(crate) fn cluster(&self) -> Result<Option<Folder>, StartError> {
        self.root.folder(DATA)
    }

    /// Puts a cluster that is complete into its place.
    pub(crate) fn place_cluster(&self, unfinished: &str) -> Result<(), StartError> {
        self.root.rename(unfinished, DATA)
    }

    /// Writes down in a home outside `data_dir` that it belongs to it, so that a copy of `data_dir` is told from it.
    pub(crate) fn note_data_dir(&self, data_dir: &Path) -> Result<(), StartError> {
        if self.root.path().starts_with(data_dir) {
            return Ok(());
        }
        self.root.write(DATA_DIR_FILE, data_dir.as_os_str().as_bytes(), PRIVATE, None)
    }

    /// Held as long as a server runs here. The operating system gives it up when this process ends.
    pub(crate) fn lock(&self) -> Result<File, StartError> {
        let file = self.root.file(LOCK, OFlag::empty())?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse { directory: self.root.path().to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &self.root.path().join(LOCK))(error)),
        }
    }
}

/// The cluster in a home that may have none.
pub(crate) fn cluster_in(home: Option<&Folder>) -> Result<Option<Folder>, StartError> {
    home.map_or(Ok(None), |home| home.folder(DATA))
}

/// The data directory, other than this one, that says that its files are in this home. A directory that was moved is
/// none.
fn used_by_another(home: &Folder, data_dir: &Path) -> Option<PathBuf> {
    let other = home.read_own(DATA_DIR_FILE).ok()??;
    let other = PathBuf::from(OsStr::from_bytes(&other));
    let location = Folder::named(&other).ok()?.read_own(LOCATION_FILE).ok()??;
    (other != data_dir && location.trim_ascii() == home.path().as_os_str().as_bytes()).then_some(other)
}

/// Creates the data directory if it is missing, and opens it. Root makes it passable, though not readable, for the user
/// that runs the server.
pub(crate) fn open_data_dir(data_dir: &Path) -> Result<Folder, StartError> {
    let mode = if Uid::effective().is_root() { 0o711 } else { 0o700 };
    let data_dir = std::path::absolute(data_dir).map_err(io_error("find the path of", data_dir))?;
    let (Some(parent), Some(name)) = (data_dir.parent(), data_dir.file_name()) else {
        return Folder::named(&data_dir);
    };
    create_dirs(parent, 0o755)?;
    Folder::named(parent)?.folder_or_new(name, Mode::from_bits_truncate(mode))
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

/// Eight letters and digits that nothing else has.
pub(crate) fn random_name() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 8)
}
