//! One module a result format. An adapter is a pure function from raw bytes to a [`crate::Shard`].

pub mod alpaca_eval;
mod json;
pub mod table;
