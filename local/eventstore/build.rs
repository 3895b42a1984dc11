//! Generates the gRPC messages and services from the protocol's files, without a `protoc` binary.

use std::error::Error;

/// Where the protocol is written down, for this server and for the client that appends.
const FOLDER: &str = "../../shared/eventstore-protocol/proto";
const FILES: [&str; 5] =
    ["shared.proto", "streams.proto", "gossip.proto", "server_features.proto", "persistent_subscriptions.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let descriptors = protox::compile(FILES, [FOLDER])?;
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".event_store.client.UUID", "::shared_eventstore_protocol::client::Uuid")
        .extern_path(".event_store.client.StreamIdentifier", "::shared_eventstore_protocol::client::StreamIdentifier")
        .codec_path("crate::codec::Codec")
        .emit_rerun_if_changed(false)
        .include_file("proto.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
