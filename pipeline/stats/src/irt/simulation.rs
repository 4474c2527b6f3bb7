//! Responses drawn from known parameters, for tests.

use crate::{matrix::ResponseMatrix, rng::Stream};

/// Parameters, and answers drawn from them.
pub(super) struct Simulated {
    pub slopes: Vec<Vec<f64>>,
    pub intercepts: Vec<f64>,
    pub abilities: Vec<Vec<f64>>,
    pub responses: ResponseMatrix,
}

impl Simulated {
    /// Probability of a right answer.
    pub(super) fn probability(&self, model: usize, item: usize) -> f64 {
        let parts = self.slopes.iter().zip(&self.abilities);
        let sum = parts.fold(self.intercepts[item], |sum, (a, t)| sum + a[item] * t[model]);
        1.0 / (1.0 + libm::exp(-sum))
    }
}

/// Roughly normal: the sum of twelve uniform numbers less six.
fn normal(stream: &mut Stream) -> f64 {
    (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0
}

/// Slopes in [0.5, 2] on the first ability, standard normal on the others.
pub(super) fn simulate(models: usize, items: usize, dimensions: usize) -> Simulated {
    let mut stream = Stream::new(11, "simulated", 0);
    let mut slopes = vec![(0..items).map(|_| 0.5 + 1.5 * stream.uniform()).collect::<Vec<f64>>()];
    for _ in 1..dimensions {
        slopes.push((0..items).map(|_| normal(&mut stream)).collect());
    }
    let intercepts = (0..items).map(|_| 1.5 * normal(&mut stream)).collect();
    let abilities =
        (0..dimensions).map(|_| (0..models).map(|_| normal(&mut stream)).collect()).collect();
    let responses = ResponseMatrix::new(1, 1, vec![0.0]).unwrap();
    let mut simulated = Simulated { slopes, intercepts, abilities, responses };
    let mut scores = Vec::with_capacity(models * items);
    for model in 0..models {
        for item in 0..items {
            let right = stream.uniform() < simulated.probability(model, item);
            scores.push(if right { 1.0 } else { 0.0 });
        }
    }
    simulated.responses = ResponseMatrix::new(models, items, scores).unwrap();
    simulated
}

/// Pearson correlation.
pub(super) fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (a, b) = (mean(left), mean(right));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        left.iter().zip(right).map(|(x, y)| f(x - a, y - b)).sum()
    };
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}
