//! What each item contributes, and how finely a benchmark tells models apart.
//!
//! [`items`] holds the classical statistics of single items, [`mod@reliability`] those of the whole
//! score (alpha, standard error of measurement, subsets, halves), [`signal`] the spread of models
//! against the noise of items and of repeated trials, [`mod@precision`] both for a weighted mean of
//! several benchmarks, [`trials`] what repeated answers say, and [`information`] how much of its gold
//! answer an item's input lets a model predict.

pub mod information;
pub mod items;
pub mod precision;
pub mod reliability;
pub mod signal;
pub mod trials;

pub use information::{NullModel, pointwise_v_information};
pub use items::{ItemStatistics, item_statistics};
pub use precision::{Precision, Stratum, precision, strata};
pub use reliability::{Reliability, SplitHalf, reliability, spearman_brown, split_half};
pub use signal::{SignalToNoise, Trials, signal_to_noise};
pub use trials::RepeatedAnswers;
