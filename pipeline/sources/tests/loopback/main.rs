//! Fetching from real servers on the loopback address, which misbehave on purpose.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bucket;
mod folder;
mod hub;
mod hub_server;
mod place;
mod s3_server;
mod server;
mod web;
