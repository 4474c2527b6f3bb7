//! Clustering of items: k-means over points, k-medoids over dissimilarities, how good and how stable a
//! clustering is, near-duplicates, and a picture of the points.

mod agreement;
mod description;
mod dissimilarity;
mod duplicates;
mod facility;
mod groups;
mod kmeans;
mod lanes;
mod lloyd;
mod medoids;
mod points;
mod projection;
mod swapping;
mod unit_rows;

pub use agreement::{adjusted_rand_index, silhouette};
pub use description::{
    Clusterer, Description, MEDOID_POINTS, SILHOUETTE_POINTS, STABILITY_POINTS, describe,
};
pub use dissimilarity::Dissimilarity;
pub use duplicates::{Duplicates, Pair, duplicates};
pub use facility::greedy_medoids;
pub(crate) use groups::Groups;
pub use kmeans::{KMeans, Settings, kmeans};
pub(crate) use lanes::squared_distance;
pub use medoids::{Medoids, Start, faster_pam};
pub use points::Points;
pub use projection::{Projection, project};
pub use unit_rows::UnitRows;

use crate::StatsError;

/// Checks `k` against `objects` and that there is one usable weight an object.
fn check(objects: usize, weights: &[f64], k: usize) -> Result<(), StatsError> {
    if k == 0 {
        return Err(StatsError::BudgetZero);
    }
    if k > objects {
        return Err(StatsError::BudgetTooLarge { k, pool: objects });
    }
    if weights.len() != objects {
        return Err(StatsError::Length {
            what: "cluster weights",
            expected: objects,
            got: weights.len(),
        });
    }
    let valid = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
    let total: f64 = weights.iter().sum();
    if valid && total > 0.0 && total.is_finite() { Ok(()) } else { Err(StatsError::BadWeights) }
}
