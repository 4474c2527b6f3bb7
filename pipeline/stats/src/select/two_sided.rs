use super::{
    Subset,
    eligible::{eligible, weighted},
};
use crate::{
    StatsError,
    field::{DESIGN, Field, Hypothesis, Prior},
    linalg::add_scaled,
    rng::Stream,
    sources::Sources,
};

/// Share of the free items that is looked at for each choice: some chance keeps the subset from being
/// fitted to the very sources it is chosen on, and costs nothing measurable.
const LOOKED_AT: f64 = 0.8;
/// The gain inside the sources' range counts 1 + this / k times the gain above it: with few answers an
/// estimate has to lean on the sources, with many the answers speak for themselves.
const LEANING: f64 = 20.0;
/// Added to the expected spread, in units of its mean: no stratum is left to a handful of items.
const LEAST_SPREAD: f64 = 0.1;

/// One item from each of k strata of difficulty, the one that most reduces the posterior
/// variance of the target mean inside the sources' range and beyond it.
///
/// Strata are cut in the order of benchmark and the sources' item means, of equal mass weight x sqrt(spread), where
/// the spread p (1 - p) is expected inside the range and beyond it: more items where answers vary
/// (Neyman's allocation; Cochran, *Sampling Techniques*, sec. 5.5). The first item is chosen anywhere,
/// then its stratum is closed, and so on; the gain is the weighted sum over both hypotheses of the
/// logarithm by which the posterior variance falls (greedy c-optimal design; Krause, Singh and Guestrin,
/// JMLR 9 (2008)). An item's weight is its stratum's share of the target; where a
/// stratum gives several items, each has its part of it by target weight.
pub(super) fn select(
    sources: &Sources<'_>,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let items = eligible(&sources.design(), k)?;
    let field = sources.field()?;
    let mut strata = Strata::new(sources, field, items, k, stream);
    let weights = sources.target.weights();
    let leaning = 1.0 + LEANING / k as f64;
    let mut posteriors = DESIGN.map(|hypothesis| Posterior::new(field, &hypothesis, weights));
    let (mut chosen, mut strata_of, mut taken) = (Vec::new(), Vec::new(), vec![0.0; k]);
    for _ in 0..k {
        let looked_at = strata.look(stream);
        let gain = |item: usize| leaning * posteriors[0].gain(item) + posteriors[1].gain(item);
        let Some(item) = first_of_greatest(&looked_at, gain) else { break };
        let Some(stratum) = strata.take(item) else { break };
        taken[stratum] += weights[item];
        strata_of.push(stratum);
        chosen.push(item);
        let kernel: Vec<f64> = (0..weights.len()).map(|other| field.kernel(item, other)).collect();
        posteriors.iter_mut().for_each(|posterior| posterior.observe(&kernel, item));
    }
    let share = |(item, stratum): (&usize, &usize)| {
        strata.shares[*stratum] * weights[*item] / taken[*stratum]
    };
    let shares: Vec<f64> = chosen.iter().zip(&strata_of).map(share).collect();
    Ok(weighted(&chosen, &shares))
}

fn first_of_greatest(items: &[usize], value: impl Fn(usize) -> f64) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for &item in items {
        let value = value(item);
        if best.is_none_or(|(_, greatest)| value > greatest) {
            best = Some((item, value));
        }
    }
    best.map(|(item, _)| item)
}

/// Which items may still be chosen.
struct Strata {
    items: Vec<usize>,
    /// Stratum of each of `items`.
    stratum: Vec<usize>,
    free: Vec<bool>,
    open: Vec<bool>,
    /// Target weight of each stratum.
    shares: Vec<f64>,
}

impl Strata {
    fn new(
        sources: &Sources<'_>,
        field: &Field,
        mut items: Vec<usize>,
        k: usize,
        stream: &mut Stream,
    ) -> Self {
        let (weights, groups) = (sources.target.weights(), sources.target.groups());
        // Shuffled first, so that items of equal expectation come in random order, not in file order.
        stream.shuffle(&mut items);
        let means = sources.complete.item_means();
        items.sort_by(|&a, &b| groups[a].cmp(&groups[b]).then(means[a].total_cmp(&means[b])));
        let spread = &field.expected_spread;
        let mean = items.iter().map(|&item| spread[item]).sum::<f64>() / items.len() as f64;
        let mass = |item: usize| {
            weights[item] * (spread[item] / mean.max(f64::MIN_POSITIVE) + LEAST_SPREAD).sqrt()
        };
        let total: f64 = items.iter().map(|&item| mass(item)).sum();
        let mut before = 0.0;
        let mut shares = vec![0.0; k];
        let mut stratum = Vec::with_capacity(items.len());
        for &item in &items {
            let middle = (before + mass(item) / 2.0) / total;
            before += mass(item);
            let place = ((middle * k as f64) as usize).min(k - 1);
            shares[place] += weights[item];
            stratum.push(place);
        }
        Self { free: vec![true; items.len()], open: vec![true; k], items, stratum, shares }
    }

    /// A random part of the free items of open strata, at least one.
    fn look(&mut self, stream: &mut Stream) -> Vec<usize> {
        let mut left = self.left();
        // No stratum is open: there were fewer than k, as one item can outweigh a stratum.
        if left.is_empty() {
            self.open.fill(true);
            left = self.left();
        }
        let some: Vec<usize> =
            left.iter().filter(|_| stream.uniform() < LOOKED_AT).copied().collect();
        if some.is_empty() { left } else { some }
    }

    fn left(&self) -> Vec<usize> {
        let places = 0..self.items.len();
        let left = places.filter(|&place| self.free[place] && self.open[self.stratum[place]]);
        left.map(|place| self.items[place]).collect()
    }

    /// Takes an item and closes its stratum; gives the number of the stratum.
    fn take(&mut self, item: usize) -> Option<usize> {
        let place = self.items.iter().position(|other| *other == item)?;
        self.free[place] = false;
        self.open[self.stratum[place]] = false;
        Some(self.stratum[place])
    }
}

/// What is left to know under one hypothesis after the items observed so far.
struct Posterior {
    prior: Prior,
    /// Covariance of each item with the target mean.
    covariances: Vec<f64>,
    /// Variance of each item.
    variances: Vec<f64>,
    /// Of the target mean.
    target: f64,
    /// Columns of the Cholesky factor, one list over the items an observed item.
    columns: Vec<Vec<f64>>,
}

impl Posterior {
    fn new(field: &Field, hypothesis: &Hypothesis, weights: &[f64]) -> Self {
        let items: Vec<usize> = (0..weights.len()).collect();
        let prior = field.prior(hypothesis, &items);
        let covariance = |item: usize| {
            prior.covariance_with_target(field.kernel_with_target(item), item)
                + weights[item] * prior.noise[item]
        };
        let variance = |item: usize| {
            prior.covariance(field.kernel(item, item), item, item) + prior.noise[item]
        };
        Self {
            covariances: items.iter().map(|&item| covariance(item)).collect(),
            variances: items.iter().map(|&item| variance(item)).collect(),
            target: prior.target_variance(field.target_kernel()) + field.target_noise(hypothesis),
            columns: Vec::new(),
            prior,
        }
    }

    /// Minus the logarithm of the share of the target's variance that the item would leave.
    fn gain(&self, item: usize) -> f64 {
        let covariance = self.covariances[item];
        let share = covariance * covariance / (self.variances[item] * self.target);
        -libm::log((1.0 - share).max(1e-12))
    }

    /// Conditions on the answer to an item, whatever it is.
    fn observe(&mut self, kernel: &[f64], item: usize) {
        let shared = kernel.iter().enumerate();
        let mut column: Vec<f64> =
            shared.map(|(other, kernel)| self.prior.covariance(*kernel, item, other)).collect();
        column[item] += self.prior.noise[item];
        for earlier in &self.columns {
            add_scaled(&mut column, -earlier[item], earlier);
        }
        let root = self.variances[item].sqrt();
        column.iter_mut().for_each(|value| *value /= root);
        let step = self.covariances[item] / root;
        self.target = (self.target - step * step).max(f64::MIN_POSITIVE);
        add_scaled(&mut self.covariances, -step, &column);
        for (variance, value) in self.variances.iter_mut().zip(&column) {
            // Noise is the least that is left; rounding must not go below it.
            *variance = (*variance - value * value).max(1e-6);
        }
        self.columns.push(column);
    }
}

#[cfg(test)]
mod tests;
