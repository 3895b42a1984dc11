//! Where everything listens.

use std::net::{Ipv4Addr, SocketAddr};

use shared_service::BindError;
use shared_service::settings::ServiceUrl;
use tokio::net::TcpListener;

use crate::error::SystemError;

/// A free port on the loopback interface.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A port of a service, and its address for the others.
pub(crate) struct Internal {
    pub(crate) listener: TcpListener,
    pub(crate) url: ServiceUrl,
}

impl Internal {
    pub(crate) async fn bind() -> Result<Self, SystemError> {
        let listener = bind(ANY_PORT).await?;
        let url = listener
            .local_addr()
            .and_then(|address| ServiceUrl::at(address).ok_or_else(|| std::io::ErrorKind::InvalidInput.into()))
            .map_err(|source| SystemError::Listen { address: ANY_PORT, source })?;
        Ok(Self { listener, url })
    }
}

pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, SystemError> {
    let bound = shared_service::bind(address).await;
    bound.map_err(|BindError { address, source }| SystemError::Listen { address, source })
}
