//! Generates the gRPC messages and services from `proto/`, without a `protoc` binary.

use std::error::Error;

const FOLDER: &str = "proto";
/// What a client that appends needs.
const FILES: [&str; 3] = ["shared.proto", "streams.proto", "gossip.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let descriptors = protox::compile(FILES, [FOLDER])?;
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        .emit_rerun_if_changed(false)
        .include_file("proto.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
