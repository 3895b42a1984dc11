//! What browsers keep for the gateway, sealed: they can neither read nor change it (AES-256-GCM, with keys derived by
//! HKDF-SHA256).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared_service::secret::{Secret, SecretFileError};
use tempfile::NamedTempFile;

/// Keys at a time.
const MOST_KEYS: usize = 8;
/// The shortest line of a key file, in characters: 128 bits written in hexadecimal.
const SHORTEST: usize = 32;
/// A new key, in bytes.
const KEY_BYTES: usize = 32;
/// Keys of what is sealed are used for nothing else that is made of the same secret.
const SALT: &[u8] = b"jetbridge gateway";

/// Secrets of which the keys of sessions are made. The first seals, all open.
#[derive(Debug, Clone)]
pub(super) struct SessionKeys(Vec<Secret>);

/// A file holds no usable keys.
#[derive(Debug, thiserror::Error)]
pub enum SessionKeysError {
    /// It cannot be read, or a line of it is no secret.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// It cannot be made.
    #[error("cannot write the file of session keys {}; let this user write to its folder", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One of them could be guessed.
    #[error(
        "a line of the file of session keys {} is shorter than {SHORTEST} characters; write the output of: openssl rand \
         -hex 32", path.display()
    )]
    Short {
        /// The file.
        path: PathBuf,
    },
    /// There are too many.
    #[error("the file of session keys {} may hold at most {MOST_KEYS} lines", path.display())]
    Number {
        /// The file.
        path: PathBuf,
    },
    /// There is no randomness to be had.
    #[error("the system gives no random numbers")]
    NotRandom,
}

impl SessionKeys {
    /// Reads the keys from a file, one on each line.
    ///
    /// # Errors
    /// [`SessionKeysError`] if the file cannot be read, or one of its lines is no secret.
    pub(super) fn read(path: &Path) -> Result<Self, SessionKeysError> {
        let keys = Secret::read_lines(path)?;
        if keys.iter().any(|key| key.expose().len() < SHORTEST) {
            return Err(SessionKeysError::Short { path: path.to_owned() });
        }
        if keys.len() <= MOST_KEYS { Ok(Self(keys)) } else { Err(SessionKeysError::Number { path: path.to_owned() }) }
    }

    /// Reads the keys from a file, which is made with a new one if it does not exist, for this user alone.
    ///
    /// # Errors
    /// [`SessionKeysError`] if the file can be neither read nor made.
    pub(super) fn read_or_make(path: &Path) -> Result<Self, SessionKeysError> {
        if !path.exists() {
            let unwritable = |source| SessionKeysError::Unwritable { path: path.to_owned(), source };
            make(path, &new_key()?).map_err(unwritable)?;
        }
        Self::read(path)
    }

    /// A key that nobody else has, and that is gone with this process.
    ///
    /// # Errors
    /// [`SessionKeysError::NotRandom`].
    pub(super) fn random() -> Result<Self, SessionKeysError> {
        let key = Secret::new(&new_key()?).map_err(|_| SessionKeysError::NotRandom)?;
        Ok(Self(vec![key]))
    }
}

/// Writes a file for this user alone, as a whole or not at all, unless somebody else has made it meanwhile.
fn make(path: &Path, key: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{key}")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
        Ok(_file) => std::fs::File::open(folder)?.sync_all(),
    }
}

fn new_key() -> Result<String, SessionKeysError> {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_| SessionKeysError::NotRandom)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Seals values of one kind, and opens those that were sealed with one of its keys.
pub(super) struct Seal {
    purpose: &'static str,
    keys: Vec<RandomizedNonceKey>,
}

impl Seal {
    /// What is sealed for one purpose cannot be opened for another.
    pub(super) fn new(keys: &SessionKeys, purpose: &'static str) -> Result<Self, Unspecified> {
        let keys = keys.0.iter().map(|secret| {
            let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(secret.expose().as_bytes());
            let mut key = [0; KEY_BYTES];
            pseudorandom.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)?.fill(&mut key)?;
            RandomizedNonceKey::new(&AES_256_GCM, &key)
        });
        Ok(Self { purpose, keys: keys.collect::<Result<_, _>>()? })
    }

    /// The value as text that fits into a cookie.
    pub(super) fn seal(&self, value: &impl Serialize) -> Option<String> {
        let mut sealed = serde_json::to_vec(value).ok()?;
        let nonce = self.keys.first()?.seal_in_place_append_tag(Aad::from(self.purpose), &mut sealed).ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce.as_ref()[..], &sealed].concat()))
    }

    /// The value again, if it was sealed here for this purpose, and nobody has changed it.
    pub(super) fn open<T: DeserializeOwned>(&self, sealed: &str) -> Option<T> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN)?;
        self.keys.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut content = content.to_vec();
            let opened = key.open_in_place(nonce, Aad::from(self.purpose), &mut content).ok()?;
            serde_json::from_slice(opened).ok()
        })
    }
}
