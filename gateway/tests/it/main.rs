//! The gateway in front of made-up services.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod allowances;
mod authentication;
#[cfg(unix)]
mod bearer;
mod compression;
mod cross_origin;
mod failures;
mod forwarding;
mod healthcheck;
mod identity;
#[cfg(unix)]
mod identity_provider;
mod instances;
mod keys;
mod limits;
mod pages;
#[cfg(unix)]
mod process;
mod proxies;
#[cfg(unix)]
mod service_tls;
#[cfg(unix)]
mod sessions;
mod settings;
#[cfg(unix)]
mod sign_in;
#[cfg(unix)]
mod site;
mod streaming;
mod support;
#[cfg(unix)]
mod tls;
mod upstreams;
mod web;
mod web_dir;
