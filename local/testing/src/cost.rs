//! What queries cost, in rows that PostgreSQL looks at.

use std::time::Duration;

use crate::database::TestDatabase;
use crate::eventually::eventually;

const LIMIT: Duration = Duration::from_secs(20);
/// PostgreSQL plans a prepared statement anew five times; then it may take a plan that is to fit all values.
const REPETITIONS: usize = 10;
/// The planner itself looks at some rows.
const MARGIN: usize = 2;

impl TestDatabase {
    /// How many rows of a table were looked at so far, by connections that have ended. Waits for all to end.
    ///
    /// # Panics
    ///
    /// When they do not, or there is no such table.
    pub async fn rows_looked_at(&self, table: &str) -> i64 {
        let observer = self.client().await;
        eventually("all connections have ended", LIMIT, async || {
            let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
            let row = observer.query_one(others, &[&self.name()]).await.expect("the connections");
            row.get::<_, i64>(0) == 0
        })
        .await;
        let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = $1";
        observer.query_one(read, &[&table]).await.expect("the table").get(0)
    }

    /// Asserts that each of these queries looks at not many more rows than the `found` ones that it finds, however many
    /// are in the table: right after they were written, and once PostgreSQL knows the table. `ask` asks a query as
    /// often as it is told to, over connections that end with it.
    ///
    /// # Panics
    ///
    /// When one looks at more.
    pub async fn assert_cost(&self, table: &str, found: usize, queries: &[String], ask: impl AsyncFn(&str, usize)) {
        for knows_table in [false, true] {
            if knows_table {
                self.client().await.batch_execute(&format!("ANALYZE {table}")).await.expect("the table");
            }
            for query in queries {
                let before = self.rows_looked_at(table).await;
                ask(query, REPETITIONS).await;
                let looked_at = self.rows_looked_at(table).await - before;
                let most = i64::try_from(MARGIN * found * REPETITIONS).expect("a number of rows");
                assert!(looked_at <= most, "{query} has looked at {looked_at} rows; analyzed: {knows_table}");
            }
        }
    }
}
