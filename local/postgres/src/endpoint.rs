//! Where the server listens and how clients get there.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

use crate::cluster::ROLE;

/// A socket's path is limited to 107 bytes on Linux, 103 on macOS and the BSDs.
const SOCKET_PATH_LIMIT_BYTES: usize = 103;
/// Only part of the socket's name.
const SOCKET_PORT: u16 = 5432;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Reachable from this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A Unix socket in a private folder.
    Socket(PathBuf),
    /// A port on 127.0.0.1, where the folder's path is too long for a socket.
    Loopback(u16),
}

impl Endpoint {
    pub(crate) fn choose(socket_dir: &Path) -> io::Result<Self> {
        let socket = socket_dir.join(format!(".s.PGSQL.{SOCKET_PORT}"));
        if socket.as_os_str().len() <= SOCKET_PATH_LIMIT_BYTES {
            return Ok(Self::Socket(socket_dir.to_path_buf()));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self::Loopback(listener.local_addr()?.port()))
    }

    fn port(&self) -> u16 {
        match self {
            Self::Socket(_) => SOCKET_PORT,
            Self::Loopback(port) => *port,
        }
    }

    /// The server's settings, as `name=value`.
    pub(crate) fn settings(&self) -> Vec<OsString> {
        let (addresses, socket_dirs) = match self {
            Self::Socket(dir) => ("", quoted(dir)),
            Self::Loopback(_) => ("127.0.0.1", OsString::new()),
        };
        let mut socket_setting = OsString::from("unix_socket_directories=");
        socket_setting.push(socket_dirs);
        vec![
            format!("listen_addresses={addresses}").into(),
            format!("port={}", self.port()).into(),
            socket_setting,
            "unix_socket_permissions=0700".into(),
        ]
    }

    pub(crate) fn config(&self, password: &str, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        match self {
            Self::Socket(dir) => config.host_path(dir),
            Self::Loopback(_) => config.host(Ipv4Addr::LOCALHOST.to_string()),
        };
        config.port(self.port()).user(ROLE).password(password).dbname(database).connect_timeout(CONNECT_LIMIT);
        config
    }

    pub(crate) fn url(&self, password: &str, database: &str) -> String {
        let host = match self {
            Self::Socket(dir) => percent_encode(dir.as_os_str().as_bytes(), NON_ALPHANUMERIC).to_string(),
            Self::Loopback(_) => Ipv4Addr::LOCALHOST.to_string(),
        };
        format!(
            "postgresql://{ROLE}:{}@{host}:{}/{}?connect_timeout={}",
            utf8_percent_encode(password, NON_ALPHANUMERIC),
            self.port(),
            utf8_percent_encode(database, NON_ALPHANUMERIC),
            CONNECT_LIMIT.as_secs(),
        )
    }
}

/// The setting is a list, in which a path with a comma or a blank needs quotes.
fn quoted(dir: &Path) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut quoted = vec![b'"'];
    for byte in dir.as_os_str().as_bytes() {
        if *byte == b'"' {
            quoted.push(b'"');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

#[cfg(test)]
mod tests;
