//! Generates the gRPC messages and services from `proto/`, without a `protoc` binary.

use std::error::Error;

const FOLDER: &str = "proto";
/// What a client needs that appends, reads, and says who may do so.
const FILES: [&str; 4] = ["shared.proto", "streams.proto", "gossip.proto", "users.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let descriptors = protox::compile(FILES, [FOLDER])?;
    tonic_prost_build::configure()
        .bytes(".")
        .emit_rerun_if_changed(false)
        .include_file("proto.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
