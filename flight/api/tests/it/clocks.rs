//! A replica on a machine whose clock is days wrong.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jetbridge_testing::{Answer, Api, SERVICE_TOKEN_FILE, eventually, unique};
use reqwest::StatusCode;

use crate::support::{Tables, TestApi};

const LIMIT: Duration = Duration::from_secs(30);

/// The flight API as a process of its own.
struct Elsewhere {
    process: Child,
    api: Api,
}

impl Elsewhere {
    /// A replica of `api` whose clock is so many hours ahead.
    fn start(api: &TestApi, tables: &Tables, hours: i32, folder: &Path) -> Self {
        let clock = folder.join(format!("clock{hours}.so"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clock.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", &format!("-DHOURS={hours}"), "-o"])
            .arg(&clock)
            .args([source, "-ldl"])
            .status()
            .unwrap();
        assert!(compiled.success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_flight-api"))
            .args(["--listen", &port.to_string(), "--database-url", &tables.0.url()])
            .args(["--event-store", api.event_store(), "--passenger-api", &format!("http://{port}")])
            .args(["--service-token-file", SERVICE_TOKEN_FILE])
            .env("LD_PRELOAD", &clock)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, api: Api::new(format!("http://{port}")).with_roles("admin") }
    }

    /// Waits until it answers.
    async fn listens(&self) {
        eventually("it listens", LIMIT, async || self.api.get("/health/live").try_send().await).await;
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It may have ended already, which its test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_replica_whose_clock_is_wrong_forgets_no_key() {
    let tables = Tables::create().await;
    let right = TestApi::start(&tables).await;
    let folder = tempfile::tempdir().unwrap();
    for hours in [48, -48] {
        let elsewhere = Elsewhere::start(&right, &tables, hours, folder.path());
        elsewhere.listens().await;
        let create = async |api: &Api, key: &str| {
            api.create_flight().key(key).send_once_available().await.expect(StatusCode::CREATED)
        };
        let [first, second] = [unique(), unique()];
        let created = create(&right, &first).await;
        let created_elsewhere = create(&elsewhere.api, &second).await;
        // Without the time of day.
        let day = |answer: &Answer| answer.header("Date").unwrap()[..16].to_owned();
        assert_ne!(day(&created), day(&created_elsewhere), "its clock is right");
        create(&right, &unique()).await;
        for api in [&elsewhere.api, &right] {
            assert_eq!(create(api, &second).await.id(), created_elsewhere.id(), "{hours} hours");
            assert_eq!(create(api, &first).await.id(), created.id(), "{hours} hours");
        }
    }
}
