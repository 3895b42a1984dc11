#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

struct Pair(TempDir);

impl Pair {
    fn new() -> Self {
        let pair = Self(TempDir::new().unwrap());
        pair.renew();
        pair
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    fn renew(&self) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(self.certificate(), certificate.pem()).unwrap();
        fs::write(self.key(), key.serialize_pem()).unwrap();
        self.allow(0o600);
    }

    fn allow(&self, mode: u32) {
        fs::set_permissions(self.key(), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self) -> Result<Tls, TlsError> {
        Tls::read(&self.certificate(), &self.key())
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_not_taken_over() {
    let pair = Pair::new();
    let tls = pair.read().unwrap();
    let following = tls.clone();
    let _following = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(async move { following.follow().await }));
    let first = tls.0.config.load_full();
    // The clock is paused: it goes on by itself when nothing else is left to do, so that each look has happened.
    let is_as_before = async || {
        tokio::time::sleep(4 * LOOK_INTERVAL).await;
        Arc::ptr_eq(&tls.0.config.load_full(), &first)
    };
    fs::write(pair.key(), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(is_as_before().await, "the key of another certificate");
    fs::write(pair.certificate(), "nothing").unwrap();
    assert!(is_as_before().await, "no certificate");
    pair.renew();
    pair.allow(0o644);
    assert!(is_as_before().await, "a key that everybody may read");
    fs::remove_file(pair.certificate()).unwrap();
    assert!(is_as_before().await, "nothing");
    pair.renew();
    assert!(!is_as_before().await, "a pair");
}

#[test]
fn a_key_that_others_may_read_or_change_is_refused() {
    let pair = Pair::new();
    for mode in [0o604, 0o644, 0o660, 0o602, 0o640 | 0o001] {
        pair.allow(mode);
        assert!(matches!(pair.read(), Err(TlsError::NotPrivate { .. })), "{mode:o}");
    }
    for mode in [0o600, 0o400, 0o440, 0o640] {
        pair.allow(mode);
        assert!(pair.read().is_ok(), "{mode:o}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_speak_tls_in_time_is_sent_away() {
    let (_silent, server) = tokio::io::duplex(64);
    let begin = tokio::time::Instant::now();
    let error = Pair::new().read().unwrap().accept(server).await.unwrap_err();
    assert_eq!((error.kind(), begin.elapsed().as_secs()), (io::ErrorKind::TimedOut, HANDSHAKE.as_secs()));
}
