//! End-to-end tests: they run the built `aliquot` on a small leaderboard that they make themselves,
//! and on real data where `../shared` is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod adapters_boards;
mod adapters_lmeval;
mod adapters_logs;
mod architecture;
mod bad_embedding;
mod bad_input;
mod bench;
mod compare;
mod contracts;
mod embedding;
mod end_to_end;
mod estimate_logs;
mod fuzz_boards;
mod fuzz_lmeval;
mod fuzz_logs;
#[path = "../pipeline/sources/tests/loopback/hub_server.rs"]
#[allow(dead_code, reason = "the tests of fetching use all of it")]
mod hub_server;
mod import;
mod interruption;
mod logs;
mod mutate;
mod network;
mod query;
mod real_data;
#[path = "../pipeline/sources/tests/loopback/s3_server.rs"]
#[allow(dead_code, reason = "the tests of fetching use all of it")]
mod s3_server;
#[path = "../pipeline/sources/tests/loopback/server.rs"]
#[allow(dead_code, reason = "the tests of fetching use all of it")]
mod server;
mod shipped;
mod shipped_recipes;
mod support;
mod texts;
