//! JSON bodies, read field by field, so that every fault is reported at once and by name.

mod document;

use std::collections::BTreeMap;
use std::fmt;

use shared_kernel::{Described, Schema};

use crate::faults::Faults;
use crate::problem::Problem;
use crate::problem_type;
use document::{Document, FieldValue};

/// What a command expects of the request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// A JSON object has to be there.
    Required,
    /// Without a body, it is read as an object without fields.
    Optional,
    /// There is nothing to say. An empty object, as some clients send it, does no harm, whatever its Content-Type.
    Empty,
}

/// What can be read from the fields of a JSON body.
pub trait FromFields: Sized {
    /// Whether a body has to be there.
    const BODY: BodyRule = BodyRule::Required;

    /// Reads all fields, then puts the value together; `None` if a required field was missing or at fault.
    ///
    /// Read every field before the first `?`, so that all faults are found:
    ///
    /// ```
    /// # use shared_service::{Fields, FromFields};
    /// # use shared_kernel::Text;
    /// struct Rename { name: Text<100>, nickname: Option<Text<20>> }
    ///
    /// impl FromFields for Rename {
    ///     fn read(fields: &mut Fields) -> Option<Self> {
    ///         let name = fields.required("name", Text::new);
    ///         let nickname = fields.optional("nickname", Text::new);
    ///         Some(Self { name: name?, nickname })
    ///     }
    /// }
    /// ```
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// The input of a command that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBody;

impl FromFields for NoBody {
    const BODY: BodyRule = BodyRule::Empty;

    fn read(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

/// The fields of a JSON object that have not been read yet, and the faults found so far.
///
/// All fields are strings; a reader turns each into what it means. `null` is the same as an absent field.
#[derive(Debug)]
pub struct Fields {
    unread: BTreeMap<String, FieldValue>,
    faults: Faults,
    /// What they are, where they are read to be described.
    noted: Option<Vec<Noted>>,
}

/// What is said about a field or a parameter.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) name: String,
    pub(crate) is_required: bool,
    pub(crate) schema: Schema,
}

impl Fields {
    /// Reads a value from a JSON body, and gives what the body says: the same for two bodies that differ only in the order
    /// of their fields, in white space, in how characters are written, and in fields that are `null`.
    ///
    /// # Errors
    /// 400 `malformed-json` for what is not JSON, 422 `invalid-request` for what is not as `T` wants it.
    pub(crate) fn parse<T: FromFields>(body: &[u8]) -> Result<(T, String), Problem> {
        let mut fields = if body.is_empty() && T::BODY != BodyRule::Required {
            Self { unread: BTreeMap::new(), faults: Faults::default(), noted: None }
        } else {
            Self::from_json(body)?
        };
        let content = fields.content()?;
        let value = T::read(&mut fields);
        Ok((fields.finish(value)?, content))
    }

    /// What `T` reads. Its reader is run on nothing, so what it asks for is what it is said to ask for.
    pub(crate) fn of<T: FromFields>() -> Vec<Noted> {
        let mut fields = Self { unread: BTreeMap::new(), faults: Faults::default(), noted: Some(Vec::new()) };
        T::read(&mut fields);
        fields.noted.unwrap_or_default()
    }

    fn note<T: Described>(&mut self, name: &str, is_required: bool) {
        if let Some(noted) = &mut self.noted {
            noted.push(Noted { name: name.to_owned(), is_required, schema: T::schema() });
        }
    }

    fn content(&self) -> Result<String, Problem> {
        // Anything but strings is refused by whoever reads it.
        let texts = self.unread.iter().filter_map(|(name, value)| match value {
            FieldValue::String(text) => Some((name, text)),
            _ => None,
        });
        serde_json::to_string(&texts.collect::<BTreeMap<_, _>>()).map_err(Problem::internal)
    }

    fn from_json(body: &[u8]) -> Result<Self, Problem> {
        let malformed = |detail: String| Problem::new(problem_type::MALFORMED_JSON, detail);
        if body.is_empty() {
            return Err(malformed("The body is empty; send a JSON object.".to_owned()));
        }
        let text = std::str::from_utf8(body)
            .map_err(|error| malformed(format!("The body is not UTF-8 at byte {}.", error.valid_up_to())))?;
        let document = Document::parse(text).map_err(|error| malformed(format!("The body is not JSON: {error}.")))?;
        let mut faults = Faults::default();
        let unread = match document {
            Document::Object { fields, repeated } => {
                for name in repeated {
                    faults.field(&name, "must be given only once");
                }
                fields
            }
            Document::Other => {
                faults.body("must be a JSON object");
                BTreeMap::new()
            }
        };
        Ok(Self { unread, faults, noted: None })
    }

    /// Reads a field that has to be there. `None` means that a fault was noted.
    pub fn required<T: Described, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.note::<T>(name, true);
        match self.unread.remove(name) {
            None | Some(FieldValue::Null) => {
                self.faults.field(name, "is required");
                None
            }
            Some(value) => self.read_value(name, &value, read),
        }
    }

    /// Reads a field that may be absent or `null`. `None` means that, or that a fault was noted.
    pub fn optional<T: Described, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.note::<T>(name, false);
        match self.unread.remove(name) {
            None | Some(FieldValue::Null) => None,
            Some(value) => self.read_value(name, &value, read),
        }
    }

    fn read_value<T, E: fmt::Display>(
        &mut self,
        name: &str,
        value: &FieldValue,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let FieldValue::String(text) = value else {
            self.faults.field(name, format_args!("must be a string, but is {}", value.describe()));
            return None;
        };
        read(text).map_err(|error| self.faults.field(name, error)).ok()
    }

    fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        for name in self.unread.keys() {
            self.faults.field(name, "is not a field of this request; remove it");
        }
        self.faults.or_value(value)
    }
}
