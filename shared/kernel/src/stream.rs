use std::fmt;

/// The stream that holds every event of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Its name in the event store, such as `gate-stream`.
    pub name: &'static str,
    /// What stands for it in position tokens and cursors.
    pub key: StreamKey,
}

impl Stream {
    /// The stream with this name. Clients hold tokens with its key, so neither ever changes.
    ///
    /// # Panics
    /// In a constant, which does not compile then: if the key is not 1 to 4 lower-case letters.
    #[must_use]
    pub const fn new(name: &'static str, key: &str) -> Self {
        match StreamKey::new(key) {
            Some(key) => Self { name, key },
            #[allow(clippy::panic, reason = "streams are constants, where this is an error of the compiler")]
            None => panic!("the key of a stream has 1 to 4 lower-case letters"),
        }
    }
}

/// The short name of a stream: 1 to 4 lower-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey([u8; Self::MAX_LETTERS]);

impl StreamKey {
    const MAX_LETTERS: usize = 4;

    /// Checks and wraps a key.
    #[must_use]
    pub const fn new(key: &str) -> Option<Self> {
        let letters = key.as_bytes();
        if letters.is_empty() || letters.len() > Self::MAX_LETTERS {
            return None;
        }
        let mut padded = [0; Self::MAX_LETTERS];
        let mut i = 0;
        while i < letters.len() {
            if !letters[i].is_ascii_lowercase() {
                return None;
            }
            padded[i] = letters[i];
            i += 1;
        }
        Some(Self(padded))
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.0.iter().take_while(|letter| **letter > 0);
        letters.copied().map(char::from).try_for_each(|letter| fmt::Write::write_char(f, letter))
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamKey({self})")
    }
}
