//! Regression of the full score on the pattern of answers, by neighbours and by a random forest.

mod forest;
mod neighbours;

pub use forest::{Forest, LEAF, fit_forest};
pub use neighbours::{Neighbours, fit_neighbours};
