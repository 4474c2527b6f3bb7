//! How much each input column of each matrix matters: the mean square of what flows through it.

use std::collections::BTreeMap;

/// Sums of squares by column, and numbers of rows, by name of the matrix.
///
/// SOURCE: the importance matrix of llama.cpp (`tools/imatrix`): mean of squared activations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Importance {
    sums: BTreeMap<String, (Vec<f64>, u64)>,
}

impl Importance {
    /// Adds rows of `columns` inputs each.
    pub fn add(&mut self, matrix: &str, columns: usize, values: &[f32]) {
        let (sums, rows) =
            self.sums.entry(matrix.to_owned()).or_insert_with(|| (vec![0.0; columns], 0));
        for row in values.chunks_exact(columns) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value) * f64::from(*value);
            }
            *rows += 1;
        }
    }

    /// Mean squares by name of the matrix.
    pub fn means(&self) -> Vec<(String, Vec<f32>)> {
        let mean = |sum: &f64, rows: u64| (sum / rows.max(1) as f64) as f32;
        self.sums
            .iter()
            .map(|(name, (sums, rows))| {
                (name.clone(), sums.iter().map(|sum| mean(sum, *rows)).collect())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Importance;

    #[test]
    fn means_of_squares_by_column() {
        let mut importance = Importance::default();
        importance.add("a", 2, &[1.0, 2.0, 3.0, 4.0]);
        importance.add("a", 2, &[5.0, 0.0]);
        let expected = vec![("a".to_owned(), vec![35.0 / 3.0, 20.0 / 3.0])];
        assert_eq!(importance.means(), expected);
    }
}
