//! How often two models would agree if nothing but ability and difficulty made them.

use super::packed::Packed;
use crate::matrix::ResponseMatrix;

/// Levels of ability; models of one level count as equally able.
const LEVELS: usize = 64;
/// Newton steps for each item.
const STEPS: usize = 25;
// Priors of the curves, as in `curves`.
const SLOPE_MEAN: f64 = 1.0;
const SLOPE_VARIANCE: f64 = 0.25;
const INTERCEPT_VARIANCE: f64 = 9.0;

/// The probability that a model of each level of ability is above the mean of each item.
///
/// Ability is the logit of a model's share of such answers, corrected for the items it did not answer;
/// levels hold equal numbers of models by rank. The curve of an item is logistic in the ability, fitted
/// by Newton's method with Gaussian priors to the counts of each level.
pub(super) struct Expected {
    /// Level of each model.
    pub level: Vec<usize>,
    items: usize,
    /// Level by level.
    probabilities: Vec<f32>,
    /// Expected number of differing items of two models that answered all, level by level.
    differing: Vec<f64>,
}

impl Expected {
    pub(super) fn new(matrix: &ResponseMatrix, packed: &Packed) -> Self {
        let (models, items) = (matrix.models(), matrix.items());
        let (level, abilities) = levels(&abilities(models, items, packed));
        let (mut given, mut above) =
            (vec![0_u32; items * abilities.len()], vec![0_u32; items * abilities.len()]);
        for (model, level) in level.iter().enumerate() {
            for item in (0..items).filter(|&item| packed.is_given(model, item)) {
                let cell = item * abilities.len() + level;
                given[cell] += 1;
                above[cell] += u32::from(packed.is_above(model, item));
            }
        }
        let mut probabilities = vec![0.0_f32; items * abilities.len()];
        for item in 0..items {
            let counts = item * abilities.len()..(item + 1) * abilities.len();
            let curve = Curve::fit(&abilities, &given[counts.clone()], &above[counts]);
            for (level, ability) in abilities.iter().enumerate() {
                probabilities[level * items + item] = curve.at(*ability) as f32;
            }
        }
        let mut expected = Self { level, items, probabilities, differing: Vec::new() };
        let count = abilities.len();
        let differing = |at: usize| expected.sum(at / count, at % count, 0..items);
        expected.differing = (0..count * count).map(differing).collect();
        expected
    }

    /// Expected number of items, of those given, on which models of two levels differ.
    fn sum(&self, left: usize, right: usize, items: impl Iterator<Item = usize>) -> f64 {
        let (left, right) = (self.row(left), self.row(right));
        items
            .map(|item| {
                let (p, q) = (f64::from(left[item]), f64::from(right[item]));
                p + q - 2.0 * p * q
            })
            .sum()
    }

    /// Expected number of items on which two models differ that answered all items: no fewer than on any
    /// part of them.
    pub(super) fn differing(&self, left: usize, right: usize) -> f64 {
        let levels = self.probabilities.len() / self.items;
        self.differing[self.level[left] * levels + self.level[right]]
    }

    /// The same on some items.
    pub(super) fn differing_on(
        &self,
        left: usize,
        right: usize,
        items: impl Iterator<Item = usize>,
    ) -> f64 {
        self.sum(self.level[left], self.level[right], items)
    }

    fn row(&self, level: usize) -> &[f32] {
        &self.probabilities[level * self.items..(level + 1) * self.items]
    }
}

/// Logit of each model's share above the mean, relative to the shares of the items it answered.
fn abilities(models: usize, items: usize, packed: &Packed) -> Vec<f64> {
    let mut counts = vec![(0_u32, 0_u32); items];
    for model in 0..models {
        for (item, (given, above)) in counts.iter_mut().enumerate() {
            *given += u32::from(packed.is_given(model, item));
            *above += u32::from(packed.is_above(model, item));
        }
    }
    let shares: Vec<f64> = counts
        .iter()
        .map(|(given, above)| f64::from(*above) / f64::from((*given).max(1)))
        .collect();
    let grand = shares.iter().sum::<f64>() / items as f64;
    let ability = |model| {
        let answered = (0..items).filter(|&item| packed.is_given(model, item));
        let residual = |item| f64::from(u8::from(packed.is_above(model, item))) - shares[item];
        let (sum, count) =
            answered.fold((0.0, 0.0), |(sum, count), item| (sum + residual(item), count + 1.0));
        let margin = 0.5 / f64::max(count, 1.0);
        let share = (grand + sum / f64::max(count, 1.0)).clamp(margin, 1.0 - margin);
        libm::log(share / (1.0 - share))
    };
    (0..models).map(ability).collect()
}

/// Level of each model, and the mean ability of each level.
fn levels(abilities: &[f64]) -> (Vec<usize>, Vec<f64>) {
    let models = abilities.len();
    let count = models.min(LEVELS);
    let mut order: Vec<usize> = (0..models).collect();
    order.sort_by(|&a, &b| abilities[a].total_cmp(&abilities[b]).then(a.cmp(&b)));
    let mut level = vec![0; models];
    let (mut sums, mut sizes) = (vec![0.0; count], vec![0.0; count]);
    for (rank, model) in order.into_iter().enumerate() {
        let own = rank * count / models;
        level[model] = own;
        sums[own] += abilities[model];
        sizes[own] += 1.0;
    }
    (level, sums.into_iter().zip(sizes).map(|(sum, size): (f64, f64)| sum / size).collect())
}

/// A logistic curve over ability.
struct Curve {
    slope: f64,
    intercept: f64,
}

impl Curve {
    fn fit(abilities: &[f64], given: &[u32], above: &[u32]) -> Self {
        let (mut slope, mut intercept) = (SLOPE_MEAN, 0.0_f64);
        for _ in 0..STEPS {
            let mut gradient =
                [-(slope - SLOPE_MEAN) / SLOPE_VARIANCE, -intercept / INTERCEPT_VARIANCE];
            let mut hessian = [1.0 / SLOPE_VARIANCE, 0.0, 1.0 / INTERCEPT_VARIANCE];
            for (ability, (given, above)) in abilities.iter().zip(given.iter().zip(above)) {
                let p = logistic(slope * ability + intercept);
                let given = f64::from(*given);
                let (error, spread) = (f64::from(*above) - given * p, given * p * (1.0 - p));
                gradient[0] += ability * error;
                gradient[1] += error;
                hessian[0] += ability * ability * spread;
                hessian[1] += ability * spread;
                hessian[2] += spread;
            }
            let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
            let step = [
                (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
                (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
            ];
            // Bounded: the first steps from the priors can overshoot.
            slope += step[0].clamp(-1.0, 1.0);
            intercept += step[1].clamp(-2.0, 2.0);
            if step[0].abs() + step[1].abs() < 1e-6 {
                break;
            }
        }
        Self { slope, intercept }
    }

    fn at(&self, ability: f64) -> f64 {
        logistic(self.slope * ability + self.intercept)
    }
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::Rasch;

    #[test]
    fn independent_models_differ_as_often_as_expected() {
        let (models, items) = (150, 400);
        let world = Rasch::new(items, 3).sources(models, 3);
        let packed = Packed::new(&world.responses, &vec![0.5; items]);
        let expected = Expected::new(&world.responses, &packed);
        let (mut sum, mut squares, mut pairs) = (0.0, 0.0, 0.0);
        for left in 0..models {
            for right in left + 1..models {
                let differ = f64::from(packed.differing(left, right, u32::MAX).unwrap());
                let share = differ / expected.differing(left, right) - 1.0;
                sum += share;
                squares += share * share;
                pairs += 1.0;
            }
        }
        // Some 150 of 400 differ, give or take 9: 6 %.
        assert!((sum / pairs).abs() < 0.02, "{}", sum / pairs);
        assert!((squares / pairs).sqrt() < 0.08, "{}", (squares / pairs).sqrt());
    }

    #[test]
    fn levels_are_of_equal_size_and_in_order() {
        let (level, means) = levels(&(0..130).map(|at| f64::from(130 - at)).collect::<Vec<_>>());
        assert_eq!((level[129], level[0], means.len()), (0, 63, 64));
        assert!(means.is_sorted());
        assert_eq!(levels(&[2.0, 1.0]), (vec![1, 0], vec![1.0, 2.0]));
    }
}
