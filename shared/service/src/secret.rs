//! Secrets: passwords that come from files, so that neither the environment nor a command line shows them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest secret, in bytes.
const MAX_BYTES: usize = 1_024;
/// So many secrets are read from one file, at most.
const MAX_LINES: usize = 16;

/// What people write where a secret belongs, in lower case and without punctuation.
const EXAMPLES: [&str; 10] =
    ["admin", "change", "changeit", "default", "jetbridge", "pass", "password", "postgres", "secret", "test"];
/// How longer ones begin.
const EXAMPLE_BEGINNINGS: [&str; 6] = ["changeme", "changethis", "example", "replaceme", "replacethis", "yourpassword"];

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A text is not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
    /// Anybody could guess it.
    #[error("holds an example, not a secret")]
    Example,
    /// It is not one line of text.
    #[error("must hold one line of text, at most {MAX_BYTES} bytes long")]
    Malformed,
}

/// A file does not hold a usable secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read the secret file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is refused.
    #[error(
        "the secret file {} {refusal}; write a random password into it, such as the output of: openssl rand -hex 32",
        path.display()
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
}

impl Secret {
    /// Takes a text for a secret. White space at its end does not belong to it.
    ///
    /// # Errors
    /// [`Refusal`] if it is empty, malformed, or an example such as `change-me`.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        let text = text.trim_end();
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        if text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            return Err(Refusal::Malformed);
        }
        if is_example(text) {
            return Err(Refusal::Example);
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a secret from a file.
    ///
    /// # Errors
    /// [`SecretFileError`] if the file cannot be read, or what is in it is refused.
    pub fn read(path: &Path) -> Result<Self, SecretFileError> {
        // More than a secret and its line end is refused for its length, so the rest need not be read.
        Self::new(&text_of(path, 2 * MAX_BYTES)?).map_err(|refusal| refused(path, refusal))
    }

    /// Reads the secrets of a file that may have several, one on each line: while one takes the place of another.
    ///
    /// # Errors
    /// [`SecretFileError`] if the file cannot be read, or a line of it is refused, or there is none.
    pub fn read_lines(path: &Path) -> Result<Vec<Self>, SecretFileError> {
        const MOST: usize = MAX_LINES * 2 * MAX_BYTES;
        let text = text_of(path, MOST)?;
        // The last line would be a part of one.
        if text.len() >= MOST {
            return Err(refused(path, Refusal::Malformed));
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets = lines.map(Self::new).collect::<Result<Vec<_>, _>>().map_err(|refusal| refused(path, refusal))?;
        if secrets.is_empty() { Err(refused(path, Refusal::Empty)) } else { Ok(secrets) }
    }

    /// The secret itself: for connecting, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// What is in a file, up to a number of bytes.
fn text_of(path: &Path, most: usize) -> Result<String, SecretFileError> {
    let unreadable = |source| SecretFileError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    File::open(path).map_err(unreadable)?.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| refused(path, Refusal::Malformed))
}

fn refused(path: &Path, refusal: Refusal) -> SecretFileError {
    SecretFileError::Refused { path: path.to_owned(), refusal }
}

fn is_example(text: &str) -> bool {
    if text.starts_with('<') && text.ends_with('>') {
        return true;
    }
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    EXAMPLES.contains(&plain.as_str()) || EXAMPLE_BEGINNINGS.iter().any(|beginning| plain.starts_with(beginning))
}
