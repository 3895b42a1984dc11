//! How far a reader of a stream has come, compared and set so that one that is no longer alone cannot write.

use shared_kernel::Revision;
use tokio_postgres::{GenericClient, Statement};

use crate::postgres::{DatabaseError, from_bigint, to_bigint};

/// The channel on which a moved checkpoint is announced, as `<reader>:<revision>`.
pub(crate) const CHANNEL: &str = "jetbridge_checkpoint";

/// Reads a reader's checkpoint, creating it before the first event if it is not there.
pub(crate) async fn load(client: &impl GenericClient, reader: &str) -> Result<Option<Revision>, DatabaseError> {
    client
        .execute("INSERT INTO checkpoints (name, revision) VALUES ($1, -1) ON CONFLICT DO NOTHING", &[&reader])
        .await?;
    let row = client.query_one("SELECT revision FROM checkpoints WHERE name = $1", &[&reader]).await?;
    Ok(from_bigint(row.get(0)))
}

/// The statement for [`advance`], to be prepared once.
pub(crate) const ADVANCE: &str = "UPDATE checkpoints SET revision = $3 WHERE name = $1 AND revision = $2
     RETURNING pg_notify($4, name || ':' || revision)";

/// Moves a checkpoint from `from` to `to`. Answers whether it stood at `from`; if not, somebody else has moved it.
pub(crate) async fn advance(
    client: &impl GenericClient,
    statement: &Statement,
    reader: &str,
    from: Option<Revision>,
    to: Revision,
) -> Result<bool, tokio_postgres::Error> {
    let (from, to) = (to_bigint(from), to_bigint(Some(to)));
    Ok(client.query_opt(statement, &[&reader, &from, &to, &CHANNEL]).await?.is_some())
}

/// The statement for [`read`], to be prepared once.
pub(crate) const READ: &str = "SELECT revision FROM checkpoints WHERE name = $1";

/// Reads a reader's checkpoint; one that is not there yet is before the first event.
pub(crate) async fn read(
    client: &impl GenericClient,
    statement: &Statement,
    reader: &str,
) -> Result<Option<Revision>, tokio_postgres::Error> {
    let row = client.query_opt(statement, &[&reader]).await?;
    Ok(row.and_then(|row| from_bigint(row.get(0))))
}
