//! What an archive of PostgreSQL's programs may hold, and unpacking it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};
use tokio::io::AsyncWriteExt;

use super::DownloadError;
use crate::account::Account;
use crate::home::random_name;

/// Several times what PostgreSQL's programs take.
const UNPACKED_LIMIT_BYTES: u64 = 1024 * 1024 * 1024;
const UNPACK_LIMIT: Duration = Duration::from_secs(120);
const CHUNK_BYTES: usize = 64 * 1024;
/// The beginning of what is said when it fails.
const REASON_BYTES: usize = 500;

/// Arguments: where programs are kept, a hidden folder in it, the only folder in the archive, and its name in the end.
const UNPACK: &str = r#"
set -e
umask 022
mkdir -p -- "$1"
cd -- "$1"
mkdir -- "$2"
trap 'rm -rf -- "$2"' EXIT
tar -x -f - -C "$2"
rm -rf -- "./$4"
mv -- "$2/$3" "./$4"
"#;

/// The one folder in which everything in a compressed archive is.
///
/// # Errors
/// [`DownloadError::Refused`] if anything in it would get out of that folder, by its own name or by a link, or is
/// neither file nor folder nor link.
pub(super) fn top_folder(archive: &[u8]) -> Result<String, DownloadError> {
    let unreadable = |error: io::Error| DownloadError::Refused(format!("it cannot be read: {error}"));
    // One byte more than the limit, to tell whether there is more.
    let mut archive = Archive::new(GzDecoder::new(archive).take(UNPACKED_LIMIT_BYTES + 1));
    let mut contents = Contents::default();
    let mut size: u64 = 0;
    for entry in archive.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        size = size.saturating_add(entry.size());
        if size > UNPACKED_LIMIT_BYTES {
            return Err(DownloadError::Refused("it is too large".to_owned()));
        }
        contents.add(&entry).map_err(DownloadError::Refused)?;
    }
    contents.top.ok_or_else(|| DownloadError::Refused("it is empty".to_owned()))
}

/// What has been seen of an archive.
#[derive(Default)]
struct Contents {
    top: Option<String>,
    files: HashSet<PathBuf>,
    links: HashSet<PathBuf>,
    /// Those that something is in.
    folders: HashSet<PathBuf>,
}

impl Contents {
    fn add(&mut self, entry: &Entry<'_, impl Read>) -> Result<(), String> {
        let named = entry.path().map_err(|_| "a name in it cannot be read".to_owned())?;
        let shown = named.display().to_string();
        let Some(path) = plain(&named) else {
            return Err(format!("{shown} is not a path inside of it"));
        };
        let Some(Component::Normal(top)) = path.components().next() else {
            // The archive's own root.
            return Ok(());
        };
        let top = top.to_str().ok_or_else(|| format!("{shown} is not UTF-8"))?;
        if self.top.get_or_insert_with(|| top.to_owned()) != top {
            return Err(format!("{shown} is in another folder than the rest"));
        }
        let above: Vec<_> = path.ancestors().skip(1).map(Path::to_path_buf).collect();
        if above.iter().any(|folder| self.links.contains(folder) || self.files.contains(folder)) {
            return Err(format!("{shown} is behind a link"));
        }
        self.folders.extend(above);
        match entry.header().entry_type() {
            EntryType::Directory if !self.links.contains(&path) => {}
            EntryType::Regular | EntryType::Symlink | EntryType::Link => {
                if self.folders.contains(&path) || self.files.contains(&path) || self.links.contains(&path) {
                    return Err(format!("{shown} is in it more than once"));
                }
                self.add_file(entry, path, &shown)?;
            }
            _ => return Err(format!("{shown} is neither a file nor a folder nor a link")),
        }
        Ok(())
    }

    fn add_file(&mut self, entry: &Entry<'_, impl Read>, path: PathBuf, shown: &str) -> Result<(), String> {
        if entry.header().entry_type() == EntryType::Regular {
            self.files.insert(path);
            return Ok(());
        }
        let target = entry.link_name().ok().flatten().ok_or_else(|| format!("{shown} leads nowhere"))?;
        let stays = if entry.header().entry_type() == EntryType::Link {
            plain(&target).is_some_and(|target| self.files.contains(&target))
        } else {
            // The folder at the top is where everything has to stay.
            let depth = path.components().count().saturating_sub(2);
            stays_within(&target, depth)
        };
        if !stays {
            return Err(format!("{shown} leads to {}, out of its folder", target.display()));
        }
        self.links.insert(path);
        Ok(())
    }
}

/// A path of names only.
fn plain(path: &Path) -> Option<PathBuf> {
    let components = path.components().filter(|component| *component != Component::CurDir);
    let names = components.map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    names.collect()
}

/// Whether a link that is this many folders deep stays within its top folder. It may go up at its beginning only, where
/// no other link can change what is above.
fn stays_within(target: &Path, depth: usize) -> bool {
    let mut ups = 0;
    let mut is_down = false;
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(_) => is_down = true,
            Component::ParentDir if !is_down => ups += 1,
            _ => return false,
        }
    }
    ups <= depth && (is_down || ups > 0)
}

/// Unpacks an archive whose contents have been looked at, with the programs of this user, into the folder `version`
/// below `keep_in`. It is there completely or not at all.
pub(super) async fn unpack(
    archive: Vec<u8>,
    top: &str,
    keep_in: &Path,
    version: &str,
    account: &Account,
) -> Result<PathBuf, DownloadError> {
    let target = keep_in.join(version);
    let failed = |reason: String| DownloadError::Unpack { path: target.clone(), reason };
    let hidden = format!(".new-{}", random_name());
    let mut command = account.command("/bin/sh");
    command.args([OsStr::new("-c"), OsStr::new(UNPACK), OsStr::new("sh"), keep_in.as_os_str()]);
    command.args([&hidden, top, version]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let stdin = child.stdin.take();
    let work = async {
        let (_, output) = tokio::join!(
            // If the other side ends early, it says why.
            async move {
                match stdin {
                    Some(stdin) => feed(archive, stdin).await,
                    None => Ok(()),
                }
            },
            child.wait_with_output()
        );
        output
    };
    let output = tokio::time::timeout(UNPACK_LIMIT, work).await.map_err(|_| DownloadError::Limit(UNPACK_LIMIT))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(target);
    }
    let said = output.stderr.get(..REASON_BYTES).unwrap_or(&output.stderr);
    Err(failed(String::from_utf8_lossy(said).trim().to_owned()))
}

/// Decompresses an archive into a pipe, piece by piece.
async fn feed(archive: Vec<u8>, mut pipe: impl AsyncWriteExt + Unpin) -> io::Result<()> {
    let mut decoder = GzDecoder::new(&archive[..]);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = decoder.read(&mut chunk)?;
        if read == 0 {
            return pipe.shutdown().await;
        }
        pipe.write_all(chunk.get(..read).unwrap_or_default()).await?;
    }
}
