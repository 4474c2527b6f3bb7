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
mod fuzz_boards;
mod fuzz_lmeval;
mod fuzz_logs;
mod interruption;
mod mutate;
mod network;
mod query;
mod real_data;
mod support;
mod texts;
