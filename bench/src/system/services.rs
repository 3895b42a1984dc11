//! Jetbridge as services of their own, each a process, with the embedded event store as one more.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::child::{Child, command};
use super::{Folder, OURS, Places, Running, START_LIMIT, postmaster, start_postgres};
use crate::failure::Failure;
use crate::http::Target;
use crate::processes::Processes;

const EVENT_STORE: &str = "jetbridge-eventstore";
const FLIGHT_API: &str = "flight-api";
const PASSENGER_API: &str = "passenger-api";
const AUDITLOG_API: &str = "auditlog-api";
const FLIGHT_PROCESSOR: &str = "flight-processor";
const PASSENGER_PROCESSOR: &str = "passenger-processor";
const GATEWAY: &str = "gateway";

/// The programs, in the order in which they start.
pub(crate) const SERVICES: [&str; 7] =
    [EVENT_STORE, FLIGHT_API, PASSENGER_API, AUDITLOG_API, FLIGHT_PROCESSOR, PASSENGER_PROCESSOR, GATEWAY];

const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Which of them is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    FlightApi,
    Gateway,
}

pub(super) async fn start(folder: Folder, places: &Places, port: Port) -> Result<Running, Failure> {
    let postgres = start_postgres(&folder, &["flight", "passenger"]).await?;
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let token_file = folder.path().join("service-token");
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(&token_file)?.write_all(token.as_bytes())?;
    let addresses = Addresses::choose()?;
    let mut processes = Processes::default();
    processes.add("PostgreSQL", postmaster(&postgres)?);
    let mut children = Vec::new();
    for name in SERVICES {
        let mut command = command(&places.program(name));
        command.arg("--listen").arg(addresses.of(name).to_string());
        if name == EVENT_STORE {
            command.arg("--data-dir").arg(folder.path().join("events")).env("RUST_LOG", "warn");
        } else {
            command.args(["--log", "warn"]).arg("--service-token-file").arg(&token_file);
            let domain = if name.starts_with("flight") { "flight" } else { "passenger" };
            addresses.tell(&mut command, name, &postgres.url(domain));
        }
        let child = Child::spawn(command, name, folder.path())?;
        processes.add(name, child.pid());
        children.push(child);
    }
    let gateway = Target::new(addresses.of(GATEWAY));
    wait_until_ready(&gateway, &children).await?;
    let target = match port {
        Port::Gateway => gateway,
        Port::FlightApi => Target::new(addresses.of(FLIGHT_API))
            .with_header("Authorization", &format!("Bearer {token}"))
            .with_header("Jetbridge-Roles", "dispatcher"),
    };
    // Those who ask before those who are asked.
    children.reverse();
    Ok(Running { target, path: OURS, processes, children, postgres: Some(postgres), folder })
}

async fn wait_until_ready(gateway: &Target, children: &[Child]) -> Result<(), Failure> {
    let end = Instant::now() + START_LIMIT;
    while Instant::now() < end {
        if gateway.ask(&gateway.get("/health/ready")).await.is_ok_and(|answer| answer.is_success()) {
            return Ok(());
        }
        sleep(LOOK_INTERVAL).await;
    }
    Err(children.last().map_or_else(|| Failure::Asked("there are no services".to_owned()), Child::not_ready))
}

/// Where each service listens.
struct Addresses(Vec<(&'static str, SocketAddr)>);

impl Addresses {
    /// Ports that are free now. Held all at once, so that none comes twice.
    fn choose() -> Result<Self, Failure> {
        let mut held = Vec::new();
        let mut addresses = Vec::new();
        for name in SERVICES {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            addresses.push((name, listener.local_addr()?));
            held.push(listener);
        }
        Ok(Self(addresses))
    }

    fn of(&self, name: &str) -> SocketAddr {
        let found = self.0.iter().find(|(service, _)| *service == name);
        found.map_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), |(_, address)| *address)
    }

    /// What a service has to know of the others.
    fn tell(&self, command: &mut Command, name: &str, database_url: &str) {
        let url = |service| format!("http://{}", self.of(service));
        if name == GATEWAY {
            command.args(["--flight-api", &url(FLIGHT_API), "--passenger-api", &url(PASSENGER_API)]);
            command.args(["--auditlog-api", &url(AUDITLOG_API)]);
            command.args(["--flight-processor", &url(FLIGHT_PROCESSOR)]);
            command.args(["--passenger-processor", &url(PASSENGER_PROCESSOR)]);
            return;
        }
        command.env("JETBRIDGE_EVENT_STORE", format!("esdb://{}?tls=false", self.of(EVENT_STORE)));
        match name {
            FLIGHT_API | FLIGHT_PROCESSOR => command.args(["--passenger-api", &url(PASSENGER_API)]),
            PASSENGER_API | PASSENGER_PROCESSOR => command.args(["--flight-api", &url(FLIGHT_API)]),
            _ => return,
        };
        command.env("JETBRIDGE_DATABASE_URL", database_url);
    }
}
