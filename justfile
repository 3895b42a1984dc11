# The steps of .ci/run by name, and what is done every day. `just` lists them.

[private]
default:
    @just --list --unsorted

# Start everything in one process, with a made-up day at an airport
demo:
    cargo run --release -- demo

# Everything that has to pass before a change lands
ci:
    .ci/run

# Formats Rust and the web client
fix:
    cargo fmt --all
    cd gateway/web && deno fmt

# One or more steps of .ci/run, which says which there are
check +steps:
    .ci/run {{ steps }}

# What documentation/performance.md has rows for, all of it or some by name
bench *names:
    bench/measure target/bench {{ names }}
