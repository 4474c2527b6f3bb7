//! The items' texts as vectors, `--embeddings FILE`.

use std::{collections::BTreeMap, path::Path};

use aliquot_stats::{StatsError, cluster::Points};
use aliquot_tables::embeddings;

use super::matrices::{Matrix, decode_file};
use crate::error::Error;

/// One vector an item of a matrix, in the order of its items.
pub struct Texts {
    dimension: usize,
    values: Vec<f64>,
}

impl Texts {
    /// The vectors as points.
    pub fn points(&self) -> Result<Points<'_>, StatsError> {
        Points::new(self.values.len() / self.dimension.max(1), self.dimension, &self.values)
    }
}

/// Gives every matrix the vectors of its items; an item without one is an error.
pub fn attach(path: &Path, matrices: &mut [Matrix]) -> Result<(), Error> {
    let vectors = decode_file(path.to_owned(), embeddings::decode)?;
    let rows: BTreeMap<&str, usize> = vectors.ids.iter().map(String::as_str).zip(0..).collect();
    for matrix in matrices {
        let mut values = Vec::with_capacity(matrix.items.len() * vectors.dimension);
        for item in &matrix.items {
            let row = rows.get(item.as_str()).ok_or_else(|| {
                Error::Usage(format!(
                    "{}: no vector of item `{item}` of {}: embed the prompts of all its items, or \
                     leave it out with --benchmark",
                    path.display(),
                    matrix.dataset
                ))
            })?;
            values.extend(vectors.row(*row).iter().map(|value| f64::from(*value)));
        }
        matrix.texts = Some(Texts { dimension: vectors.dimension, values });
    }
    Ok(())
}
