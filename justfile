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

# One or more steps of .ci/run: format web dependencies workflows clippy documentation test endurance containers
check +steps:
    .ci/run {{ steps }}

# Commands per second beside a baseline in the same run
bench seconds="10":
    bench/run {{ seconds }}
