//! Access keys: what a program, or a person at a small site, sends as `Authorization: Bearer jbk_…`.
//!
//! A key is 32 random bytes. The file that the keys are kept in has only what their SHA-256 is, so nobody who reads it
//! can use them. It is written as a whole or not at all, and read again when it changes, so that a key which is revoked
//! is of no use any more within seconds.

mod command;
mod expiry;
mod file;
mod key;
mod name;
mod ring;

pub use command::{KEYS, KEYS_ABOUT, KeysArgs, KeysCommand};
pub use expiry::{Expiry, InvalidExpiry};
pub use file::{KeysError, KeysFile, StoredKey};
pub use key::{AccessKey, KeyDigest};
pub use name::{InvalidKeyName, KeyName};
pub use ring::{KeyRing, KeysUnusable};
