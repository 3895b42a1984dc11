//! Columns by which rows are found by text.

use deadpool_postgres::Transaction;
use shared_kernel::{SearchKeys, SearchText};
use uuid::Uuid;

use super::column::{Columns, Field, Filled};
use super::table::Table;

/// What begins a column with the keys that this version of the software makes. Text never begins with it, so what an
/// earlier version has written, or writes meanwhile, is told from it. Where the keys of a text become others, this becomes
/// another character, and so does that in the index of the rows to make anew.
const VERSION: char = '\u{1}';
/// How many rows are made anew at once.
const MADE_ANEW_AT_ONCE: i64 = 500;

/// A `text` by which rows are found: the [`SearchKeys`] of a `T` that is written with it. It is not read.
pub struct SearchColumn<T> {
    name: &'static str,
    texts: for<'a> fn(&'a T) -> Vec<&'a str>,
}

impl<T> SearchColumn<T> {
    /// The column with this name, and what is searched in a `T`. Nothing is found across two texts.
    #[must_use]
    pub const fn new(name: &'static str, texts: for<'a> fn(&'a T) -> Vec<&'a str>) -> Self {
        Self { name, texts }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn fill<'a>(&self, values: impl Iterator<Item = &'a T>) -> Filled<'a>
    where
        T: 'a,
    {
        Filled::new(self.name, "text", values.map(|value| searched(&(self.texts)(value))))
    }
}

/// A line for each key of the texts, with a space around it, so that whole words have one on either side.
fn searched(texts: &[&str]) -> String {
    let mut lines = Vec::new();
    for text in texts {
        let SearchKeys { lower_case, plain, passport, words } = SearchKeys::of(text);
        for key in [lower_case, plain, passport, words] {
            let line = format!(" {key} ");
            if !key.is_empty() && !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    format!("{VERSION}{}", lines.join("\n"))
}

/// The `LIKE` patterns of which one fits where a text is found. Rows that an earlier version has written have the text in
/// lower case alone.
pub(super) fn patterns(text: &SearchText) -> Vec<String> {
    let SearchKeys { lower_case, plain, passport, words } = text.keys();
    let mut patterns = Vec::new();
    for key in [lower_case, plain, passport] {
        add(&mut patterns, &escaped(key));
    }
    // One that equals another key adds nothing: the other is found within words as well.
    if ![lower_case, plain, passport, &String::new()].contains(&words) {
        add(&mut patterns, &format!(" {} ", escaped(words)));
    }
    patterns
}

/// Whether an index of trigrams leads to the rows that fit a pattern: `pg_trgm` takes three letters or digits in a row from
/// it, and counts the space before a word as one of them, after a space also that before it.
pub(super) fn has_trigram(pattern: &str) -> bool {
    let words = pattern.trim_matches('%').split(|character: char| !character.is_alphanumeric());
    let is_whole = pattern.starts_with("% ");
    words.map(|word| word.chars().count()).any(|letters| letters >= 3 || (is_whole && letters >= 1))
}

fn add(patterns: &mut Vec<String>, part: &str) {
    let pattern = format!("%{part}%");
    if !patterns.contains(&pattern) {
        patterns.push(pattern);
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

impl<C> Table<C> {
    /// Makes the search column anew in some rows where another version of the software has written it. Answers how many
    /// those were, none if nothing is left.
    ///
    /// `field` is what is searched. An index of the key `WHERE left(column, 1) <> E'\x01'` finds the rows.
    ///
    /// # Errors
    /// Those of PostgreSQL.
    pub async fn make_search_anew<T, K: Columns<T>>(
        self,
        transaction: &Transaction<'_>,
        column: &SearchColumn<T>,
        field: Field<K>,
    ) -> Result<usize, tokio_postgres::Error> {
        let (key, search, version) = (self.key(), column.name, u32::from(VERSION));
        let mut searched = Vec::new();
        K::fill(field.name, &[], &mut searched);
        let columns = searched.iter().map(|filled| filled.column).collect::<Vec<_>>().join(", ");
        // Locked, so that nobody writes something else meanwhile from which the keys do not follow.
        let sql = format!(
            "SELECT {key}, {columns} FROM {self} WHERE left({search}, 1) <> E'\\x{version:02x}'
             ORDER BY {key} LIMIT {MADE_ANEW_AT_ONCE} FOR UPDATE"
        );
        let statement = transaction.prepare_cached(&sql).await?;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for row in transaction.query(&statement, &[]).await? {
            keys.push(row.try_get::<_, Uuid>(0)?);
            values.push(K::read(field.name, &row)?);
        }
        let anew = column.fill(values.iter());
        let sql = format!(
            "UPDATE {self} SET {search} = new.{search} FROM unnest($1::uuid[], $2::{}[]) AS new ({key}, {search})
             WHERE {self}.{key} = new.{key}",
            anew.sql_type
        );
        let statement = transaction.prepare_cached(&sql).await?;
        transaction.execute(&statement, &[&keys, &*anew.array]).await?;
        Ok(keys.len())
    }
}
