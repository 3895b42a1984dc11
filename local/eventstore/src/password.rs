//! What clients have to know before the event store does anything for them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;

/// EventStoreDB's user who may do everything: the only one there is here.
pub(crate) const USER: &str = "admin";
/// What a password is made of that is made here, in bytes.
const RANDOM_BYTES: usize = 32;
/// The shortest password, in characters: shorter ones can be found by trying.
const SHORTEST: usize = 16;
const LONGEST: usize = 256;
/// What clients send as it is in an `esdb://` address, beside letters and digits.
const PUNCTUATION: &str = "-._~!$&'()*+";

/// The password of the user `admin`. It is never shown.
#[derive(Clone)]
pub struct Password {
    text: String,
    /// What a client sends that knows it (RFC 7617, section 2).
    credentials: String,
}

/// A text is not a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must hold one line of {SHORTEST} to {LONGEST} letters, digits and {PUNCTUATION}, such as the output of: \
     openssl rand -hex 32"
)]
pub struct InvalidPassword;

/// A file does not hold a password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// It cannot be read.
    #[error("the password file {} cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is none.
    #[error("the password file {} {InvalidPassword}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
    },
}

impl Password {
    /// One that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        Self::of(rand::random::<[u8; RANDOM_BYTES]>().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn of(text: String) -> Self {
        let credentials = BASE64_STANDARD.encode(format!("{USER}:{text}"));
        Self { text, credentials }
    }

    /// Takes a text for a password. White space at its end does not belong to it.
    ///
    /// # Errors
    /// [`InvalidPassword`] if it is too short or too long, or holds what not every client sends as it is.
    pub fn new(text: &str) -> Result<Self, InvalidPassword> {
        let text = text.trim_end();
        let is_fine = |character: char| character.is_ascii_alphanumeric() || PUNCTUATION.contains(character);
        if (SHORTEST..=LONGEST).contains(&text.len()) && text.chars().all(is_fine) {
            Ok(Self::of(text.to_owned()))
        } else {
            Err(InvalidPassword)
        }
    }

    /// Reads a password from a file.
    ///
    /// # Errors
    /// [`PasswordFileError`] if the file cannot be read, or does not hold one.
    pub fn read(file: &Path) -> Result<Self, PasswordFileError> {
        let path = || file.to_owned();
        let mut text = String::new();
        // More than a password and its line end is refused for its length, so the rest need not be read.
        let limit = 2 * u64::try_from(LONGEST).unwrap_or(u64::MAX);
        let read = File::open(file).and_then(|file| file.take(limit).read_to_string(&mut text));
        match read {
            Ok(_) => Self::new(&text).map_err(|InvalidPassword| PasswordFileError::Invalid { path: path() }),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(PasswordFileError::Invalid { path: path() })
            }
            Err(source) => Err(PasswordFileError::Unreadable { path: path(), source }),
        }
    }

    /// The user and the password as they stand in an `esdb://` address.
    pub(crate) fn in_address(&self) -> String {
        format!("{USER}:{}@", self.text)
    }

    /// Whether this value of an `Authorization` header is the user's and has the password. How long it takes does not
    /// depend on how much of it is right.
    pub(crate) fn is_in(&self, authorization: &[u8]) -> bool {
        let Some((scheme, credentials)) = authorization.split_at_checked(BASIC.len()) else { return false };
        scheme.eq_ignore_ascii_case(BASIC) && bool::from(credentials.ct_eq(self.credentials.as_bytes()))
    }
}

/// How the value of an `Authorization` header begins (RFC 7617, section 2).
const BASIC: &[u8] = b"Basic ";

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}
