//! What the methods of a domain take and give: a document of OpenRPC (<https://spec.open-rpc.org>).

use serde_json::json;
use shared_kernel::{Domain, Schema};

use crate::fault::code;

/// A method, as it is told to others.
#[derive(Debug, Clone)]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it takes, by name: all of it has to be given.
    pub parameters: Vec<(&'static str, Schema)>,
    /// What it gives.
    pub answer: Schema,
}

/// The document about the methods of a domain.
#[must_use]
pub fn document(domain: &Domain, methods: &[Method]) -> Schema {
    let described = methods.iter().map(|method| {
        let parameters = method.parameters.iter();
        let parameters = parameters.map(|(name, schema)| json!({"name": name, "required": true, "schema": schema}));
        json!({
            "name": method.name,
            "description": method.about.trim(),
            "paramStructure": "by-name",
            "params": parameters.collect::<Vec<_>>(),
            "result": {"name": "answer", "schema": method.answer},
            "errors": [
                {"code": code::UNAVAILABLE, "message": "Nothing was done; asking again later may succeed"},
                {"code": code::OUTCOME_UNKNOWN, "message": "It may have been done or not; asking again is safe"},
                {"code": code::INTERNAL, "message": "It has failed, and may have been done or not"},
            ],
        })
    });
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": format!("What other domains ask the {} domain", domain.name),
            "description": "POST /rpc, with the service token. Every method may be repeated.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "methods": described.collect::<Vec<_>>(),
    })
}

/// Declares the JSON-RPC methods of a domain: the trait, and `methods`, which tells others about them.
///
/// Whatever methods take and give has to be [`shared_kernel::Described`].
#[macro_export]
macro_rules! contract {
    (
        $(#[doc = $trait_about:literal])*
        #[namespace = $namespace:tt]
        pub trait $Rpc:ident {
            $(
                $(#[doc = $about:literal])*
                #[name = $name:tt]
                async fn $method:ident(&self $(, $parameter:ident: $Parameter:ty)* $(,)?) -> $Answer:ty;
            )+
        }
    ) => {
        $(#[doc = $trait_about])*
        #[::jsonrpsee::proc_macros::rpc(client, server, namespace = $namespace, namespace_separator = ".")]
        pub trait $Rpc {
            $(
                $(#[doc = $about])*
                #[method(name = $name, param_kind = map)]
                async fn $method(&self $(, $parameter: $Parameter)*) -> ::jsonrpsee::core::RpcResult<$Answer>;
            )+
        }

        /// What is told to others about the methods.
        #[must_use]
        pub fn methods() -> ::std::vec::Vec<$crate::openrpc::Method> {
            ::std::vec![$(
                $crate::openrpc::Method {
                    name: concat!($namespace, ".", $name),
                    about: concat!($($about,)*),
                    parameters: ::std::vec![
                        $((stringify!($parameter), <$Parameter as ::shared_kernel::Described>::schema()),)*
                    ],
                    answer: <$Answer as ::shared_kernel::Described>::schema(),
                },
            )+]
        }
    };
}
