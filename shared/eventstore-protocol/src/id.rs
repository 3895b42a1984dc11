//! Identifiers and names in the form that they have on the wire.

use bytes::Bytes;
use uuid::Uuid;

use crate::client::uuid::{Structured, Value};
use crate::client::{StreamIdentifier, Uuid as ProtoUuid};

impl ProtoUuid {
    /// An identifier as two halves of 64 bits, in the order of its printed form.
    #[must_use]
    pub fn structured(id: Uuid) -> Self {
        let (most, least) = id.as_u64_pair();
        Self {
            value: Some(Value::Structured(Structured {
                most_significant_bits: most.cast_signed(),
                least_significant_bits: least.cast_signed(),
            })),
        }
    }

    /// The identifier, in either form; `None` if there is none, or it is not one.
    #[must_use]
    pub fn to_id(&self) -> Option<Uuid> {
        match self.value.as_ref()? {
            Value::String(text) => Uuid::parse_str(text).ok(),
            Value::Structured(halves) => Some(Uuid::from_u64_pair(
                halves.most_significant_bits.cast_unsigned(),
                halves.least_significant_bits.cast_unsigned(),
            )),
        }
    }
}

impl From<&str> for StreamIdentifier {
    fn from(name: &str) -> Self {
        Self { stream_name: Bytes::copy_from_slice(name.as_bytes()) }
    }
}
