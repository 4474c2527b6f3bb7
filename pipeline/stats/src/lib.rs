//! Pure numerics of Aliquot: from a matrix of scores to a small subset of items and back.
//!
//! A [`matrix::ResponseMatrix`] holds the scores of models (rows) on items (columns). A
//! [`matrix::Target`] says which weighted mean of the items is to be estimated. [`sources::Sources`]
//! are the models with known results and what is learnt from them once. [`select`] chooses items,
//! [`estimate`] turns answers on those items into the mean over all of them, [`interval`] says how far
//! off that may be, [`evaluate`] measures all three on models that none of them has seen, and [`size`]
//! finds the number of items that an error needs. [`procedure::Procedure::DEFAULT`] is what we
//! recommend; the crate's README says why, with figures. [`paired`] compares two models on the same
//! items, [`item_analysis`] says how good the items are, [`audit`] what looks wrong in the results.
//!
//! Nothing here knows files, clocks, Arrow or serde, or starts a thread. Every function takes slices and plain
//! structs and returns values; randomness is a [`rng::Stream`] keyed by (seed, label, index). Sums
//! run in index order and transcendental functions come from `libm`, so that one input gives one
//! output on every machine.
//!
//! ```
//! use aliquot_stats::{
//!     estimate::{self, EstimatorMethod},
//!     interval::StreamKey,
//!     matrix::{ResponseMatrix, Target},
//!     rng::Stream,
//!     select::{self, SelectionMethod},
//!     sources::Sources,
//! };
//!
//! // Three models, four items; the second model has not answered the last item.
//! let scores = vec![1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, f32::NAN, 1.0, 1.0, 1.0, 0.0];
//! let matrix = ResponseMatrix::new(3, 4, scores)?;
//! let target = Target::uniform(4)?;
//! let pool: Vec<usize> = (0..4).collect();
//! let key = StreamKey { seed: 7, label: "doc" };
//! let sources = Sources::new(&matrix, &target, &pool, key)?;
//!
//! let mut stream = Stream::new(7, "doc", 0);
//! let subset = select::select(SelectionMethod::Stratified, &sources, 2, &mut stream)?;
//! let estimator = estimate::fit(EstimatorMethod::Mean, &sources, &subset, &mut stream)?;
//! assert_eq!(estimator.estimate(&[1.0, 0.0])?, 0.5);
//! # Ok::<(), aliquot_stats::StatsError>(())
//! ```

pub mod amortised;
pub mod audit;
pub mod cluster;
pub mod cold;
pub mod curves;
pub mod dense;
pub mod distribution;
mod error;
pub mod estimate;
pub mod evaluate;
pub mod field;
pub mod interval;
pub mod interval_design;
pub mod irt;
pub mod item_analysis;
pub mod linalg;
pub mod matrix;
mod names;
pub mod paired;
pub mod procedure;
pub mod rank;
pub mod rng;
pub mod select;
pub mod size;
pub mod sources;
pub mod split;

#[cfg(test)]
mod simulated;

pub use error::StatsError;
