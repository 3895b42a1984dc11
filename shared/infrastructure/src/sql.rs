//! The spans of statements.

use tracing::Instrument;

/// Carries out a statement about a table, such as `SELECT` of `bags`, within its span. Statements name columns and
/// parameters, and no values.
pub async fn traced<F: Future>(operation: &'static str, table: &str, statement: &str, doing: F) -> F::Output {
    let span = shared_trace::span!(
        "SQL", otel.name = %format_args!("{operation} {table}"), otel.kind = "client", db.system.name = "postgresql",
        db.operation.name = operation, db.collection.name = table, db.query.text = statement
    );
    doing.instrument(span).await
}
