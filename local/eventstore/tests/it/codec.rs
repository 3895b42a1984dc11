//! How the bare client encodes messages.

pub(crate) use tonic_prost::ProstCodec as Codec;
