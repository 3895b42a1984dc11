//! Encrypted connections to PostgreSQL, and whom to believe who the server is.

use std::net::IpAddr;
use std::path::Path;

use rustls::RootCertStore;
use shared_postgres_address::{Authorities, Protection};
use shared_tls as ca;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What names the authorities that vouch for PostgreSQL.
pub(super) const AUTHORITIES_SETTING: &str = "sslrootcert or --database-ca-file";

/// What to do where the connection may be unencrypted.
const SAY: &str = "add sslmode=verify-full, or sslmode=require; or sslmode=disable for one that is not encrypted";

/// What a connection is protected by. Only to a server on this machine it may be unencrypted without anybody saying so.
pub(super) fn choose(asked_for: Protection, config: &Config) -> Result<Protection, String> {
    match asked_for {
        Protection::Unsaid if is_local(config) => Ok(Protection::Plain),
        Protection::Unsaid => {
            Err(format!("it does not say how the connection to another machine is to be protected: {SAY}"))
        }
        // There is no TLS on a socket.
        Protection::Preferred if is_socket(config) => Ok(Protection::Plain),
        Protection::Preferred if !is_local(config) => {
            Err(format!("with sslmode=prefer the connection to another machine may be unencrypted: {SAY}"))
        }
        said => Ok(said),
    }
}

fn is_socket(config: &Config) -> bool {
    config.get_hostaddrs().is_empty() && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
}

/// Whether every server that the driver may connect to is on this machine. An address in numbers wins over a name.
fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
        }
    })
}

/// For the driver: it connects as the protection asks for, or not at all.
pub(super) const fn ssl_mode(protection: &Protection) -> SslMode {
    match protection {
        Protection::Unsaid | Protection::Plain => SslMode::Disable,
        Protection::Preferred => SslMode::Prefer,
        Protection::Encrypted | Protection::Verified(_) => SslMode::Require,
    }
}

pub(super) fn connector(protection: &Protection) -> Result<MakeRustlsConnect, String> {
    let config = match protection {
        // The driver does not use it.
        Protection::Unsaid | Protection::Plain => ca::trusting(RootCertStore::empty()),
        Protection::Preferred | Protection::Encrypted => ca::trusting_anybody(),
        Protection::Verified(authorities) => {
            let roots = match authorities {
                Authorities::OfSystem => ca::of_system(AUTHORITIES_SETTING),
                Authorities::InFile(file) => ca::from_file(Path::new(file), "postgresql-authority"),
            };
            ca::trusting(roots.map_err(|error| error.to_string())?)
        }
    };
    let config = config.map_err(|error| error.to_string())?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}
