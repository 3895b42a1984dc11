//! The services that Jetbridge is measured beside. Each prints the address that it listens on, a free one on loopback.

mod crud;
mod echo;

use std::io::{self, Write};

use axum::Router;
use clap::Subcommand;
use tokio::net::TcpListener;

use crate::failure::Failure;

/// Which of them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Baseline {
    /// A bare axum server that reads a JSON body and answers with it
    Echo,
    /// What people would write instead: axum, a pool of connections to PostgreSQL, and one INSERT for each flight
    Crud {
        /// PostgreSQL database, in which it makes its table
        #[arg(long, value_name = "URL", env = "DATABASE_URL")]
        database_url: String,
    },
}

/// Runs one until the process is ended.
///
/// # Errors
/// Without its port or its database.
pub(crate) async fn serve(baseline: Baseline) -> Result<(), Failure> {
    let routes = match baseline {
        Baseline::Echo => echo::routes(),
        Baseline::Crud { database_url } => crud::routes(&database_url).await?,
    };
    Ok(listen(routes).await?)
}

async fn listen(routes: Router) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    axum::serve(listener, routes).await
}
