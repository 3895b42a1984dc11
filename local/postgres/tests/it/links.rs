//! What another user puts into the server's folders, for root to stumble over.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jetbridge_postgres::{Config, Postgres, StartError, start};
use jetbridge_testing::pass_over;
use nix::sys::stat::Mode;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::{connect, is_root, offline, open_folder};

const ONLY_ROOT: &str = "only root can be misled by links";
const LIMIT: Duration = Duration::from_secs(60);

/// A data directory whose server has run, and a folder that is none of the server's business.
struct Place {
    _folder: TempDir,
    data_dir: PathBuf,
    home: PathBuf,
    target: PathBuf,
}

impl Place {
    async fn new() -> Self {
        let folder = open_folder();
        let data_dir = folder.path().join("postgres");
        let postgres = start(offline(&data_dir)).await.unwrap();
        let home = postgres.home().to_path_buf();
        postgres.stop().await.unwrap();
        let target = folder.path().join("target");
        fs::create_dir(&target).unwrap();
        for name in ["PG_VERSION", "postgresql.log", "postmaster.pid", "file"] {
            fs::write(target.join(name), "1\n").unwrap();
        }
        Self { _folder: folder, data_dir, home, target }
    }

    async fn start(&self) -> Result<Postgres, StartError> {
        timeout(LIMIT, start(offline(&self.data_dir))).await.expect("the start hangs")
    }

    /// Puts something in the place of a path for the length of one start, and answers what the start says.
    async fn start_with(&self, path: &str, plant: impl FnOnce(&Path)) -> String {
        let (path, aside) = (self.home.join(path), self.home.with_file_name("aside"));
        let _ = fs::rename(&path, &aside);
        let before = state(&self.target);
        plant(&path);
        let said = match self.start().await {
            Ok(postgres) => {
                postgres.stop().await.unwrap();
                String::new()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(state(&self.target), before, "{} leads to something that has changed", path.display());
        let _ = fs::remove_file(&path);
        let _ = fs::rename(&aside, &path);
        said
    }
}

/// Everything that root could have changed.
fn state(folder: &Path) -> Vec<(PathBuf, u32, u32, String)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.push(folder.to_path_buf());
    paths.sort();
    let described = paths.into_iter().map(|path| {
        let status = fs::symlink_metadata(&path).unwrap();
        let content = if status.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
        (path, status.uid(), status.mode(), content)
    });
    described.collect()
}

#[tokio::test]
async fn root_follows_no_link_in_folders_of_the_server() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let place = Place::new().await;
    let (target, file, missing) = (place.target.clone(), place.target.join("file"), place.target.join("missing"));
    for (path, leads_to) in [
        ("run", &target),
        ("log", &target),
        ("log", &missing),
        ("data", &target),
        ("lock", &file),
        ("lock", &missing),
        ("log/postgresql.log", &file),
        ("log/postgresql.log", &missing),
        ("data/PG_VERSION", &target.join("PG_VERSION")),
    ] {
        let said = place.start_with(path, |path| symlink(leads_to, path).unwrap()).await;
        let words = format!("{} is a symbolic link", place.home.join(path).display());
        assert!(said.contains(&words), "{path} to {}: {said}", leads_to.display());
    }
    // What is only removed, or read by PostgreSQL itself.
    for (path, leads_to) in [
        ("data/postmaster.pid", &target.join("postmaster.pid")),
        ("run/.s.PGSQL.5432", &file),
        ("log/postgresql.log.1", &file),
        ("data.new-abc", &target),
        ("data.new-abc.password", &file),
    ] {
        let said = place.start_with(path, |path| symlink(leads_to, path).unwrap()).await;
        assert_eq!(said, "", "{path}");
    }

    let postgres = place.start().await.unwrap();
    connect(&postgres, "postgres").await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn root_writes_to_plain_files_of_one_name_only() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let place = Place::new().await;
    for path in ["lock", "log/postgresql.log"] {
        let said = place.start_with(path, |path| fs::hard_link(place.target.join("file"), path).unwrap()).await;
        assert!(said.contains(&format!("{} is not a plain file", place.home.join(path).display())), "{path}: {said}");
        // Nobody reads it: opening it would wait for ever.
        let said = place.start_with(path, |path| nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap()).await;
        assert!(said.contains("is not a plain file"), "{path}: {said}");
    }
    let said = place.start_with("data/PG_VERSION", |path| nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap()).await;
    assert!(said.contains("PG_VERSION is not a plain file"), "{said}");
    let pid = place.start_with("data/postmaster.pid", |path| nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap()).await;
    assert_eq!(pid, "");
}

#[tokio::test]
async fn folders_of_somebody_else_are_not_made_the_servers() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let place = Place::new().await;
    for path in ["run", "log"] {
        let said = place
            .start_with(path, |path| {
                fs::create_dir(path).unwrap();
                fs::write(path.join("file"), "somebody's").unwrap();
            })
            .await;
        assert!(said.contains("belongs to root, not to"), "{path}: {said}");
        assert_eq!(fs::metadata(place.home.join(path)).unwrap().uid(), 0);
        fs::remove_dir_all(place.home.join(path)).unwrap();
        // It is made anew.
        place.start().await.unwrap().stop().await.unwrap();
    }
}

/// A data directory that belongs to another user, who decides what is in it.
#[tokio::test]
async fn a_home_is_not_taken_from_another_users_word() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let folder = open_folder();
    let (data_dir, target) = (folder.path().join("postgres"), folder.path().join("target"));
    for path in [&data_dir, &target] {
        fs::create_dir(path).unwrap();
    }
    fs::write(target.join("file"), "1").unwrap();
    let before = state(&target);
    let refused = async || start(offline(&data_dir)).await.unwrap_err().to_string();

    // In a folder of root's own that others can write to, the link can be anybody's.
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o777)).unwrap();
    symlink(&target, data_dir.join("server")).unwrap();
    assert!(refused().await.contains("server is a symbolic link"));
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o755)).unwrap();

    chown(&data_dir, Some(65_534), None).unwrap();
    assert!(refused().await.contains("server is a symbolic link"));
    fs::remove_file(data_dir.join("server")).unwrap();

    let location = data_dir.join("server-location");
    fs::write(&location, target.as_os_str().as_encoded_bytes()).unwrap();
    assert!(refused().await.contains("target belongs to root, not to"));
    chown(&location, Some(65_534), None).unwrap();
    let said = refused().await;
    assert!(said.contains("server-location belongs to") && said.contains("not to root"), "{said}");
    assert_eq!(state(&target), before);
}

#[tokio::test]
async fn a_process_that_only_looks_like_a_server_is_left_alone() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let place = Place::new().await;
    let data = place.home.join("data");
    let mut bystander = Command::new("/bin/sh")
        .arg0("postgres")
        .args(["-c", "sleep 600; exit", "-D"])
        .args([data.as_os_str(), "".as_ref()])
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    fs::write(data.join("postmaster.pid"), format!("{}\n{}\n", bystander.id(), data.display())).unwrap();
    place.start().await.unwrap().stop().await.unwrap();
    assert!(bystander.try_wait().unwrap().is_none());
    let group = nix::unistd::Pid::from_raw(i32::try_from(bystander.id()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    bystander.wait().unwrap();
}

#[tokio::test]
async fn only_the_server_itself_can_remove_what_is_in_its_temporary_folder() {
    if !is_root() {
        return pass_over(ONLY_ROOT);
    }
    let postgres = start(Config::ephemeral()).await.unwrap();
    let folder = open_folder();
    let precious = folder.path().join("precious");
    fs::write(&precious, "1").unwrap();
    symlink(folder.path(), postgres.home().join("elsewhere")).unwrap();
    let home = postgres.home().to_path_buf();
    postgres.stop().await.unwrap();
    assert!(!home.exists());
    assert!(precious.exists());
}
