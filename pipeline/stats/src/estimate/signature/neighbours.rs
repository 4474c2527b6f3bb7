use crate::{StatsError, estimate::training::Training, matrix::CompleteMatrix};

/// Numbers of neighbours tried.
const CANDIDATES: [usize; 7] = [1, 2, 3, 5, 8, 13, 21];

/// The sources' answers and scores, and how many of the nearest count.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Source answers, row-major models x items.
    pub answers: Vec<f64>,
    /// Full scores, one a source model.
    pub scores: Vec<f64>,
    /// Number of neighbours.
    pub count: u32,
}

/// Keeps the sources and chooses the number of neighbours by exact leave-one-out error.
///
/// As DISCO (Rubinstein et al. 2025) does with model signatures; weights are inverse Euclidean distances. Errors
/// with fewer than 3 models, no items, or scores of the wrong shape.
pub fn fit_neighbours(
    sources: &CompleteMatrix,
    items: &[usize],
    full_scores: &[f64],
) -> Result<Neighbours, StatsError> {
    let training = Training::new(sources, items, full_scores, ("nearest neighbours", 3))?;
    let models = training.models();
    let answers = training.rows(&vec![0.0; items.len()]);
    let row = |model: usize| &answers[model * items.len()..(model + 1) * items.len()];

    let mut errors = [0.0; CANDIDATES.len()];
    for model in 0..models {
        let others = (0..models).filter(|other| *other != model);
        let mut near: Vec<Near> = others
            .map(|other| Near {
                distance: squared_distance(row(model), row(other)),
                score: full_scores[other],
            })
            .collect();
        near.sort_by(Near::order);
        for (error, count) in errors.iter_mut().zip(CANDIDATES) {
            let off = weighted_mean(&near, count) - full_scores[model];
            *error += off * off;
        }
    }
    // The first of equals: the least smoothing.
    let mut best = 0;
    for (candidate, error) in errors.iter().enumerate() {
        if *error < errors[best] && CANDIDATES[candidate] < models {
            best = candidate;
        }
    }
    Ok(Neighbours { scores: full_scores.to_vec(), count: CANDIDATES[best] as u32, answers })
}

impl Neighbours {
    /// Mean score of the nearest sources, weighted by inverse distance, from one answer a subset
    /// item. Sources as near as the last of them count too; when some gave the very same answers, it is
    /// their plain mean.
    pub fn estimate(&self, answers: &[f64]) -> f64 {
        let rows = self.answers.chunks(answers.len().max(1));
        let mut near: Vec<Near> = rows
            .zip(&self.scores)
            .map(|(row, &score)| Near { distance: squared_distance(row, answers), score })
            .collect();
        near.sort_by(Near::order);
        weighted_mean(&near, self.count as usize)
    }
}

struct Near {
    /// Squared Euclidean.
    distance: f64,
    score: f64,
}

impl Near {
    /// By distance, then by score, so that sums do not depend on the order of the models.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.score.total_cmp(&other.score))
    }
}

fn squared_distance(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Mean over the nearest `count` and those that are as near as the last of them; `near` is ordered.
fn weighted_mean(near: &[Near], count: usize) -> f64 {
    let same = near.iter().take_while(|near| near.distance == 0.0).count();
    if same > 0 {
        return near[..same].iter().map(|near| near.score).sum::<f64>() / same as f64;
    }
    let reach = near[..count.min(near.len())].last().map_or(0.0, |last| last.distance);
    let within = near.iter().take_while(|near| near.distance <= reach);
    let (sum, weight) = within.fold((0.0, 0.0), |(sum, total), near| {
        let weight = 1.0 / near.distance.sqrt();
        (sum + weight * near.score, total + weight)
    });
    sum / weight
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::ResponseMatrix;

    fn line(models: usize) -> (CompleteMatrix, Vec<f64>) {
        let scores: Vec<f32> = (0..models).map(|model| model as f32 / models as f32).collect();
        let full = scores.iter().map(|score| f64::from(*score) / 2.0).collect();
        (ResponseMatrix::new(models, 1, scores).unwrap().imputed().unwrap(), full)
    }

    #[test]
    fn neighbours_count_by_inverse_distance() {
        let fitted =
            Neighbours { answers: vec![0.0, 0.5, 1.0], scores: vec![0.1, 0.4, 0.9], count: 2 };
        // Distances 0.1 and 0.4: weights 10 and 2.5.
        assert!((fitted.estimate(&[0.4]) - (4.0 + 0.25) / 12.5).abs() < 1e-12);
        // The same answers: that score alone.
        assert_eq!(fitted.estimate(&[1.0]), 0.9);
    }

    #[test]
    fn the_number_of_neighbours_is_the_best_left_out() {
        // On a line two neighbours interpolate exactly but at the ends.
        let (sources, full) = line(30);
        assert_eq!(fit_neighbours(&sources, &[0], &full).unwrap().count, 2);
        // Scores that have nothing to do with the answers: as many as allowed.
        let noise: Vec<f64> = (0..30).map(|model| f64::from(model * 7 % 10) / 10.0).collect();
        assert!(fit_neighbours(&sources, &[0], &noise).unwrap().count >= 8);
    }

    #[test]
    fn copies_of_a_model_share_its_score() {
        let sources =
            ResponseMatrix::new(4, 1, vec![1.0, 1.0, 0.0, 0.0]).unwrap().imputed().unwrap();
        let fitted = fit_neighbours(&sources, &[0], &[0.8, 0.8, 0.2, 0.2]).unwrap();
        assert!((fitted.estimate(&[1.0]) - 0.8).abs() < 1e-12);
        // All four are as near as the nearest.
        assert_eq!(fitted.count, 1);
        assert!((fitted.estimate(&[0.5]) - 0.5).abs() < 1e-12);
        let (few, full) = line(2);
        assert!(matches!(
            fit_neighbours(&few, &[0], &full),
            Err(StatsError::TooFewModels { needed: 3, got: 2, .. })
        ));
    }
}
