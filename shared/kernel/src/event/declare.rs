/// Declares the events of a domain, each of them once.
///
/// Of every event it makes a struct, which is what is stored of it, a variant of the enum, and its part in the enum's
/// `subject` and [`DomainEvent`](crate::DomainEvent). The name of the struct is the stored
/// event type. It and the fields are stored for ever: golden files hold them to that.
///
/// A declaration reads `Variant(Struct), version N, about subject { fields }`. The subject is that of the command that
/// the event begins: a field, or a variant of the subject's type and the field that goes into it.
///
/// Every event has the field that the enum is `keyed by`, whose stored name is given as well: what happens to one key
/// is processed in order. The enum has a method of that name.
///
/// When what is stored changes, the struct gets the new fields and the next version, and a struct of its own keeps the
/// fields of the version before, with `From` into the new one: `version 2 (1: GateNamedV1)`. Whoever uses the macro
/// depends on `serde`, `serde_json` and `uuid`.
///
/// ```
/// use serde::Deserialize;
/// use shared_kernel::DomainEvent;
///
/// shared_kernel::id! {
///     /// Identifies a gate.
///     GateId
/// }
///
/// shared_kernel::events! {
///     /// What has happened to a gate.
///     pub enum GateEvent about GateId, keyed by gate_id: GateId = "gateId";
///
///     /// A gate got a name.
///     Named(GateNamed), version 2 (1: GateNamedV1), about gate_id {
///         /// Which gate.
///         gate_id: GateId,
///         /// The pier and the number of the gate, such as `B7`.
///         name: String,
///     }
/// }
///
/// /// Version 1, of the days of one pier.
/// #[derive(Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct GateNamedV1 {
///     gate_id: GateId,
///     number: u8,
/// }
///
/// impl From<GateNamedV1> for GateNamed {
///     fn from(v1: GateNamedV1) -> Self {
///         Self { gate_id: v1.gate_id, name: format!("A{}", v1.number) }
///     }
/// }
///
/// let stored = br#"{"gateId":"01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01","number":7}"#;
/// let GateEvent::Named(named) = GateEvent::decode("GateNamed", 1, stored)?;
/// assert_eq!(named.name, "A7");
/// # Ok::<(), shared_kernel::UndecodableEvent>(())
/// ```
#[macro_export]
macro_rules! events {
    (
        $(#[$of_all:meta])*
        pub enum $Event:ident about $Subject:ident, keyed by $key:ident: $Key:ty = $key_field:literal;
        $(
            $(#[$meaning:meta])*
            $Variant:ident($Data:ident), version $version:literal $(($($earlier:literal: $Earlier:ident),+))?,
            about $subject:ident $(($id:ident))? {
                $($(#[$field_meaning:meta])* $field:ident: $Field:ty,)+
            }
        )+
    ) => {
        $(#[$of_all])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $Event {
            $($(#[$meaning])* $Variant($Data),)+
        }

        $(
            $(#[$meaning])*
            #[derive(Debug, Clone, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $Data {
                $($(#[$field_meaning])* pub $field: $Field,)+
            }
        )+

        impl $Event {
            /// What it is about: what happens to the same key is processed in order.
            #[must_use]
            pub const fn $key(&self) -> $Key {
                match self { $(Self::$Variant(event) => event.$key,)+ }
            }

            /// The subject of the command whose first event it is.
            #[must_use]
            pub const fn subject(&self) -> $Subject {
                match self { $(Self::$Variant(event) => $crate::events!(@subject $Subject event $subject $(($id))?),)+ }
            }
        }

        impl $crate::DomainEvent for $Event {
            const VERSIONS: &'static [(&'static str, u32)] =
                &[$($($((stringify!($Data), $earlier),)+)? (stringify!($Data), $version),)+];
            const KEY_FIELD: &'static str = $key_field;

            fn key(&self) -> ::uuid::Uuid {
                self.$key().uuid()
            }

            fn event_type(&self) -> &'static str {
                match self { $(Self::$Variant(_) => stringify!($Data),)+ }
            }

            fn schema_version(&self) -> u32 {
                match self { $(Self::$Variant(_) => $version,)+ }
            }

            fn encode(&self) -> ::core::result::Result<::std::vec::Vec<u8>, ::serde_json::Error> {
                match self { $(Self::$Variant(event) => ::serde_json::to_vec(event),)+ }
            }

            fn decode(
                event_type: &str,
                schema_version: u32,
                data: &[u8],
            ) -> ::core::result::Result<Self, $crate::UndecodableEvent> {
                match event_type {
                    $(stringify!($Data) => match schema_version {
                        $version => $crate::decode_json::<$Data>(event_type, data).map(Self::$Variant),
                        $($($earlier => $crate::decode_json::<$Earlier>(event_type, data)
                            .map(|event| Self::$Variant(event.into())),)+)?
                        version => ::core::result::Result::Err($crate::UndecodableEvent::UnknownVersion {
                            event_type: event_type.to_owned(),
                            version,
                        }),
                    },)+
                    unknown => ::core::result::Result::Err($crate::UndecodableEvent::UnknownType(unknown.to_owned())),
                }
            }
        }
    };
    (@subject $Subject:ident $event:ident $id:ident) => { $event.$id };
    (@subject $Subject:ident $event:ident $Kind:ident($id:ident)) => { $Subject::$Kind($event.$id) };
}
