use std::fmt;

use deadpool_postgres::GenericClient;
use shared_kernel::{Order, Paging, SearchText};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::column::{Columns, Field, IdColumn};
use super::search::{SearchColumn, has_trigram, patterns};
use super::table::Table;
use crate::sql;

/// In how many rows a text is looked for first, in the order of the page.
const NEAREST: usize = 2_500;
/// If a text is in fewer of them than this, the index of the text leads to its rows faster than the order does.
const FEW: usize = 10;

/// A page of a table, in the order of its key, narrowed down by conditions.
///
/// What it costs depends on the page and not on the table, as long as there is an index for each condition: by the key,
/// by a column of [`Listing::any_of`] and the key. Where a text is found depends on how often it is there, which nobody
/// knows before: it is looked for in the nearest rows, and in the index of the text if it is rare in them. Only the
/// shape is in the SQL, so that few statements have to be prepared.
pub struct Listing<C> {
    table: Table<C>,
    order: Order,
    conditions: String,
    /// The first two are the place to go on after, and the number of rows.
    parameters: Vec<Box<dyn ToSql + Sync + Send>>,
    /// How many rows are wanted.
    rows: usize,
    has_keys: bool,
    /// Whether the rows belong to something, which are few.
    is_part: bool,
    /// Whether there is an index for the text that is looked for.
    is_search: bool,
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
        let rows = page.limit.saturating_add(1);
        let limit = i64::try_from(rows).unwrap_or(i64::MAX);
        Self {
            table,
            order: page.order,
            conditions: String::new(),
            parameters: vec![Box::new(page.after.map_or(before_all, Into::into)), Box::new(limit)],
            rows,
            has_keys: false,
            is_part: false,
            is_search: false,
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
            self.is_part = true;
        }
        self
    }

    /// Only rows in which this is found, if anything is given.
    #[must_use]
    pub fn containing<T>(mut self, column: &SearchColumn<T>, text: Option<&SearchText>) -> Self {
        if let Some(text) = text {
            let patterns = patterns(text);
            self.is_search = patterns.iter().all(|pattern| has_trigram(pattern));
            // With an array, the planner would take it for found in many rows, and go through them by their key.
            let likes = patterns.into_iter().map(|pattern| {
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
        let columns = self.table.columns::<T>();
        if self.is_search && !self.is_part && !self.has_keys {
            let nearest = self.fetch(client, &self.in_nearest(&columns)).await?;
            if nearest.len() >= self.rows {
                return Ok(nearest);
            }
            if nearest.len() < FEW {
                let all = self.fetch(client, &self.by_text(&columns)).await?;
                return Ok(if all.is_empty() { nearest } else { all });
            }
        }
        self.fetch(client, &self.sql(&columns)).await
    }

    async fn fetch<T>(&self, client: &impl GenericClient, sql: &str) -> Result<Vec<T>, tokio_postgres::Error>
    where
        C: Columns<T>,
    {
        let statement = client.prepare_cached(sql).await?;
        let parameters: Vec<&(dyn ToSql + Sync)> = self.parameters.iter().map(|value| &**value as _).collect();
        let found = client.query(&statement, &parameters);
        sql::traced("SELECT", self.table.name(), sql, found).await?.iter().map(|row| self.table.read(row)).collect()
    }

    /// Adds a parameter and gives its number.
    fn parameter(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.parameters.push(Box::new(value));
        self.parameters.len()
    }

    /// How a key compares to those before it, and the direction of the order.
    const fn direction(&self) -> (&'static str, &'static str) {
        match self.order {
            Order::OldestFirst => (">", ""),
            Order::NewestFirst => ("<", " DESC"),
        }
    }

    /// Those of the nearest rows that meet the conditions.
    fn in_nearest(&self, columns: &str) -> String {
        let (key, conditions, nearest) = (self.table.key(), &self.conditions, self.nearest("*"));
        let (_, direction) = self.direction();
        format!(
            "SELECT {columns} FROM ({nearest}) AS nearest WHERE true{conditions} ORDER BY {key}{direction} LIMIT $2"
        )
    }

    /// The rows, by the index of the text: what has to find all of them cannot go through the table by its key. None if
    /// the nearest rows are all there are.
    fn by_text(&self, columns: &str) -> String {
        let (table, key, nearest) = (&self.table, self.table.key(), self.nearest(self.table.key()));
        let (beyond, direction) = self.direction();
        let any_of = self.any_of.map(|(column, values)| format!(" AND {column} = ANY(${values})"));
        let conditions = format!("{}{}", self.conditions, any_of.unwrap_or_default());
        format!(
            "WITH nearest AS MATERIALIZED ({nearest}), found AS MATERIALIZED (
                 SELECT * FROM {table}
                 WHERE (SELECT count(*) >= {NEAREST} FROM nearest) AND {key} {beyond} $1{conditions})
             SELECT {columns} FROM found ORDER BY {key}{direction} LIMIT $2"
        )
    }

    fn nearest(&self, columns: &str) -> String {
        self.in_order(columns, "", &NEAREST.to_string())
    }

    fn sql(&self, columns: &str) -> String {
        self.in_order(columns, &self.conditions, "$2")
    }

    /// So many rows in the order of the page that meet these conditions.
    fn in_order(&self, columns: &str, conditions: &str, limit: &str) -> String {
        let table = &self.table;
        let key = table.key();
        let (beyond, direction) = self.direction();
        match self.any_of {
            None => format!(
                "SELECT {columns} FROM {table} WHERE {key} {beyond} $1{conditions} ORDER BY {key}{direction} LIMIT {limit}"
            ),
            // A few keys are found by themselves.
            Some((column, values)) if self.has_keys => format!(
                "SELECT {columns} FROM {table} WHERE {key} {beyond} $1 AND {column} = ANY(${values}){conditions}
                 ORDER BY {key}{direction} LIMIT {limit}"
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
                         ORDER BY {column}{direction}, {key}{direction} LIMIT {limit}) AS listed
                     ORDER BY {key}{direction} LIMIT {limit}"
                )
            }
        }
    }
}
