//! Giving up root's rights, which nothing here needs once the port is bound.
//!
//! PostgreSQL refuses to run as root, so there is a user that it runs as. The whole process becomes that user, for good,
//! before it takes a request or looks at what others have written. What root has left in the data folder is that user's
//! from then on. Where the user could not work with the data folder, the process stays root's, and says so.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, User, getgroups, setegid, seteuid, setgid, setgroups, setuid};

use crate::data_dir::{ACCESS_KEYS, DEMO_MARK, DataDir, EVENTS, LOCK, POSTGRES, SESSION_KEYS, failed};
use crate::error::SystemError;

/// What root may have left in the folder of PostgreSQL's files.
const IN_POSTGRES: [&str; 2] = ["password", "server-location"];
/// And in the home of the server, which belongs to the user that runs it.
const IN_SERVER: [&str; 3] = ["lock", "data-dir", "binaries"];
const IN_LOG: [&str; 2] = ["postgresql.log", "postgresql.log.1"];

/// Becomes the user that runs PostgreSQL, if this process is root's and that user can do what is left to do. If more is
/// `needed` than the data folder, such as files that only root can read, root stays root in a folder of its own.
///
/// # Errors
/// If the data folder is another user's, and cannot be worked with as the user that runs PostgreSQL; or if the system
/// does not let the process become that user.
pub(crate) async fn give_up(data_dir: &DataDir, needed: Option<&str>) -> Result<(), SystemError> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let path = &data_dir.path;
    let top = open_folder(path).map_err(failed("open", path))?;
    let is_roots = is_for_root_alone(&top).map_err(failed("read", path))?;
    // In a folder of somebody else, root could be led anywhere.
    let stay_or_refuse = |reason: String| {
        if !is_roots {
            return Err(SystemError::DataDirOfAnother { path: path.clone(), reason });
        }
        stay(&reason);
        Ok(())
    };
    if let Some(needed) = needed.filter(|_| is_roots) {
        stay(needed);
        return Ok(());
    }
    let Some(user) = jetbridge_postgres::user_of(&data_dir.postgres).await? else {
        return stay_or_refuse("the user that runs PostgreSQL cannot reach it".to_owned());
    };
    let left = match Left::find(top, path, &user) {
        Ok(left) => left,
        Err(reason) => return stay_or_refuse(reason),
    };
    if let Err(error) = left.hand_over(&user) {
        return stay_or_refuse(format!("it cannot be given to the user {}: {error}", user.name));
    }
    become_user(&user).map_err(|source| SystemError::Privileges { user: user.name.clone(), source: source.into() })?;
    tracing::info!(user = user.name, "root's rights are given up");
    Ok(())
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::open(path, flags, Mode::empty())?)
}

/// Whether nobody but root can write to a folder.
fn is_for_root_alone(folder: &OwnedFd) -> io::Result<bool> {
    let status = folder.try_clone().map(File::from)?.metadata()?;
    Ok(status.uid() == 0 && status.mode() & 0o022 == 0)
}

/// Says why everything runs with root's rights.
pub(crate) fn stay(reason: &str) {
    if Uid::effective().is_root() {
        tracing::warn!(
            reason,
            "everything runs with root's rights; choose another --data-dir, or start it as another user"
        );
    }
}

/// The user whose rights are enough to read what is in a folder of a data folder, if root could be led elsewhere there:
/// by whoever owns one of the two. `None` where this process is not root's.
pub(crate) fn owner_to_act_as(data_dir: &Path, folder: &Path) -> io::Result<Option<Owner>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let status = if is_for_root_alone(&open_folder(data_dir)?)? {
        std::fs::symlink_metadata(folder)?
    } else {
        std::fs::metadata(data_dir)?
    };
    let owner = Owner { user: Uid::from_raw(status.uid()), group: Gid::from_raw(status.gid()) };
    Ok(Some(owner).filter(|owner| !owner.user.is_root()))
}

/// Whose a file is. It need not be a user that the system has a name for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) user: Uid,
    group: Gid,
}

/// For root, fails in a folder that another user can write to.
///
/// # Errors
/// [`SystemError::DataDirOfAnother`], or that the folder cannot be read.
pub(crate) fn must_not_be_of_another(data_dir: &Path) -> Result<(), SystemError> {
    let read = || is_for_root_alone(&open_folder(data_dir)?);
    if !Uid::effective().is_root() || read().map_err(failed("read", data_dir))? {
        return Ok(());
    }
    Err(SystemError::DataDirOfAnother { path: data_dir.to_owned(), reason: "another user can write to it".to_owned() })
}

/// The whole process acts as another user until this is dropped. For commands that do nothing else meanwhile.
pub(crate) struct ActingAs {
    groups: Vec<Gid>,
}

impl ActingAs {
    pub(crate) fn owner(owner: Owner) -> io::Result<Self> {
        let acting = Self { groups: getgroups()? };
        setgroups(&[owner.group])?;
        setegid(owner.group)?;
        seteuid(owner.user)?;
        Ok(acting)
    }
}

impl Drop for ActingAs {
    fn drop(&mut self) {
        // Root's rights come back, which the system never refuses: they are still those of the process.
        let _ = seteuid(Uid::from_raw(0));
        let _ = setegid(Gid::from_raw(0));
        let _ = setgroups(&self.groups);
    }
}

/// All threads, and for good: without capabilities and with no user to go back to.
fn become_user(user: &User) -> Result<(), Errno> {
    setgroups(&[user.gid])?;
    setgid(user.gid)?;
    setuid(user.uid)?;
    // It has to be impossible to undo.
    if setuid(Uid::from_raw(0)).is_ok() { Err(Errno::EPERM) } else { Ok(()) }
}

/// What root has left in a data folder, held open: what is handed over is what was looked at.
struct Left {
    data_dir: OwnedFd,
    rest: Vec<OwnedFd>,
}

impl Left {
    /// Everything in the data folder that another user has to be able to write to. The reason, if any of it is not what
    /// this program makes.
    fn find(top: OwnedFd, data_dir: &Path, user: &User) -> Result<Self, String> {
        let mut found = Finder { user, rest: Vec::new() };
        found.look_at(&top, data_dir)?;
        for name in [LOCK, DEMO_MARK, ACCESS_KEYS, SESSION_KEYS] {
            found.add(&top, data_dir, name)?;
        }
        found.add_all_in(&top, data_dir, EVENTS)?;
        if let Some(postgres) = found.add(&top, data_dir, POSTGRES)? {
            let path = data_dir.join(POSTGRES);
            found.add_named(&postgres, &path, &IN_POSTGRES)?;
            let (server_path, server) = (path.join("server"), found.add(&postgres, &path, "server")?);
            if let Some(server) = server {
                found.add_named(&server, &server_path, &IN_SERVER)?;
                if let Some(log) = found.add(&server, &server_path, "log")? {
                    found.add_named(&log, &server_path.join("log"), &IN_LOG)?;
                }
            }
        }
        Ok(Self { data_dir: top, rest: found.rest })
    }

    /// The folder itself comes last: until then nobody else gets to what is in it.
    fn hand_over(self, user: &User) -> io::Result<()> {
        for opened in self.rest.iter().chain([&self.data_dir]) {
            fchown(opened, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        File::from(self.data_dir).set_permissions(PermissionsExt::from_mode(0o700))
    }
}

struct Finder<'a> {
    user: &'a User,
    rest: Vec<OwnedFd>,
}

impl Finder<'_> {
    /// One thing in a folder, if it is there.
    fn add(&mut self, folder: &OwnedFd, path: &Path, name: &str) -> Result<Option<OwnedFd>, String> {
        let path = path.join(name);
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let opened = match openat(folder, name, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ELOOP | Errno::EMLINK) => return Err(format!("{} is a symbolic link", path.display())),
            Err(error) => return Err(format!("cannot open {}: {error}", path.display())),
        };
        self.look_at(&opened, &path)?;
        let copy = opened.try_clone().map_err(|error| error.to_string())?;
        self.rest.push(copy);
        Ok(Some(opened))
    }

    fn add_named(&mut self, folder: &OwnedFd, path: &Path, names: &[&str]) -> Result<(), String> {
        names.iter().try_for_each(|name| self.add(folder, path, name).map(drop))
    }

    /// A folder and everything that is right in it.
    fn add_all_in(&mut self, above: &OwnedFd, path: &Path, name: &str) -> Result<(), String> {
        let Some(folder) = self.add(above, path, name)? else { return Ok(()) };
        let path = path.join(name);
        let unreadable = |error: Errno| format!("cannot read {}: {error}", path.display());
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut names = Vec::new();
        for entry in Dir::openat(&folder, ".", flags, Mode::empty()).map_err(unreadable)?.iter() {
            names.push(OsString::from_vec(entry.map_err(unreadable)?.file_name().to_bytes().to_vec()));
        }
        for name in names.iter().filter(|name| !matches!(name.as_bytes(), b"." | b"..")) {
            let name = name.to_str().ok_or_else(|| format!("{} holds what is not its own", path.display()))?;
            self.add(&folder, &path, name)?;
        }
        Ok(())
    }

    /// Only what root or the user itself has made, and what has no other name where it would be somebody else's.
    fn look_at(&self, opened: &OwnedFd, path: &Path) -> Result<(), String> {
        let unreadable = |error: io::Error| format!("cannot read {}: {error}", path.display());
        let status = opened.try_clone().map(File::from).and_then(|file| file.metadata()).map_err(unreadable)?;
        let owner = Uid::from_raw(status.uid());
        if !owner.is_root() && owner != self.user.uid {
            return Err(format!("{} belongs to neither root nor {}", path.display(), self.user.name));
        }
        if !status.is_dir() && (!status.is_file() || status.nlink() > 1) {
            return Err(format!("{} is not a plain file, or has another name", path.display()));
        }
        Ok(())
    }
}
