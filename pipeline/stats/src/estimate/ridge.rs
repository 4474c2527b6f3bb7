use crate::{
    StatsError,
    linalg::{Cholesky, dot},
    matrix::CompleteMatrix,
};

/// Penalties tried: 16 steps, even in logarithm, from 10^-2 to 10^3.
const PENALTIES: usize = 16;

/// Intercept and weights of the ridge regression of `full_scores` on the sources' answers.
///
/// Minimises |y - a - X w|^2 + penalty |w|^2 with an unpenalised intercept. The penalty is the one
/// with the smallest exact leave-one-out error, sum of (e_i / (1 - h_ii))^2; source: Hastie,
/// Tibshirani and Friedman, *The Elements of Statistical Learning*, eq. 7.52 and sec. 7.10. Solved in
/// the space of items (X'X + penalty I) or of models (X X' + penalty I), whichever is smaller.
pub(super) fn fit(
    sources: &CompleteMatrix,
    items: &[usize],
    full_scores: &[f64],
) -> Result<(f64, Vec<f64>), StatsError> {
    let models = sources.models();
    if models < 3 {
        return Err(StatsError::TooFewModels { what: "ridge regression", needed: 3, got: models });
    }
    let means: Vec<f64> = items.iter().map(|&item| mean(sources.item(item))).collect();
    let mean_score = mean(full_scores);
    let problem = Centred {
        columns: items
            .iter()
            .zip(&means)
            .map(|(&item, mean)| sources.item(item).iter().map(|score| score - mean).collect())
            .collect(),
        scores: full_scores.iter().map(|score| score - mean_score).collect(),
    };

    let by_item = items.len() < models;
    let gram = if by_item { gram(&problem.columns) } else { gram(&problem.rows()) };
    let mut best: Option<Solution> = None;
    for step in 0..PENALTIES {
        let exponent = -2.0 + 5.0 * step as f64 / (PENALTIES - 1) as f64;
        let penalty = libm::pow(10.0, exponent);
        let factor = Cholesky::factor(gram.size, &gram.plus_diagonal(penalty))?;
        let solution = if by_item {
            problem.solve_by_item(&factor)
        } else {
            problem.solve_by_model(&factor, penalty)
        };
        if best.as_ref().is_none_or(|best| solution.error < best.error) {
            best = Some(solution);
        }
    }
    // The grid of penalties is not empty.
    let weights = best.map_or_else(Vec::new, |best| best.weights);
    Ok((mean_score - dot(&weights, &means), weights))
}

/// Answers and full scores, each with its mean over the models taken out.
struct Centred {
    /// One list over the models an item.
    columns: Vec<Vec<f64>>,
    scores: Vec<f64>,
}

struct Solution {
    /// Sum of squared leave-one-out residuals.
    error: f64,
    weights: Vec<f64>,
}

impl Centred {
    fn rows(&self) -> Vec<Vec<f64>> {
        (0..self.scores.len())
            .map(|model| self.columns.iter().map(|column| column[model]).collect())
            .collect()
    }

    /// w = (X'X + penalty I)^-1 X'y; h_ii = x_i' (X'X + penalty I)^-1 x_i + 1/n, the 1/n for the mean
    /// that centring took out.
    fn solve_by_item(&self, factor: &Cholesky) -> Solution {
        let right: Vec<f64> = self.columns.iter().map(|column| dot(column, &self.scores)).collect();
        let weights = factor.solve(&right);
        let models = self.scores.len() as f64;
        let mut error = 0.0;
        for (row, score) in self.rows().iter().zip(&self.scores) {
            let kept = 1.0 - factor.inverse_quadratic(row) - 1.0 / models;
            error += squared_left_out(score - dot(row, &weights), kept);
        }
        Solution { error, weights }
    }

    /// w = X' d with d = (X X' + penalty I)^-1 y; the residual is penalty d_i, and 1 - h_ii is
    /// penalty ((X X' + penalty I)^-1)_ii - 1/n.
    fn solve_by_model(&self, factor: &Cholesky, penalty: f64) -> Solution {
        let dual = factor.solve(&self.scores);
        let models = self.scores.len();
        let mut unit = vec![0.0; models];
        let mut error = 0.0;
        for model in 0..models {
            unit[model] = 1.0;
            let kept = penalty * factor.inverse_quadratic(&unit) - 1.0 / models as f64;
            unit[model] = 0.0;
            error += squared_left_out(penalty * dual[model], kept);
        }
        Solution { error, weights: self.columns.iter().map(|column| dot(column, &dual)).collect() }
    }
}

/// The floor keeps a model that determines its own fit from dividing by zero.
fn squared_left_out(residual: f64, kept: f64) -> f64 {
    let residual = residual / kept.max(1e-3);
    residual * residual
}

/// Inner products of vectors, row-major, lower triangle filled.
struct Gram {
    size: usize,
    products: Vec<f64>,
}

fn gram(vectors: &[Vec<f64>]) -> Gram {
    let size = vectors.len();
    let mut products = vec![0.0; size * size];
    for (row, left) in vectors.iter().enumerate() {
        for (column, right) in vectors[..=row].iter().enumerate() {
            products[row * size + column] = dot(left, right);
        }
    }
    Gram { size, products }
}

impl Gram {
    fn plus_diagonal(&self, penalty: f64) -> Vec<f64> {
        let mut system = self.products.clone();
        for row in 0..self.size {
            system[row * self.size + row] += penalty;
        }
        system
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn random(models: usize, items: usize) -> Centred {
        let mut stream = Stream::new(4, "ridge", 0);
        let mut centred = |length: usize| {
            let values: Vec<f64> = (0..length).map(|_| stream.uniform()).collect();
            let mean = mean(&values);
            values.iter().map(|value| value - mean).collect::<Vec<f64>>()
        };
        Centred { columns: (0..items).map(|_| centred(models)).collect(), scores: centred(models) }
    }

    #[test]
    fn both_spaces_give_one_solution() {
        let problem = random(9, 6);
        let by_item = Cholesky::factor(6, &gram(&problem.columns).plus_diagonal(0.3)).unwrap();
        let by_model = Cholesky::factor(9, &gram(&problem.rows()).plus_diagonal(0.3)).unwrap();
        let (one, two) = (problem.solve_by_item(&by_item), problem.solve_by_model(&by_model, 0.3));
        assert!((one.error - two.error).abs() < 1e-10, "{} {}", one.error, two.error);
        assert!(one.weights.iter().zip(&two.weights).all(|(a, b)| (a - b).abs() < 1e-10));
    }

    #[test]
    fn copies_of_all_models_double_the_penalty() {
        let problem = random(9, 4);
        let twice = |values: &Vec<f64>| [&values[..], &values[..]].concat();
        let copies = Centred {
            columns: problem.columns.iter().map(twice).collect(),
            scores: twice(&problem.scores),
        };
        let weights = |problem: &Centred, penalty| {
            let system = gram(&problem.columns).plus_diagonal(penalty);
            problem.solve_by_item(&Cholesky::factor(4, &system).unwrap()).weights
        };
        let (one, two) = (weights(&problem, 0.7), weights(&copies, 1.4));
        assert!(one.iter().zip(&two).all(|(a, b)| (a - b).abs() < 1e-12), "{one:?} {two:?}");
        let single = weights(&copies, 0.7);
        assert!(one.iter().zip(&single).any(|(a, b)| (a - b).abs() > 1e-3), "{one:?} {single:?}");
    }

    #[test]
    fn the_shortcut_equals_leaving_each_model_out() {
        let (models, items, penalty) = (8, 3, 0.5);
        let problem = random(models, items);
        let factor =
            Cholesky::factor(items, &gram(&problem.columns).plus_diagonal(penalty)).unwrap();
        let shortcut = problem.solve_by_item(&factor).error;
        let mut explicit = 0.0;
        for left_out in 0..models {
            let without = |values: &[f64]| -> (Vec<f64>, f64) {
                let rest: Vec<f64> =
                    (0..models).filter(|&m| m != left_out).map(|m| values[m]).collect();
                let mean = mean(&rest);
                (rest.iter().map(|value| value - mean).collect(), mean)
            };
            let (columns, means): (Vec<_>, Vec<_>) =
                problem.columns.iter().map(|column| without(column)).unzip();
            let (scores, mean_score) = without(&problem.scores);
            let rest = Centred { columns, scores };
            let factor =
                Cholesky::factor(items, &gram(&rest.columns).plus_diagonal(penalty)).unwrap();
            let weights = rest.solve_by_item(&factor).weights;
            let answers: Vec<f64> =
                (0..items).map(|item| problem.columns[item][left_out] - means[item]).collect();
            explicit += (problem.scores[left_out] - mean_score - dot(&weights, &answers)).powi(2);
        }
        assert!((shortcut - explicit).abs() < 1e-10, "{shortcut} {explicit}");
    }
}
