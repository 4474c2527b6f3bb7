//! From long tables to the matrix that `stats` works on.

use aliquot_stats::matrix::ResponseMatrix;

use crate::{TableError, responses::Responses};

/// A response matrix with the names of its rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedMatrix {
    /// Name of each row.
    pub models: Vec<String>,
    /// Item uid of each column.
    pub items: Vec<String>,
    /// The scores.
    pub scores: ResponseMatrix,
}

/// The matrix of `models` x `items`, in that order, NaN where the table has no score.
///
/// The mean is taken over trials and, if there are several, nothing else: a model that has two
/// metrics or filters on one item is an error of the table, which holds one primary metric.
pub fn pivot(
    responses: &Responses,
    models: Vec<String>,
    items: Vec<String>,
) -> Result<NamedMatrix, TableError> {
    let positions = |names: &[String], column: &crate::Categorical| {
        let mut positions = vec![None; column.values().len()];
        for (position, name) in names.iter().enumerate() {
            if let Some(code) = column.code_of(name) {
                positions[code as usize] = Some(position);
            }
        }
        positions
    };
    let rows = positions(&models, &responses.model);
    let columns = positions(&items, &responses.item_uid);

    let mut sums = vec![0.0_f32; models.len() * items.len()];
    let mut trials = vec![0_u16; sums.len()];
    for row in 0..responses.len() {
        let place = rows[responses.model.codes()[row] as usize]
            .zip(columns[responses.item_uid.codes()[row] as usize]);
        let score = responses.score[row];
        if let (Some((model, item)), false) = (place, score.is_nan()) {
            sums[model * items.len() + item] += score;
            trials[model * items.len() + item] += 1;
        }
    }
    for (sum, trials) in sums.iter_mut().zip(&trials) {
        *sum = if *trials == 0 { f32::NAN } else { *sum / f32::from(*trials) };
    }
    let scores = ResponseMatrix::new(models.len(), items.len(), sums)
        .map_err(|error| TableError::Format(format!("responses do not make a matrix: {error}")))?;
    Ok(NamedMatrix { models, items, scores })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responses::Response;

    #[test]
    fn trials_are_averaged_and_gaps_stay_gaps() {
        let mut responses = Responses::default();
        for (model, item_uid, trial, score) in [
            ("a", "1", 0, Ok(1.0)),
            ("a", "1", 1, Ok(0.0)),
            ("b", "2", 0, Ok(0.25)),
            ("b", "1", 0, Err("error")),
        ] {
            let (metric, filter, raw, record) = ("acc", "", "r", 0);
            responses.push(&Response {
                model,
                item_uid,
                metric,
                filter,
                trial,
                score,
                raw,
                record,
            });
        }
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let matrix = pivot(&responses, names(["b", "a"]), names(["1", "2"])).unwrap().scores;
        assert_eq!((matrix.get(0, 0), matrix.get(0, 1)), (None, Some(0.25)));
        assert_eq!((matrix.get(1, 0), matrix.get(1, 1)), (Some(0.5), None));
    }
}
