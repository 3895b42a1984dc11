use std::fmt;

/// A text is none of the names that a value can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownName {
    /// All names, separated by commas.
    pub names: &'static str,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one of {}", self.names)
    }
}

impl std::error::Error for UnknownName {}

/// Declares an enum whose values are stored and sent by their names, each of which stands here and nowhere else.
///
/// It gets `ALL` of its values, `as_str`, `Display`, `FromStr`, and serde's traits, for which whoever uses the macro
/// depends on `serde`. The error of `FromStr` is an [`UnknownName`].
///
/// ```
/// shared_kernel::named! {
///     /// Whether a gate can be used.
///     pub enum GateState {
///         /// A plane can dock.
///         Free = "free",
///         /// Nobody can use it.
///         UnderRepair = "underRepair",
///     }
/// }
///
/// assert_eq!("underRepair".parse(), Ok(GateState::UnderRepair));
/// assert_eq!("closed".parse::<GateState>().unwrap_err().to_string(), "must be one of free, underRepair");
/// ```
#[macro_export]
macro_rules! named {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $Name:ident {
            $(#[$first_meta:meta])* $First:ident = $first:literal,
            $($(#[$variant_meta:meta])* $Variant:ident = $name:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        $visibility enum $Name {
            $(#[$first_meta])*
            #[serde(rename = $first)]
            $First,
            $($(#[$variant_meta])*
            #[serde(rename = $name)]
            $Variant,)*
        }

        impl $Name {
            /// All values, in the order of their declaration.
            pub const ALL: &'static [Self] = &[Self::$First, $(Self::$Variant,)*];

            /// The value as it is stored and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$First => $first,
                    $(Self::$Variant => $name,)*
                }
            }
        }

        impl $crate::Described for $Name {
            fn schema() -> $crate::Schema {
                $crate::names_schema(&[$first, $($name,)*])
            }
        }

        impl ::core::fmt::Display for $Name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::core::str::FromStr for $Name {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                found.ok_or($crate::UnknownName { names: concat!($first $(, ", ", $name)*) })
            }
        }
    };
}
