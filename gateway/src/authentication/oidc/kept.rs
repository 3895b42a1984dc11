//! What the provider has said, kept for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fetch::FetchError;

/// How long to wait after a question that has failed, or that somebody else's token has led to.
const PAUSE: Duration = Duration::from_secs(10);
/// How long what was said counts while the provider cannot be asked again.
const KEPT_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// Something that the provider is asked for again now and then; one question at a time.
pub(super) struct Kept<T> {
    what: &'static str,
    fresh_for: Duration,
    known: Mutex<Known<T>>,
    asking: tokio::sync::Mutex<()>,
}

struct Known<T> {
    value: Option<(Arc<T>, Instant)>,
    failed: Option<(FetchError, Instant)>,
    /// When a value was last asked for although the one that is known is fresh.
    doubted: Option<Instant>,
}

impl<T> Kept<T> {
    /// `what` names it for operators.
    pub(super) fn new(what: &'static str, fresh_for: Duration) -> Self {
        let known = Mutex::new(Known { value: None, failed: None, doubted: None });
        Self { what, fresh_for, known, asking: tokio::sync::Mutex::default() }
    }

    /// What was said, or is said now if that is too long ago.
    pub(super) async fn get(&self, ask: impl Future<Output = Result<T, FetchError>>) -> Result<Arc<T>, FetchError> {
        if let Some(value) = self.within(self.fresh_for) {
            return Ok(value);
        }
        // Who could do with what is known does not wait for somebody who asks already.
        let old = self.within(KEPT_AT_MOST);
        let _asking = match (self.asking.try_lock(), old) {
            (Ok(asking), _) => asking,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => self.asking.lock().await,
        };
        if let Some(value) = self.within(self.fresh_for) {
            return Ok(value);
        }
        match self.failed_lately() {
            Some(error) => self.within(KEPT_AT_MOST).ok_or(error),
            None => self.ask(ask).await,
        }
    }

    /// What is said now, if `doubted` is not enough; at most once in a while, so that nobody can have the provider
    /// flooded.
    pub(super) async fn other_than(
        &self,
        doubted: &Arc<T>,
        ask: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<Arc<T>, FetchError> {
        let _asking = self.asking.lock().await;
        if let Some(value) = self.within(KEPT_AT_MOST).filter(|value| !Arc::ptr_eq(value, doubted)) {
            return Ok(value);
        }
        let may_ask = {
            let mut known = self.known();
            let may_ask = known.doubted.is_none_or(|last| last.elapsed() >= PAUSE);
            if may_ask {
                known.doubted = Some(Instant::now());
            }
            may_ask
        };
        if may_ask { self.ask(ask).await } else { Ok(Arc::clone(doubted)) }
    }

    async fn ask(&self, ask: impl Future<Output = Result<T, FetchError>>) -> Result<Arc<T>, FetchError> {
        match ask.await {
            Ok(value) => {
                let value = Arc::new(value);
                let mut known = self.known();
                (known.value, known.failed) = (Some((Arc::clone(&value), Instant::now())), None);
                Ok(value)
            }
            Err(error) => {
                let what = self.what;
                tracing::warn!(
                    what,
                    reason = %error,
                    "the identity provider cannot be asked, or answers otherwise than expected"
                );
                self.known().failed = Some((error.clone(), Instant::now()));
                self.within(KEPT_AT_MOST).ok_or(error)
            }
        }
    }

    fn within(&self, age: Duration) -> Option<Arc<T>> {
        let known = self.known();
        let (value, since) = known.value.as_ref()?;
        (since.elapsed() < age).then(|| Arc::clone(value))
    }

    fn failed_lately(&self) -> Option<FetchError> {
        let known = self.known();
        let (error, at) = known.failed.as_ref()?;
        (at.elapsed() < PAUSE).then(|| error.clone())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
