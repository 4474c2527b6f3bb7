use crate::StatsError;

/// Side of the square tiles in which the upper triangle is mirrored, so that both stay in cache.
const TILE: usize = 64;

/// A symmetric matrix of non-negative dissimilarities with a zero diagonal, dense, in f32.
#[derive(Debug, Clone, PartialEq)]
pub struct Dissimilarity {
    size: usize,
    values: Vec<f32>,
}

impl Dissimilarity {
    /// Fills the matrix with `value(row, column)` for `column < row < size`.
    ///
    /// Errors with [`StatsError::NotFinite`] when a value is NaN, infinite or negative.
    pub fn from_fn(
        size: usize,
        mut value: impl FnMut(usize, usize) -> f32,
    ) -> Result<Self, StatsError> {
        let mut values = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..row {
                let at = row * size + column;
                values[at] = value(row, column);
                if !values[at].is_finite() || values[at] < 0.0 {
                    return Err(StatsError::NotFinite { what: "dissimilarities", at });
                }
            }
        }
        Ok(Self::mirrored(size, values))
    }

    /// Takes the strict lower triangle of row-major `values`, finite and not negative, overwrites the
    /// rest.
    pub(super) fn mirrored(size: usize, mut values: Vec<f32>) -> Self {
        for top in (0..size).step_by(TILE) {
            for left in (0..=top).step_by(TILE) {
                mirror_tile(size, &mut values, top, left);
            }
        }
        for object in 0..size {
            values[object * size + object] = 0.0;
        }
        Self { size, values }
    }

    /// Number of objects.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Dissimilarities of one object to all objects.
    pub fn row(&self, object: usize) -> &[f32] {
        &self.values[object * self.size..(object + 1) * self.size]
    }
}

/// Copies the strict lower triangle's part of one tile.
fn mirror_tile(size: usize, values: &mut [f32], top: usize, left: usize) {
    for row in top..(top + TILE).min(size) {
        for column in left..(left + TILE).min(row) {
            values[column * size + row] = values[row * size + column];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_triangles_agree_across_tiles() {
        let matrix =
            Dissimilarity::from_fn(150, |row, column| (row * 1000 + column) as f32).unwrap();
        for row in 0..150 {
            for column in 0..150 {
                let (high, low) = (row.max(column), row.min(column));
                let expected = if row == column { 0.0 } else { (high * 1000 + low) as f32 };
                assert_eq!(matrix.row(row)[column], expected);
            }
        }
    }

    #[test]
    fn a_negative_or_missing_value_is_an_error() {
        for value in [-1.0, f32::NAN] {
            let error = Dissimilarity::from_fn(2, |_, _| value).unwrap_err();
            assert_eq!(error, StatsError::NotFinite { what: "dissimilarities", at: 2 });
        }
    }
}
