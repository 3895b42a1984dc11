//! How an instance that does not lead asks the one that does: through rows of the domain's database, which one writes
//! and the other looks for.

use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::operation::{NotCarriedOut, Operation, Requests};
use crate::postgres::{Database, DatabaseError};

/// How often the instance that leads looks for requests.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How often an instance that has asked looks for the answer.
const ANSWER_POLL: Duration = Duration::from_millis(100);
/// How long a request may wait to be begun, before nobody is taken to lead. Longer than a new leader takes.
const TAKING_LIMIT: Duration = Duration::from_secs(3);
/// How long before the one who asked gives up an answer has to be there.
const ANSWER_MARGIN: Duration = Duration::from_millis(500);
/// How many requests are under way at once.
const AT_ONCE: usize = 4;

/// What became of a request, as it is stored.
type Outcome = Result<Value, NotCarriedOut>;

/// Asks whichever instance of a reader leads, and waits for the answer.
pub(super) async fn ask(database: &Database, reader: &str, operation: &Operation, limit: Duration) -> Outcome {
    let id = Uuid::now_v7();
    let asked = async {
        let request = serde_json::to_string(operation).map_err(|_| NotCarriedOut::OtherVersion)?;
        let client = database.client().await?;
        let sql = "INSERT INTO reader_requests (id, reader, request, expires_at)
            VALUES ($1, $2, $3, now() + make_interval(secs => $4))";
        client.execute(sql, &[&id, &reader, &request, &limit.as_secs_f64()]).await?;
        drop(client);
        let outcome = answer(database, id, limit).await;
        // It expires by itself if this fails.
        let _ = database.client().await?.execute("DELETE FROM reader_requests WHERE id = $1", &[&id]).await;
        outcome
    };
    asked.await.unwrap_or_else(|failure: Failure| Err(failure.0))
}

/// That an operation cannot be asked for, or its answer not be read.
struct Failure(NotCarriedOut);

impl From<NotCarriedOut> for Failure {
    fn from(reason: NotCarriedOut) -> Self {
        Self(reason)
    }
}

impl From<DatabaseError> for Failure {
    fn from(_: DatabaseError) -> Self {
        Self(NotCarriedOut::Unavailable)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(_: tokio_postgres::Error) -> Self {
        Self(NotCarriedOut::Unavailable)
    }
}

async fn answer(database: &Database, id: Uuid, limit: Duration) -> Result<Outcome, Failure> {
    let asked_at = Instant::now();
    while asked_at.elapsed() < limit {
        sleep(ANSWER_POLL).await;
        let client = database.client().await?;
        let sql = "SELECT answer, taken_at IS NOT NULL FROM reader_requests WHERE id = $1";
        let Some(row) = client.query_opt(sql, &[&id]).await? else { return Ok(Err(NotCarriedOut::Interrupted)) };
        if let Some(answer) = row.try_get::<_, Option<String>>(0)? {
            return Ok(serde_json::from_str(&answer).unwrap_or(Err(NotCarriedOut::OtherVersion)));
        }
        let is_taken: bool = row.try_get(1)?;
        if !is_taken && asked_at.elapsed() >= TAKING_LIMIT {
            let sql = "DELETE FROM reader_requests WHERE id = $1 AND taken_at IS NULL";
            if client.execute(sql, &[&id]).await? > 0 {
                return Ok(Err(NotCarriedOut::NotLeading));
            }
        }
    }
    Ok(Err(NotCarriedOut::TookTooLong))
}

/// Where the instance that leads finds what other instances were asked.
pub(super) struct Mailbox {
    pub(super) reader: &'static str,
    pub(super) database: Database,
    pub(super) requests: Requests,
}

/// A request of another instance.
struct Letter {
    id: Uuid,
    operation: Option<Operation>,
    limit: Duration,
}

impl Mailbox {
    /// Carries out what is found, as long as this instance leads.
    pub(super) async fn serve(&self) -> Infallible {
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut has_begun = false;
        loop {
            tokio::select! {
                Some(()) = under_way.next() => {}
                _ = look.tick(), if under_way.len() < AT_ONCE => {
                    match self.look(has_begun).await {
                        Ok(letter) => {
                            has_begun = true;
                            under_way.extend(letter.map(|letter| -> BoxFuture<'_, ()> {
                                Box::pin(self.carry_out(letter))
                            }));
                        }
                        Err(error) => tracing::debug!(reader = self.reader, %error, "cannot look for requests"),
                    }
                }
            }
        }
    }

    /// Takes the oldest request. An instance that begins to lead first gives up what the one before has left undone.
    async fn look(&self, has_begun: bool) -> Result<Option<Letter>, DatabaseError> {
        let client = self.database.client().await?;
        if !has_begun {
            let sql = "UPDATE reader_requests SET answer = $2
                WHERE reader = $1 AND taken_at IS NOT NULL AND answer IS NULL";
            client.execute(sql, &[&self.reader, &text(&Err(NotCarriedOut::Interrupted))]).await?;
            client.execute("DELETE FROM reader_requests WHERE expires_at < now() - interval '1 minute'", &[]).await?;
        }
        let take = client.prepare_cached(
            "UPDATE reader_requests SET taken_at = now() WHERE id = (
                 SELECT id FROM reader_requests
                 WHERE reader = $1 AND taken_at IS NULL AND expires_at > now() ORDER BY asked_at LIMIT 1)
             RETURNING id, request, extract(epoch FROM expires_at - now())::float8",
        );
        let Some(row) = client.query_opt(&take.await?, &[&self.reader]).await? else { return Ok(None) };
        let (request, seconds): (String, f64) = (row.try_get(1)?, row.try_get(2)?);
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or_default().saturating_sub(ANSWER_MARGIN);
        Ok(Some(Letter { id: row.try_get(0)?, operation: serde_json::from_str(&request).ok(), limit }))
    }

    async fn carry_out(&self, Letter { id, operation, limit }: Letter) {
        let outcome = match operation {
            Some(operation) => self.requests.carry_out(operation, limit).await,
            None => Err(NotCarriedOut::OtherVersion),
        };
        let answering = async {
            let client = self.database.client().await?;
            let sql = "UPDATE reader_requests SET answer = $2 WHERE id = $1";
            Ok::<_, DatabaseError>(client.execute(sql, &[&id, &text(&outcome)]).await?)
        };
        if let Err(error) = answering.await {
            tracing::warn!(reader = self.reader, %error, "could not answer the instance that has asked");
        }
    }
}

fn text(outcome: &Outcome) -> String {
    // JSON and constants always have a JSON form.
    serde_json::to_string(outcome).unwrap_or_default()
}
