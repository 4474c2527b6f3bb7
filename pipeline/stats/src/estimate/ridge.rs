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
/// with the smallest exact leave-one-out error, e_i / (1 - h_ii); source: Hastie, Tibshirani and
/// Friedman, *The Elements of Statistical Learning*, eq. 7.52 and sec. 7.10. Solved in the space of
/// models (dual form, X'(X X' + penalty I)^-1), because a subset may have more items than there are
/// source models.
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
    let centred: Vec<f64> = full_scores.iter().map(|score| score - mean_score).collect();
    let gram = gram(sources, items, &means);

    let mut best: Option<(f64, Vec<f64>)> = None;
    for step in 0..PENALTIES {
        let exponent = -2.0 + 5.0 * step as f64 / (PENALTIES - 1) as f64;
        let penalty = libm::pow(10.0, exponent);
        let mut system = gram.clone();
        for model in 0..models {
            system[model * models + model] += penalty;
        }
        let factor = Cholesky::factor(models, &system)?;
        let dual = factor.solve(&centred);
        let error = leave_one_out(&factor, &dual, penalty);
        if best.as_ref().is_none_or(|(smallest, _)| error < *smallest) {
            best = Some((error, dual));
        }
    }
    let (_, dual) = best.ok_or(StatsError::BadWeights)?;

    let weight = |(&item, mean): (&usize, &f64)| {
        sources
            .item(item)
            .iter()
            .zip(&dual)
            .map(|(score, multiplier)| (score - mean) * multiplier)
            .sum()
    };
    let weights: Vec<f64> = items.iter().zip(&means).map(weight).collect();
    Ok((mean_score - dot(&weights, &means), weights))
}

/// Inner products of the models' centred answers, models x models.
fn gram(sources: &CompleteMatrix, items: &[usize], means: &[f64]) -> Vec<f64> {
    let models = sources.models();
    let mut gram = vec![0.0; models * models];
    for (&item, mean) in items.iter().zip(means) {
        let answers: Vec<f64> = sources.item(item).iter().map(|score| score - mean).collect();
        for (row, left) in answers.iter().enumerate() {
            for (column, right) in answers[..=row].iter().enumerate() {
                gram[row * models + column] += left * right;
            }
        }
    }
    gram
}

/// Sum of squared leave-one-out residuals.
///
/// With A = K + penalty I and dual = A^-1 y, the residual is penalty x dual_i and 1 - h_ii is
/// penalty x (A^-1)_ii - 1/n, the 1/n for the mean that centring took out.
fn leave_one_out(factor: &Cholesky, dual: &[f64], penalty: f64) -> f64 {
    let models = dual.len();
    let mut unit = vec![0.0; models];
    let mut sum = 0.0;
    for model in 0..models {
        unit[model] = 1.0;
        let diagonal = factor.solve(&unit)[model];
        unit[model] = 0.0;
        // The floor keeps a model that determines its own fit from dividing by zero.
        let kept = (penalty * diagonal - 1.0 / models as f64).max(1e-3);
        let residual = penalty * dual[model] / kept;
        sum += residual * residual;
    }
    sum
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
