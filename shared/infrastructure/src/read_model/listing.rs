use std::fmt;

use deadpool_postgres::GenericClient;
use shared_kernel::{Order, Paging, SearchText};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::column::{Columns, Field, IdColumn};
use super::search::{SearchColumn, patterns};
use super::table::Table;
use crate::sql;

/// A page of a table, in the order of its key, narrowed down by conditions.
///
/// What it costs depends on the page and not on the table, as long as there is an index for each condition: by the key,
/// by a column of [`Listing::any_of`] and the key. Only the shape is in the SQL, so that few statements have to be
/// prepared.
pub struct Listing<C> {
    table: Table<C>,
    order: Order,
    conditions: String,
    /// The first two are the place to go on after, and the number of rows.
    parameters: Vec<Box<dyn ToSql + Sync + Send>>,
    has_keys: bool,
    /// A column, and the number of the parameter with the values that it may have.
    any_of: Option<(&'static str, usize)>,
}

impl<C> Listing<C> {
    /// The page of a table that is asked for, and one row more, which shows whether there is more.
    #[must_use]
    pub fn new(table: Table<C>, page: Paging<impl Into<Uuid>>) -> Self {
        let before_all = match page.order {
            Order::OldestFirst => Uuid::nil(),
            Order::NewestFirst => Uuid::max(),
        };
        let rows = i64::try_from(page.limit).unwrap_or(i64::MAX).saturating_add(1);
        Self {
            table,
            order: page.order,
            conditions: String::new(),
            parameters: vec![Box::new(page.after.map_or(before_all, Into::into)), Box::new(rows)],
            has_keys: false,
            any_of: None,
        }
    }

    /// Only rows that meet a condition.
    #[must_use]
    pub fn only(mut self, condition: &str) -> Self {
        self.conditions.push_str(&format!(" AND {condition}"));
        self
    }

    /// Only rows that belong to this, by its identifier in a column, if any is given.
    #[must_use]
    pub fn of(mut self, column: Field<IdColumn>, id: Option<impl Into<Uuid>>) -> Self {
        if let Some(id) = id {
            let number = self.parameter(id.into());
            self.conditions.push_str(&format!(" AND {} = ${number}", column.name));
        }
        self
    }

    /// Only rows in which this is found, if anything is given.
    #[must_use]
    pub fn containing<T>(mut self, column: &SearchColumn<T>, text: Option<&SearchText>) -> Self {
        if let Some(text) = text {
            // With an array, the planner would take it for found in many rows, and go through them by their key.
            let likes = patterns(text).into_iter().map(|pattern| {
                let number = self.parameter(pattern);
                format!("{} LIKE ${number}", column.name())
            });
            let condition = likes.collect::<Vec<_>>().join(" OR ");
            self.conditions.push_str(&format!(" AND ({condition})"));
        }
        self
    }

    /// Only rows with one of these keys, if any are given.
    #[must_use]
    pub fn keys(mut self, keys: Option<Vec<impl Into<Uuid>>>) -> Self {
        if let Some(keys) = keys {
            let keys: Vec<Uuid> = keys.into_iter().map(Into::into).collect();
            let number = self.parameter(keys);
            self.conditions.push_str(&format!(" AND {} = ANY(${number})", self.table.key()));
            self.has_keys = true;
        }
        self
    }

    /// Only rows with one of these names, each given once, in a column, if any are given. For one column of a listing.
    #[must_use]
    pub fn any_of<F, N: fmt::Display>(mut self, column: Field<F>, names: Option<Vec<N>>) -> Self {
        if let Some(names) = names {
            let names: Vec<String> = names.iter().map(N::to_string).collect();
            self.any_of = Some((column.name, self.parameter(names)));
        }
        self
    }

    /// The rows.
    ///
    /// # Errors
    /// Those of PostgreSQL, and a value that is not known here.
    pub async fn rows<T>(&self, client: &impl GenericClient) -> Result<Vec<T>, tokio_postgres::Error>
    where
        C: Columns<T>,
    {
        let sql = self.sql(&self.table.columns::<T>());
        let statement = client.prepare_cached(&sql).await?;
        let parameters: Vec<&(dyn ToSql + Sync)> = self.parameters.iter().map(|value| &**value as _).collect();
        let found = client.query(&statement, &parameters);
        sql::traced("SELECT", self.table.name(), &sql, found).await?.iter().map(|row| self.table.read(row)).collect()
    }

    /// Adds a parameter and gives its number.
    fn parameter(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.parameters.push(Box::new(value));
        self.parameters.len()
    }

    fn sql(&self, columns: &str) -> String {
        let Self { table, conditions, .. } = self;
        let key = table.key();
        let (beyond, direction) = match self.order {
            Order::OldestFirst => (">", ""),
            Order::NewestFirst => ("<", " DESC"),
        };
        match self.any_of {
            None => format!(
                "SELECT {columns} FROM {table} WHERE {key} {beyond} $1{conditions} ORDER BY {key}{direction} LIMIT $2"
            ),
            // A few keys are found by themselves.
            Some((column, values)) if self.has_keys => format!(
                "SELECT {columns} FROM {table} WHERE {key} {beyond} $1 AND {column} = ANY(${values}){conditions}
                 ORDER BY {key}{direction} LIMIT $2"
            ),
            // Each value is a range of the index by value and key. With `column = ANY(…)` the planner, which does not
            // know the values when it plans for all of them, would rather go through the whole table by its key and
            // wait for enough rows that fit. It cannot do so where the rows have to come by value and key.
            Some((column, values)) => {
                let (last, within) = match self.order {
                    Order::OldestFirst => (Uuid::max(), "<="),
                    Order::NewestFirst => (Uuid::nil(), ">="),
                };
                format!(
                    "SELECT listed.* FROM unnest(${values}::text[]) AS wanted (value), LATERAL (
                         SELECT {columns} FROM {table}
                         WHERE ({column}, {key}) {beyond} (wanted.value, $1)
                           AND ({column}, {key}) {within} (wanted.value, '{last}'){conditions}
                         ORDER BY {column}{direction}, {key}{direction} LIMIT $2) AS listed
                     ORDER BY {key}{direction} LIMIT $2"
                )
            }
        }
    }
}
