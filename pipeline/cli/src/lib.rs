//! The `aliquot` program: arguments, recipe, graph, stages, commands.
//!
//! [`recipe`] is what a person writes, `graph` the whole DAG on one screen, `stages` what each node
//! does, `audit` what is wrong with data, `runner` the cache and the records around them, `commands` one module a verb. Everything
//! that can go wrong ends as one `error::Error`, which knows its exit code and the next step.

mod args;
mod audit;
mod commands;
mod embedding;
mod error;
mod graph;
mod guard;
mod problem;
pub mod recipe;
mod runner;
mod size;
mod stages;

pub use args::run;
