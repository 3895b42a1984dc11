use std::str::FromStr;

use crate::ProblemType;

/// A key by which the public API names a thing, such as its identifier.
pub trait PublicKey: FromStr {
    /// What to answer when nothing has this key. What is no key at all cannot exist either.
    const NOT_FOUND: &'static ProblemType;
}

/// Declares the identifier of a domain's things: a UUID of a type of its own.
///
/// Whoever uses the macro depends on `serde` and `uuid`.
///
/// ```
/// shared_kernel::id! {
///     /// Identifies a gate.
///     GateId
/// }
///
/// let id: GateId = "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01".parse()?;
/// assert_eq!(id.to_string(), "01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01");
/// # Ok::<(), uuid::Error>(())
/// ```
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(::uuid::Uuid);

        impl $name {
            /// The identifier with this value.
            #[must_use]
            pub const fn new(value: ::uuid::Uuid) -> Self {
                Self(value)
            }

            /// The value, for storage and transport.
            #[must_use]
            pub const fn uuid(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl From<::uuid::Uuid> for $name {
            fn from(value: ::uuid::Uuid) -> Self {
                Self(value)
            }
        }

        impl From<$name> for ::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl $crate::Described for $name {
            fn schema() -> $crate::Schema {
                <::uuid::Uuid as $crate::Described>::schema()
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = ::uuid::Error;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                <::uuid::Uuid as ::core::str::FromStr>::from_str(text).map(Self)
            }
        }
    };
}
