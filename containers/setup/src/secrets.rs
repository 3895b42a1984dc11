use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shared_service::secret::{Secret, SecretFileError};
use tempfile::NamedTempFile;

/// Random bytes in a password, which has two hexadecimal digits for each.
const PASSWORD_BYTES: usize = 32;
/// A file belongs to a folder or volume that only those mount who need it, as different users.
const READABLE_BY_ALL: u32 = 0o444;

/// A secret is not there, and cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The one that is there is of no use.
    #[error(transparent)]
    Unusable(#[from] SecretFileError),
    /// There is none, and it cannot be written.
    #[error("cannot write {}; put a file there, or let this user write to its folder", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes sure that there is a password in the file, and says what was done.
pub(crate) fn ensure(path: &Path) -> Result<String, SecretError> {
    if path.try_exists().unwrap_or(true) {
        Secret::read_lines(path)?;
        return Ok(format!("{}: kept", path.display()));
    }
    let password: String = rand::random::<[u8; PASSWORD_BYTES]>().iter().map(|byte| format!("{byte:02x}")).collect();
    write(path, password.as_bytes()).map_err(|source| SecretError::Unwritable { path: path.to_owned(), source })?;
    Ok(format!("{}: made", path.display()))
}

/// Writes a file that is there as a whole or not at all, and never replaces one.
pub(crate) fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(contents)?;
    file.as_file().set_permissions(Permissions::from_mode(READABLE_BY_ALL))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    fs::File::open(folder)?.sync_all()
}
