//! The gateway in front of made-up services.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod allowances;
mod authentication;
mod compression;
mod cross_origin;
mod failures;
mod forwarding;
mod healthcheck;
mod identity;
mod keys;
mod limits;
mod pages;
#[cfg(unix)]
mod process;
mod proxies;
mod settings;
mod streaming;
mod support;
mod web;
mod web_dir;
