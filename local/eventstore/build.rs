//! Generates the gRPC messages and services from `proto/`, without a `protoc` binary.

use std::error::Error;

const FILES: [&str; 5] = [
    "proto/shared.proto",
    "proto/streams.proto",
    "proto/gossip.proto",
    "proto/server_features.proto",
    "proto/persistent_subscriptions.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .codec_path("crate::codec::Codec")
        .emit_rerun_if_changed(false)
        .include_file("proto.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
