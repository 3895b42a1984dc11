//! The tables of a read model: rows with a key and the number of the last event about each, written many at a time.

use std::fmt;
use std::marker::PhantomData;

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::changes::Changed;
use super::column::{Cell, Columns, Field, Filled, IdColumn, RevisionColumn};
use super::search::SearchColumn;
use crate::sql;

/// A table whose rows are kept as `C` says.
#[derive(Debug)]
pub struct Table<C> {
    name: &'static str,
    key: &'static str,
    version: &'static str,
    row: PhantomData<C>,
}

impl<C> Clone for Table<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Table<C> {}

impl<C> Table<C> {
    /// A table, its primary key, and its column for the number of the last event about a row.
    #[must_use]
    pub const fn new(name: &'static str, key: Field<IdColumn>, version: Field<RevisionColumn>) -> Self {
        Self { name, key: key.name, version: version.name, row: PhantomData }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The row with this key, if there is one.
    ///
    /// # Errors
    /// Those of PostgreSQL, and a value that is not known here.
    pub async fn find<T>(
        self,
        client: &impl GenericClient,
        key: impl Into<Uuid>,
    ) -> Result<Option<T>, tokio_postgres::Error>
    where
        C: Columns<T>,
    {
        let sql = format!("SELECT {} FROM {self} WHERE {} = $1", self.columns::<T>(), self.key);
        let statement = client.prepare_cached(&sql).await?;
        let key: Uuid = key.into();
        let found = sql::traced("SELECT", self.name, &sql, client.query_opt(&statement, &[&key])).await?;
        found.map(|row| self.read(&row)).transpose()
    }

    /// The rows for which a condition holds, in the order that it says.
    ///
    /// # Errors
    /// Those of PostgreSQL, and a value that is not known here.
    pub async fn found_where<T>(
        self,
        client: &impl GenericClient,
        condition: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<T>, tokio_postgres::Error>
    where
        C: Columns<T>,
    {
        let sql = format!("SELECT {} FROM {self} WHERE {condition}", self.columns::<T>());
        let statement = client.prepare_cached(&sql).await?;
        let found = client.query(&statement, values);
        sql::traced("SELECT", self.name, &sql, found).await?.iter().map(|row| self.read(row)).collect()
    }

    /// Deletes the rows with these keys.
    ///
    /// # Errors
    /// Those of PostgreSQL.
    pub async fn delete(self, transaction: &Transaction<'_>, keys: &[Uuid]) -> Result<(), tokio_postgres::Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let sql = format!("DELETE FROM {self} WHERE {} = ANY($1)", self.key);
        let statement = transaction.prepare_cached(&sql).await?;
        sql::traced("DELETE", self.name, &sql, transaction.execute(&statement, &[&keys])).await?;
        Ok(())
    }

    /// Rows to write, with their keys and versions.
    pub fn rows<V>(self, changed: &[Changed<V>]) -> Rows<'_, V> {
        let keys = Filled::new(self.key, <IdColumn as Cell<Uuid>>::TYPE, changed.iter().map(|row| row.key));
        let versions = changed.iter().map(|row| RevisionColumn::write(&row.version));
        let versions = Filled::new(self.version, RevisionColumn::TYPE, versions);
        Rows { table: self.name, key: self.key, changed, filled: vec![keys, versions], new_only: Vec::new() }
    }

    /// What is kept in a row.
    pub(super) fn read<T>(self, row: &Row) -> Result<T, tokio_postgres::Error>
    where
        C: Columns<T>,
    {
        C::read(self.name, row)
    }

    pub(super) const fn key(self) -> &'static str {
        self.key
    }

    /// The columns that are read, for a select list.
    pub(super) fn columns<T>(self) -> String
    where
        C: Columns<T>,
    {
        let mut none = Vec::new();
        C::fill(self.name, &[], &mut none);
        list(&none, |column, _| column.column.to_owned())
    }
}

/// Its name, for SQL.
impl<C> fmt::Display for Table<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Rows of one table that are written by one statement, whatever their number.
#[must_use = "nothing is written yet"]
pub struct Rows<'a, V> {
    table: &'static str,
    key: &'static str,
    changed: &'a [Changed<V>],
    /// The key is the first.
    filled: Vec<Filled<'a>>,
    new_only: Vec<Filled<'a>>,
}

impl<'a, V> Rows<'a, V> {
    /// Writes what `value` takes of each row.
    pub fn with<T: 'a, C: Columns<T>>(mut self, field: Field<C>, value: impl Fn(&'a V) -> &'a T) -> Self {
        C::fill(field.name, &self.values(value), &mut self.filled);
        self
    }

    /// The same, but a row that is there already keeps what it has.
    pub fn with_if_new<T: 'a, C: Columns<T>>(mut self, field: Field<C>, value: impl Fn(&'a V) -> &'a T) -> Self {
        C::fill(field.name, &self.values(value), &mut self.new_only);
        self
    }

    /// Writes what follows from what `value` takes of each row.
    pub fn with_search<T: 'a>(mut self, column: &SearchColumn<T>, value: impl Fn(&'a V) -> &'a T) -> Self {
        let filled = column.fill(self.values(value).into_iter());
        self.filled.push(filled);
        self
    }

    /// Adds the rows, or, where there is one with the same key, overwrites what it has in these columns.
    ///
    /// # Errors
    /// Those of PostgreSQL.
    pub async fn upsert(self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let Self { table, key, changed, mut filled, new_only } = self;
        let overwrite = list(&filled[1..], |Filled { column, .. }, _| format!("{column} = excluded.{column}"));
        filled.extend(new_only);
        let (columns, arrays) = (names(&filled), arrays(&filled));
        let sql = format!(
            "INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})
             ON CONFLICT ({key}) DO UPDATE SET {overwrite}"
        );
        sql::traced("INSERT", table, &sql, execute(transaction, changed, &sql, &filled)).await
    }

    /// Overwrites these columns of the rows that are there.
    ///
    /// # Errors
    /// Those of PostgreSQL.
    pub async fn update(self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let Self { table, key, changed, filled, .. } = self;
        let overwrite = list(&filled[1..], |Filled { column, .. }, _| format!("{column} = new.{column}"));
        let (columns, arrays) = (names(&filled), arrays(&filled));
        let sql = format!(
            "UPDATE {table} SET {overwrite} FROM unnest({arrays}) AS new ({columns}) WHERE {table}.{key} = new.{key}"
        );
        sql::traced("UPDATE", table, &sql, execute(transaction, changed, &sql, &filled)).await
    }

    fn values<T: 'a>(&self, value: impl Fn(&'a V) -> &'a T) -> Vec<&'a T> {
        self.changed.iter().map(|row| value(&row.value)).collect()
    }
}

async fn execute<V>(
    transaction: &Transaction<'_>,
    changed: &[Changed<V>],
    sql: &str,
    filled: &[Filled<'_>],
) -> Result<(), tokio_postgres::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(sql).await?;
    let parameters: Vec<&(dyn ToSql + Sync)> = filled.iter().map(|column| &*column.array as _).collect();
    transaction.execute(&statement, &parameters).await?;
    Ok(())
}

fn names(filled: &[Filled<'_>]) -> String {
    list(filled, |column, _| column.column.to_owned())
}

/// A parameter for each column, with all of its values.
fn arrays(filled: &[Filled<'_>]) -> String {
    list(filled, |column, number| format!("${number}::{}[]", column.sql_type))
}

/// What is said of each column, and of its number from 1.
fn list(filled: &[Filled<'_>], say: impl Fn(&Filled<'_>, usize) -> String) -> String {
    filled.iter().zip(1..).map(|(column, number)| say(column, number)).collect::<Vec<_>>().join(", ")
}
