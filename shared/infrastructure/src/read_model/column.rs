//! The columns of a table: what each is called, and how it is written and read.

use std::fmt;
use std::str::FromStr;

use shared_kernel::{Revision, Text};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};
use uuid::Uuid;

use crate::postgres::{Parsed, StoredRevision, to_bigint};

/// How a `T` is kept in the columns of a table. Where one column is enough, implement [`Cell`].
pub trait Columns<T> {
    /// Adds the columns that hold these values, a row for each. `field` is what the values are called, and usually the
    /// column too.
    fn fill<'a>(field: &'static str, values: &[&'a T], filled: &mut Vec<Filled<'a>>);

    /// What a row holds in these columns.
    ///
    /// # Errors
    /// Those of PostgreSQL, and a value that is not known here.
    fn read(field: &'static str, row: &Row) -> Result<T, tokio_postgres::Error>;
}

/// How a `T` is kept in one column.
pub trait Cell<T> {
    /// The type of the column, as PostgreSQL calls it.
    const TYPE: &'static str;
    /// What is written.
    type Written<'a>: ToSql + Sync + Send
    where
        T: 'a;
    /// What is read.
    type Read: for<'row> FromSql<'row>;

    /// What is written of a value.
    fn write(value: &T) -> Self::Written<'_>;

    /// The value of which this was written.
    fn read(read: Self::Read) -> T;
}

impl<T, C: Cell<T> + 'static> Columns<T> for C {
    fn fill<'a>(field: &'static str, values: &[&'a T], filled: &mut Vec<Filled<'a>>) {
        filled.push(Filled::new(field, C::TYPE, values.iter().map(|value| C::write(value))));
    }

    fn read(field: &'static str, row: &Row) -> Result<T, tokio_postgres::Error> {
        row.try_get(field).map(<C as Cell<T>>::read)
    }
}

/// A column, and what all the rows that are written hold in it.
pub struct Filled<'a> {
    pub(super) column: &'static str,
    pub(super) sql_type: &'static str,
    pub(super) array: Box<dyn ToSql + Sync + Send + 'a>,
}

impl<'a> Filled<'a> {
    /// A column of this type, as PostgreSQL calls it, with a value for each row.
    pub fn new<V: ToSql + Sync + Send + 'a>(
        column: &'static str,
        sql_type: &'static str,
        values: impl Iterator<Item = V>,
    ) -> Self {
        Self { column, sql_type, array: Box::new(values.collect::<Vec<V>>()) }
    }
}

/// A field of what a row holds, kept as `C` says. Made by [`columns!`](crate::columns).
#[derive(Debug, Clone, Copy)]
pub struct Field<C> {
    pub(super) name: &'static str,
    kept: std::marker::PhantomData<C>,
}

impl<C> Field<C> {
    /// The field with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, kept: std::marker::PhantomData }
    }

    /// What a row holds in it.
    ///
    /// # Errors
    /// Those of PostgreSQL, and a value that is not known here.
    pub fn read<T>(self, row: &Row) -> Result<T, tokio_postgres::Error>
    where
        C: Columns<T>,
    {
        C::read(self.name, row)
    }
}

/// The name of its column, for SQL.
impl<C> fmt::Display for Field<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A `uuid` that identifies something.
#[derive(Debug, Clone, Copy)]
pub struct IdColumn;

impl<T: Copy + From<Uuid>> Cell<T> for IdColumn
where
    Uuid: From<T>,
{
    const TYPE: &'static str = "uuid";
    type Written<'a>
        = Uuid
    where
        T: 'a;
    type Read = Uuid;

    fn write(id: &T) -> Uuid {
        Uuid::from(*id)
    }

    fn read(id: Uuid) -> T {
        T::from(id)
    }
}

/// A `text` from a person, or one that may be missing.
#[derive(Debug, Clone, Copy)]
pub struct TextColumn;

impl<const MAX: usize> Cell<Text<MAX>> for TextColumn {
    const TYPE: &'static str = "text";
    type Written<'a> = &'a str;
    type Read = String;

    fn write(text: &Text<MAX>) -> &str {
        text.as_str()
    }

    fn read(text: String) -> Text<MAX> {
        Text::from_stored(&text)
    }
}

impl<const MAX: usize> Cell<Option<Text<MAX>>> for TextColumn {
    const TYPE: &'static str = "text";
    type Written<'a> = Option<&'a str>;
    type Read = Option<String>;

    fn write(text: &Option<Text<MAX>>) -> Option<&str> {
        text.as_ref().map(Text::as_str)
    }

    fn read(text: Option<String>) -> Option<Text<MAX>> {
        text.as_deref().map(Text::from_stored)
    }
}

/// One of several values, by its name, in a `text`. Reading a name that none of them has is an error.
#[derive(Debug, Clone, Copy)]
pub struct NameColumn;

impl<T: fmt::Display + FromStr> Cell<T> for NameColumn {
    const TYPE: &'static str = "text";
    type Written<'a>
        = String
    where
        T: 'a;
    type Read = Parsed<T>;

    fn write(value: &T) -> String {
        value.to_string()
    }

    fn read(Parsed(value): Parsed<T>) -> T {
        value
    }
}

/// The number of an event, in a `bigint`. Reading a negative one is an error.
#[derive(Debug, Clone, Copy)]
pub struct RevisionColumn;

impl Cell<Revision> for RevisionColumn {
    const TYPE: &'static str = "bigint";
    type Written<'a> = i64;
    type Read = StoredRevision;

    fn write(revision: &Revision) -> i64 {
        to_bigint(Some(*revision))
    }

    fn read(StoredRevision(revision): StoredRevision) -> Revision {
        revision
    }
}

/// Says in which columns the fields of a struct are kept: each field with the [`Columns`] that it has, which may be
/// those of another struct. The column is called as the field. Select lists, statements that write and what reads a row
/// follow from it.
///
/// All fields have to be there: one that is missing does not compile.
///
/// ```
/// use shared_infrastructure::read_model::{IdColumn, RevisionColumn, Table, TextColumn};
/// use shared_kernel::{Revision, Text};
/// use uuid::Uuid;
///
/// struct Gate { id: Uuid, pier: Text<1>, remark: Option<Text<100>>, version: Revision }
///
/// shared_infrastructure::columns! {
///     /// The columns of `gates`.
///     struct GateColumns of Gate {
///         id: IdColumn,
///         pier: TextColumn,
///         remark: TextColumn,
///         version: RevisionColumn,
///     }
/// }
///
/// const GATES: Table<GateColumns> = Table::new("gates", GateColumns::id, GateColumns::version);
/// ```
#[macro_export]
macro_rules! columns {
    ($(
        $(#[$meaning:meta])*
        $visible:vis struct $Columns:ident of $Value:ident { $($field:ident: $Kept:ty,)+ }
    )+) => {$(
        $(#[$meaning])*
        #[derive(Debug, Clone, Copy)]
        $visible struct $Columns;

        #[allow(non_upper_case_globals, reason = "a column is called as the field")]
        #[allow(dead_code, reason = "not every column is used by itself")]
        impl $Columns {
            $($visible const $field: $crate::read_model::Field<$Kept> =
                $crate::read_model::Field::new(stringify!($field));)+
        }

        impl $crate::read_model::Columns<$Value> for $Columns {
            fn fill<'a>(
                _: &'static str,
                values: &[&'a $Value],
                filled: &mut ::std::vec::Vec<$crate::read_model::Filled<'a>>,
            ) {
                $({
                    let values: ::std::vec::Vec<_> = values.iter().map(|value| &value.$field).collect();
                    <$Kept as $crate::read_model::Columns<_>>::fill(stringify!($field), &values, filled);
                })+
            }

            fn read(
                _: &'static str,
                row: &$crate::tokio_postgres::Row,
            ) -> ::core::result::Result<$Value, $crate::tokio_postgres::Error> {
                ::core::result::Result::Ok($Value {
                    $($field: <$Kept as $crate::read_model::Columns<_>>::read(stringify!($field), row)?,)+
                })
            }
        }
    )+};
}
