//! What else is in the process, and on the machine, does not keep the event store's clients from working.

use std::process::Command as Process;

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::{Delivery, EventStore};
use shared_kernel::Execute;
use uuid::Uuid;

use crate::accounts::{Command, STREAM};
use crate::bank::{LIMIT, Replica};

/// Says that this process is the one whose surroundings are unusual.
const INSIDE: &str = "JETBRIDGE_TEST_INSIDE";
const NOWHERE: &str = "/nowhere/at/all";

/// In a process of its own, since what is installed stays installed.
#[test]
fn neither_a_provider_that_is_installed_nor_unreadable_certificates_harm_it() {
    let this = std::thread::current().name().unwrap_or_default().to_owned();
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let process = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", &this, "--nocapture"])
        .envs([(INSIDE, "1"), ("SSL_CERT_FILE", NOWHERE), ("SSL_CERT_DIR", NOWHERE)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&process.stderr).into_owned() + &String::from_utf8_lossy(&process.stdout);
    assert!(process.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

fn inside() {
    assert!(rustls::crypto::aws_lc_rs::default_provider().install_default().is_ok(), "nobody has installed one yet");
    assert!(EventStore::new("esdb://localhost:2113").is_err(), "there are no certificates to believe anybody by");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = TestEventStore::start().await;
        let replica = Replica::start(&store).await;
        replica.execute(Command::Deposit { account: Uuid::now_v7(), amount: 1 }).await.unwrap();
        let event_store = EventStore::new(store.connection_string()).unwrap();
        assert!(event_store.last_event(STREAM).await.unwrap().is_some());
        let mut subscription = event_store.subscribe(STREAM, None).await.unwrap();
        let delivered = eventually("it is delivered", LIMIT, async || subscription.next_batch(1).await).await;
        assert!(matches!(delivered[..], [Delivery::Event(_)]));
        assert!(replica.handle.inspect_fresh(|_| ()).await.is_ok());
    });
}
