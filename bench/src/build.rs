//! The programs that are measured, built as they are released.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::process::Command;

use crate::failure::Failure;
use crate::system::{Places, SERVICES};

const CQRS_ES_MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cqrs_es/Cargo.toml");

/// Where programs come from, and where they write.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Folder with programs that are built already, those of the baseline with cqrs-es among them; nothing is built then
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Folder for what the subjects write, which is removed afterwards [default: the system's for temporary files]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl BuildArgs {
    /// Builds what is needed: the services and the program that is everything, and the baseline with `cqrs-es` if it is
    /// to be measured.
    pub(crate) async fn places(&self, with_cqrs_es: bool) -> Result<Places, Failure> {
        let folder = self.folder.clone();
        if let Some(programs) = &self.programs {
            return Ok(Places { programs: programs.clone(), cqrs_es: programs.clone(), folder });
        }
        let this = env::current_exe()?;
        let programs = this.parent().map(Path::to_path_buf).unwrap_or_default();
        let target = programs.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut packages = vec!["jetbridge"];
        packages.extend(SERVICES);
        let packages = packages.iter().flat_map(|package| ["-p", package]);
        cargo(["build", "--release", "--locked"].into_iter().chain(packages), &target).await?;
        // In a target folder of its own: other features of the same libraries would make each build the other's anew.
        let cqrs_es = target.join("cqrs-es");
        if with_cqrs_es {
            cargo(["build", "--release", "--locked", "--manifest-path", CQRS_ES_MANIFEST], &cqrs_es).await?;
        }
        Ok(Places { programs, cqrs_es: cqrs_es.join("release"), folder })
    }
}

async fn cargo(arguments: impl IntoIterator<Item = &str>, target: &Path) -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).arg("--target-dir").arg(target).arg("--quiet").current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = command.status().await?;
    if status.success() { Ok(()) } else { Err(Failure::Build(status)) }
}
