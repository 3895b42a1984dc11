//! Prepares an installation in containers: before its first start, passwords that no other installation has and the
//! certificates of an event store with several nodes; at each start, the users of that event store.

mod certificates;
mod secrets;
mod users;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use certificates::Node;
use clap::{Parser, Subcommand};
use shared_service::ErrorChain;
use users::UsersArgs;

/// Prepares an installation of Jetbridge in containers. What is there already is checked and left as it is
#[derive(Debug, Parser)]
#[command(name = "setup", version)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Writes a random password, which is a service token as well, into each file that is missing
    Secrets {
        /// The files; their folders must exist
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Makes a certificate authority, and a certificate from it for each node of an event store
    Certificates {
        /// Folder for the authority's certificate, ca.crt. Its key is not kept
        #[arg(long, value_name = "FOLDER")]
        authority: PathBuf,
        /// Name of a node in the network, and the folder for its certificate and key, node.crt and node.key
        #[arg(long = "node", value_name = "NAME=FOLDER", required = true)]
        nodes: Vec<Node>,
    },
    /// Makes users for the services in an event store, and says who may do what with which stream. Takes the address,
    /// name and password of one of its administrators
    Users(UsersArgs),
}

fn main() -> ExitCode {
    match run(Args::parse().task) {
        Ok(done) => {
            let mut output = io::stdout().lock();
            // If standard output is closed, there is nobody to tell.
            let _ = done.iter().try_for_each(|line| writeln!(output, "{line}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "error: {}", ErrorChain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<Vec<String>, Box<dyn Error>> {
    match task {
        Task::Secrets { files } => {
            let done = files.iter().map(|file| secrets::ensure(file)).collect::<Result<_, _>>()?;
            Ok(done)
        }
        Task::Certificates { authority, nodes } => Ok(vec![certificates::ensure(&authority, &nodes)?]),
        Task::Users(args) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(users::ensure(&args))?)
        }
    }
}
