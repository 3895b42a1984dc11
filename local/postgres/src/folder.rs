//! Folders held open by descriptor, for root's work in places that another user can write to.
//!
//! Such a user can put a symbolic link in the place of anything there, at any moment, and have root change what the link
//! leads to. So what is in a folder is reached from its descriptor, by one name at a time, and what was opened is looked
//! at through its own descriptor. Root follows a link only out of a folder that nobody but root can write to. For any
//! other user, whose links lead to nothing that it could not change anyway, they are followed as usual.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};

use crate::account::{Account, name_of};
use crate::error::{StartError, io_error};
use crate::home::random_name;

/// More than any file here has that is read as a whole.
const READ_LIMIT_BYTES: u64 = 64 * 1024;
/// The bits of a mode that let others than the owner write.
const WRITABLE_BY_OTHERS: Mode = Mode::S_IWGRP.union(Mode::S_IWOTH);

/// The mode of files for nobody but their owner.
pub(crate) const PRIVATE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// A folder that is held open.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: OwnedFd,
    /// For messages and for programs that run as somebody else.
    path: PathBuf,
    owner: Uid,
    follows_links: bool,
}

impl Folder {
    /// A folder that a person has named. Links in its path are that person's.
    pub(crate) fn named(path: &Path) -> Result<Self, StartError> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let descriptor = open(path, flags, Mode::empty()).map_err(|error| io_error("open", path)(error.into()))?;
        Self::held(descriptor, path.to_path_buf())
    }

    fn held(descriptor: OwnedFd, path: PathBuf) -> Result<Self, StartError> {
        let status = fstat(&descriptor).map_err(|error| io_error("read", &path)(error.into()))?;
        let owner = Uid::from_raw(status.st_uid);
        let is_ours_alone = owner.is_root() && !Mode::from_bits_truncate(status.st_mode).intersects(WRITABLE_BY_OTHERS);
        let follows_links = !Uid::effective().is_root() || is_ours_alone;
        Ok(Self { descriptor, path, owner, follows_links })
    }

    /// The folder of this name, made with this mode if it is missing, and its path without links.
    pub(crate) fn folder_or_new(&self, name: &OsStr, mode: Mode) -> Result<Self, StartError> {
        let path = self.path.join(name);
        match mkdirat(&self.descriptor, name, mode) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(io_error("create", &path)(error.into())),
        }
        let missing = || io_error("open", &path)(io::ErrorKind::NotFound.into());
        let mut folder = self.folder(name)?.ok_or_else(missing)?;
        folder.path = path.canonicalize().map_err(io_error("find the path of", &path))?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn owner(&self) -> Uid {
        self.owner
    }

    /// The folder of this name, or `None` if there is none.
    pub(crate) fn folder(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>, StartError> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let descriptor = self.open(name.as_ref(), flags, Mode::empty())?;
        descriptor.map(|descriptor| Self::held(descriptor, self.path.join(name.as_ref()))).transpose()
    }

    /// The folder of this name, for this user alone. One that is there already has to be that user's, or to be empty
    /// and this process's own: then an earlier start has made it and got no further.
    pub(crate) fn folder_of(&self, name: impl AsRef<OsStr>, account: &Account) -> Result<Self, StartError> {
        let path = self.path.join(name.as_ref());
        let failed = |error: Errno| io_error("create", &path)(error.into());
        match mkdirat(&self.descriptor, name.as_ref(), Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(failed(error)),
        }
        let mut folder = self.folder(name)?.ok_or_else(|| failed(Errno::ENOENT))?;
        let (me, user) = (Uid::effective(), account.uid());
        if folder.owner != user {
            if folder.owner != me || !folder.names()?.is_empty() {
                let owner = name_of(folder.owner);
                return Err(StartError::NotOwn { path: folder.path, owner, user: name_of(user) });
            }
            account.own(&folder.descriptor).map_err(io_error("change the owner of", &folder.path))?;
            folder = Self::held(folder.descriptor, folder.path)?;
        }
        Ok(folder)
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, StartError> {
        let failed = |error: Errno| io_error("read", &self.path)(error.into());
        // Opened anew: a folder that was read to its end stays there.
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut entries = Dir::openat(&self.descriptor, ".", flags, Mode::empty()).map_err(failed)?;
        let mut names = Vec::new();
        for entry in entries.iter() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_os_string());
            }
        }
        Ok(names)
    }

    /// A file to read and to write, made for this process's own user if it is missing. More `flags` say how.
    pub(crate) fn file(&self, name: &str, flags: OFlag) -> Result<File, StartError> {
        let path = self.path.join(name);
        let opened =
            self.open(name.as_ref(), OFlag::O_RDWR | OFlag::O_CREAT | flags, Mode::from_bits_truncate(0o600))?;
        let file = File::from(opened.ok_or_else(|| io_error("open", &path)(io::ErrorKind::NotFound.into()))?);
        let status = file.metadata().map_err(io_error("read", &path))?;
        // A file with another name somewhere else could be anybody's.
        if !status.is_file() || (!self.follows_links && status.nlink() != 1) {
            return Err(StartError::NotAFile { path });
        }
        Ok(file)
    }

    /// What is in a file, or `None` if there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StartError> {
        self.read_if(name, |_| true)
    }

    /// The same of a secret, which nobody else may read from then on.
    pub(crate) fn read_secret(&self, name: &str) -> Result<Option<Vec<u8>>, StartError> {
        let path = self.path.join(name);
        if let Some(file) = self.open(name.as_ref(), OFlag::O_RDONLY, Mode::empty())? {
            let status = fstat(&file).map_err(|error| io_error("read", &path)(error.into()))?;
            if Uid::from_raw(status.st_uid) == Uid::effective()
                && Mode::from_bits_truncate(status.st_mode).intersects(Mode::S_IRWXG | Mode::S_IRWXO)
            {
                fchmod(&file, PRIVATE).map_err(|error| io_error("change the rights of", &path)(error.into()))?;
            }
        }
        self.read(name)
    }

    /// The same of a file that root has written, if this process is root's.
    pub(crate) fn read_own(&self, name: &str) -> Result<Option<Vec<u8>>, StartError> {
        self.read_if(name, |owner| owner.is_root() || !Uid::effective().is_root())
    }

    fn read_if(&self, name: &str, is_trusted: impl Fn(Uid) -> bool) -> Result<Option<Vec<u8>>, StartError> {
        let path = self.path.join(name);
        let Some(file) = self.open(name.as_ref(), OFlag::O_RDONLY, Mode::empty())? else { return Ok(None) };
        let file = File::from(file);
        let status = file.metadata().map_err(io_error("read", &path))?;
        if !status.is_file() {
            return Err(StartError::NotAFile { path });
        }
        let owner = Uid::from_raw(status.uid());
        if !is_trusted(owner) {
            return Err(StartError::NotOwn { path, owner: name_of(owner), user: name_of(Uid::effective()) });
        }
        let mut content = Vec::new();
        file.take(READ_LIMIT_BYTES).read_to_end(&mut content).map_err(io_error("read", &path))?;
        Ok(Some(content))
    }

    /// Writes a file that is there completely or not at all, in place of the one that may be there; for this user, if
    /// one is given, else for this process's own.
    pub(crate) fn write(
        &self,
        name: &str,
        content: &[u8],
        mode: Mode,
        account: Option<&Account>,
    ) -> Result<(), StartError> {
        let path = self.path.join(name);
        let unfinished = format!("{name}.new-{}", random_name());
        let write = || {
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
            let mut file = File::from(openat(&self.descriptor, unfinished.as_str(), flags, mode)?);
            fchmod(&file, mode)?;
            file.write_all(content)?;
            if let Some(account) = account {
                account.own(&file)?;
            }
            file.sync_all()?;
            self.rename_durably(&unfinished, name)
        };
        write().map_err(io_error("write", &path))
    }

    /// Gives a file or folder another name, in place of what may have that.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StartError> {
        self.rename_durably(from, to).map_err(io_error("rename", &self.path.join(from)))
    }

    fn rename_durably(&self, from: &str, to: &str) -> io::Result<()> {
        renameat(&self.descriptor, from, &self.descriptor, to)?;
        // Or a power cut could undo it.
        Ok(nix::unistd::fsync(&self.descriptor)?)
    }

    /// Removes a file, or a link itself. One that is not there is no error.
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        match unlinkat(&self.descriptor, name.as_ref(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Never waits: a named pipe opens at once.
    fn open(&self, name: &OsStr, flags: OFlag, mode: Mode) -> Result<Option<OwnedFd>, StartError> {
        let mut flags = flags | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        if !self.follows_links {
            flags |= OFlag::O_NOFOLLOW;
        }
        let path = self.path.join(name);
        match openat(self.descriptor.as_fd(), name, flags, mode) {
            Ok(descriptor) => Ok(Some(descriptor)),
            Err(Errno::ENOENT) => Ok(None),
            Err(Errno::ELOOP | Errno::ENOTDIR | Errno::EMLINK) if !self.follows_links => Err(StartError::Link { path }),
            Err(error) => Err(io_error("open", &path)(error.into())),
        }
    }
}
