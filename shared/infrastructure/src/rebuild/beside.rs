//! The tables of a projection beside those that are shown, in a schema of their own: made as those are, filled, given
//! their indexes, and put in their place.

use deadpool_postgres::{ClientWrapper, Transaction};
use shared_kernel::Revision;
use tokio_postgres::GenericClient;
use tokio_postgres::error::SqlState;

use super::RebuildError;
use crate::checkpoint::CHANNEL;
use crate::postgres::{DatabaseError, to_bigint};

/// What a reader writes beside its rows, which a rebuild has of its own as well.
const OF_READERS: [&str; 2] = ["checkpoints", "parked_events"];

/// How long the switch waits for queries that are under way. Others wait behind it meanwhile.
const LOCK_LIMIT: &str = "250ms";

/// How long making one index may take.
const INDEX_LIMIT: &str = "2h";

/// Where the tables of a projection are, and those beside them.
#[derive(Debug, Clone)]
pub(crate) struct Beside {
    reader: &'static str,
    tables: &'static [&'static str],
    /// Schemas.
    shown: String,
    beside: String,
}

/// What has become of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switched {
    /// What was beside is shown.
    Done,
    /// Queries were under way; nothing has changed.
    Busy,
    /// What is beside is of no use any more; nothing has changed.
    Useless,
    /// Another instance has moved the checkpoint; nothing has changed.
    Fenced,
}

/// Anything about a table that those beside it have to have as well.
const SHAPE: &str = "WITH shown AS (
        SELECT c.oid, c.relname, c.relacl, c.relowner, c.reloptions FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY($2)),
    parts (part) AS (
        SELECT format('%s %s %s %s', relname, relacl, relowner, reloptions) FROM shown
        UNION ALL SELECT format('%s %s %s %s %s %s', relname, attnum, attname, format_type(atttypid, atttypmod),
                attnotnull, pg_get_expr(adbin, adrelid))
            FROM shown JOIN pg_attribute ON attrelid = shown.oid AND attnum > 0 AND NOT attisdropped
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        UNION ALL SELECT format('%s %s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
            FROM shown JOIN pg_constraint ON conrelid = shown.oid
        UNION ALL SELECT pg_get_indexdef(indexrelid) FROM shown JOIN pg_index ON indrelid = shown.oid)
    SELECT md5(string_agg(part, E'\\n' ORDER BY part)) FROM parts";

/// What a table may have that is not made beside it.
const NOT_CARRIED_OVER: &str = "SELECT c.relname, CASE WHEN t.oid IS NOT NULL THEN 'triggers' ELSE 'foreign keys' END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    LEFT JOIN pg_constraint k ON k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid)
    WHERE n.nspname = $1 AND c.relname = ANY($2) AND (t.oid IS NOT NULL OR k.oid IS NOT NULL) LIMIT 1";

/// Statements that give the tables beside what rows are found and kept apart by, and to whom they belong.
const KEYS_AND_RIGHTS: &str = "SELECT statement FROM (
        SELECT 1 AS step, format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', $3::text, c.relname, conname,
                pg_get_constraintdef(k.oid)) AS statement
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_constraint k ON k.conrelid = c.oid
            WHERE n.nspname = $1 AND c.relname = ANY($2) AND contype IN ('p', 'u', 'x')
        UNION ALL SELECT 2, format('GRANT %s ON %I.%I TO %s%s', privilege_type, $3::text, c.relname,
                CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl)
            WHERE n.nspname = $1 AND c.relname = ANY($2) AND grantee <> c.relowner
        UNION ALL SELECT 3, format('ALTER TABLE %I.%I OWNER TO %s', $3::text, c.relname, c.relowner::regrole)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = ANY($2) AND c.relowner <>
                (SELECT oid FROM pg_roles WHERE rolname = current_user)
    ) AS steps ORDER BY step";

/// Statements that make the other indexes beside, where they are not there yet.
const INDEXES: &str = "SELECT replace(pg_get_indexdef(i.indexrelid), format(' ON %I.%I USING ', $1::text, c.relname),
            format(' ON %I.%I USING ', $3::text, c.relname))
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class x ON x.oid = i.indexrelid
    WHERE n.nspname = $1 AND c.relname = ANY($2) AND i.indisvalid
        AND to_regclass(format('%I.%I', $3::text, x.relname)) IS NULL
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
    ORDER BY x.relname";

impl Beside {
    /// Those of the projection with this name.
    pub(crate) async fn of(
        client: &impl GenericClient,
        reader: &'static str,
        tables: &'static [&'static str],
    ) -> Result<Self, DatabaseError> {
        let schema: Option<String> = client.query_one("SELECT current_schema()", &[]).await?.try_get(0)?;
        let shown = schema.ok_or_else(|| DatabaseError::Refused("there is no schema for tables".to_owned()))?;
        let beside = format!("{shown} {reader} rebuild");
        Ok(Self { reader, tables, shown, beside })
    }

    fn names(&self) -> Vec<&'static str> {
        self.tables.iter().copied().chain(OF_READERS).collect()
    }

    /// A statement for the checkpoint of the tables that are shown.
    pub(crate) fn shown_checkpoint(&self) -> String {
        format!("SELECT revision FROM {}.checkpoints WHERE name = $1", quoted(&self.shown))
    }

    async fn shape(&self, client: &impl GenericClient) -> Result<Option<String>, DatabaseError> {
        Ok(client.query_one(SHAPE, &[&self.shown, &self.names()]).await?.try_get(0)?)
    }

    /// From now on this connection means the tables beside when it names one of them.
    pub(crate) async fn is_meant_by(&self, client: &impl GenericClient) -> Result<(), DatabaseError> {
        let sql = "SELECT set_config('search_path', format('%I, %I, ', $1::text, $2::text)
            || current_setting('search_path'), false)";
        client.execute(sql, &[&self.beside, &self.shown]).await?;
        Ok(())
    }

    /// Makes the tables beside, empty, unless those that are there can be gone on with: they are of this version of the
    /// projection, and look as those that are shown. Answers whether they were made.
    pub(crate) async fn make(&self, client: &mut ClientWrapper, version: u16) -> Result<bool, RebuildError> {
        let transaction = client.transaction().await?;
        let shape = self.shape(&*transaction).await?;
        let sql = "SELECT FROM rebuilds WHERE reader = $1 AND version = $2 AND shape = $3
            AND to_regclass(format('%I.checkpoints', $4::text)) IS NOT NULL";
        let is_of_use = transaction.query_opt(sql, &[&self.reader, &i32::from(version), &shape, &self.beside]).await?;
        if is_of_use.is_some() {
            return Ok(false);
        }
        if let Some(row) = transaction.query_opt(NOT_CARRIED_OVER, &[&self.shown, &self.tables]).await? {
            let what = if row.try_get::<_, &str>(1)? == "triggers" { "triggers" } else { "foreign keys" };
            return Err(RebuildError::NotCarriedOver { table: row.try_get(0)?, what });
        }
        let beside = quoted(&self.beside);
        transaction.batch_execute(&format!("DROP SCHEMA IF EXISTS {beside} CASCADE; CREATE SCHEMA {beside}")).await?;
        for name in self.names() {
            let (shown, name) = (quoted(&self.shown), quoted(name));
            let like = format!("CREATE TABLE {beside}.{name} (LIKE {shown}.{name} INCLUDING ALL EXCLUDING INDEXES)");
            transaction.batch_execute(&like).await?;
        }
        let keyed = [&self.shown as &(dyn tokio_postgres::types::ToSql + Sync), &self.names(), &self.beside];
        for row in transaction.query(KEYS_AND_RIGHTS, &keyed).await? {
            transaction.batch_execute(row.try_get(0)?).await?;
        }
        let sql = "UPDATE rebuilds SET version = $2, shape = $3, made_at = now(), events = 0, events_per_second = NULL
            WHERE reader = $1";
        transaction.execute(sql, &[&self.reader, &i32::from(version), &shape]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Says that what is beside is of no use any more, so that it is made anew.
    pub(crate) async fn is_useless(&self, client: &impl GenericClient) -> Result<(), DatabaseError> {
        client.execute("UPDATE rebuilds SET shape = NULL WHERE reader = $1", &[&self.reader]).await?;
        Ok(())
    }

    /// Gives the tables beside the indexes of those that are shown, as far as they do not have them, and tells the
    /// planner what is in them.
    pub(crate) async fn index(&self, client: &impl GenericClient) -> Result<(), DatabaseError> {
        let rows = client.query(INDEXES, &[&self.shown, &self.tables, &self.beside]).await?;
        let missing = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<&str>, _>>()?;
        if missing.is_empty() {
            return Ok(());
        }
        let tables = self.tables.iter().map(|table| format!("{}.{}", quoted(&self.beside), quoted(table)));
        let analyze = format!("ANALYZE {}", tables.collect::<Vec<_>>().join(", "));
        client.batch_execute(&format!("SET statement_timeout = '{INDEX_LIMIT}'")).await?;
        for statement in missing.into_iter().chain([&*analyze]) {
            client.batch_execute(statement).await?;
        }
        client.batch_execute("RESET statement_timeout").await?;
        Ok(())
    }

    /// Puts the tables beside in the place of those that are shown, with their checkpoint, which is no earlier, and with
    /// what is parked, all in one moment. `from` is the checkpoint of those that are shown, `client` a connection that
    /// means those.
    pub(crate) async fn switch(
        &self,
        client: &mut ClientWrapper,
        from: Option<Revision>,
        version: u16,
    ) -> Result<Switched, DatabaseError> {
        let transaction = client.transaction().await?;
        if let Err(error) = self.lock(&transaction).await {
            let is_busy = error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
            return if is_busy { Ok(Switched::Busy) } else { Err(error.into()) };
        }
        if !self.is_of_use(&transaction).await? {
            return Ok(Switched::Useless);
        }
        let (shown, beside) = (quoted(&self.shown), quoted(&self.beside));
        let sql = format!(
            "UPDATE {shown}.checkpoints c SET revision = new.revision, event_id = new.event_id,
                 identified_revision = new.revision, projection_version = $3, versioned_revision = new.revision,
                 rebuilt_until = CASE WHEN c.rebuilt_until > new.revision THEN c.rebuilt_until END
             FROM {beside}.checkpoints new
             WHERE c.name = $1 AND new.name = $1 AND c.revision = $2 AND new.revision >= c.revision
             RETURNING pg_notify($4, c.name || ':' || c.revision)"
        );
        let from = to_bigint(from);
        if transaction.query_opt(&sql, &[&self.reader, &from, &i32::from(version), &CHANNEL]).await?.is_none() {
            return Ok(Switched::Fenced);
        }
        self.move_parked(&transaction).await?;
        for table in self.tables.iter().map(|table| quoted(table)) {
            let sql = format!("DROP TABLE {shown}.{table}; ALTER TABLE {beside}.{table} SET SCHEMA {shown}");
            transaction.batch_execute(&sql).await?;
        }
        transaction.batch_execute(&format!("DROP SCHEMA {beside} CASCADE")).await?;
        let sql = "UPDATE rebuilds SET status = 'done', ended_at = now(), shape = NULL,
                (events, of_events) = (SELECT revision + 1, revision + 1 FROM checkpoints WHERE name = $1)
            WHERE reader = $1";
        transaction.execute(sql, &[&self.reader]).await?;
        transaction.commit().await?;
        Ok(Switched::Done)
    }

    /// Lets queries come to their end, and others wait, but not for long.
    async fn lock(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let tables = self.tables.iter().map(|table| format!("{}.{}", quoted(&self.shown), quoted(table)));
        let tables = tables.collect::<Vec<_>>().join(", ");
        let sql = format!("SET LOCAL lock_timeout = '{LOCK_LIMIT}'; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE");
        transaction.batch_execute(&sql).await
    }

    /// Whether what is shown looks as when the tables beside were made, and nothing is in them that was discarded since.
    async fn is_of_use(&self, transaction: &Transaction<'_>) -> Result<bool, DatabaseError> {
        let shape = self.shape(&**transaction).await?;
        let beside = quoted(&self.beside);
        let sql = format!(
            "SELECT FROM rebuilds r JOIN {beside}.checkpoints c ON c.name = r.reader
             WHERE r.reader = $1 AND r.shape = $2 AND NOT EXISTS (
                 SELECT FROM discarded_events d WHERE d.reader = $1 AND d.discarded_at >= r.made_at
                     AND d.revision <= c.revision AND NOT EXISTS (SELECT FROM {beside}.parked_events p
                         WHERE p.reader = $1 AND (p.revision, p.event_id) = (d.revision, d.event_id)))"
        );
        Ok(transaction.query_opt(&sql, &[&self.reader, &shape]).await?.is_some())
    }

    /// What could not be processed beside is parked, and nothing else. What was parked before has been so since then.
    async fn move_parked(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (shown, beside, reader) = (quoted(&self.shown), quoted(&self.beside), &self.reader);
        for sql in [
            format!(
                "DELETE FROM {beside}.parked_events p USING discarded_events d
                 WHERE d.reader = $1 AND p.reader = $1 AND (p.revision, p.event_id) = (d.revision, d.event_id)"
            ),
            format!(
                "UPDATE {beside}.parked_events p SET parked_at = before.parked_at FROM {shown}.parked_events before
                 WHERE before.reader = $1 AND p.reader = $1
                     AND (p.revision, p.event_id) = (before.revision, before.event_id)"
            ),
            format!("DELETE FROM {shown}.parked_events WHERE reader = $1"),
            format!("INSERT INTO {shown}.parked_events SELECT * FROM {beside}.parked_events WHERE reader = $1"),
        ] {
            transaction.execute(&sql, &[reader]).await?;
        }
        Ok(())
    }
}

/// A name, for SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
