//! Whether scores are missing at random.

use crate::{distribution::normal_cumulative, matrix::ResponseMatrix};

/// Fewer models or items than this show no association.
const FEWEST: usize = 5;

/// How missing scores go with something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Association {
    /// Spearman's rank correlation with the share of scores that are missing.
    pub correlation: f64,
    /// Two-sided p value of "none".
    pub p_value: f64,
    /// Mean over the missing scores less mean over the others, as a fraction: -0.03 says that what is
    /// missing is worth three points less.
    pub shift: f64,
}

/// Whether scores are missing at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Missingness {
    /// Number of scores that are missing.
    pub missing: usize,
    /// With the models' ability; None with too few models, or where all miss alike.
    pub ability: Option<Association>,
    /// With the items' easiness; None with too few items, or where all are missed alike.
    pub easiness: Option<Association>,
}

/// Tests whether weaker models, or harder items, have more gaps.
///
/// Ability is a model's mean difference to the items' means, easiness an item's mean difference to the
/// abilities, both over the scores that are there. Under the null the ranks of one are a random permutation
/// of those of the other, with ties: then Spearman's correlation has mean 0 and variance 1 / (n - 1), and is
/// taken as normal (Kendall, *Rank Correlation Methods*, ch. 5). Permuting items keeps gaps that several
/// models share together. Gaps by themselves tell nothing of scores that nobody saw: an association is a
/// warning, its absence no proof (Little and Rubin, *Statistical Analysis with Missing Data*, ch. 1).
pub fn missingness(matrix: &ResponseMatrix) -> Missingness {
    let (models, items) = (matrix.models(), matrix.items());
    let mut item_means = Means::new(items);
    let mut gaps_of_model = vec![0_u32; models];
    let mut gaps_of_item = vec![0_u32; items];
    for (model, own) in gaps_of_model.iter_mut().enumerate() {
        for (item, gaps) in gaps_of_item.iter_mut().enumerate() {
            match matrix.get(model, item) {
                Some(score) => item_means.add(item, score),
                None => {
                    *own += 1;
                    *gaps += 1;
                }
            }
        }
    }
    let difficulty = item_means.finish();
    let mut abilities = Means::new(models);
    each(matrix, |model, item, score| {
        abilities.add(model, score - difficulty[item].unwrap_or(score));
    });
    let abilities = abilities.finish();
    let mut easiness = Means::new(items);
    each(matrix, |model, item, score| {
        easiness.add(item, score - abilities[model].unwrap_or(0.0));
    });
    Missingness {
        missing: gaps_of_model.iter().map(|&gaps| gaps as usize).sum(),
        ability: association(&abilities, &gaps_of_model, items),
        easiness: association(&easiness.finish(), &gaps_of_item, models),
    }
}

fn each(matrix: &ResponseMatrix, mut take: impl FnMut(usize, usize, f64)) {
    for model in 0..matrix.models() {
        for item in 0..matrix.items() {
            if let Some(score) = matrix.get(model, item) {
                take(model, item, score);
            }
        }
    }
}

/// Running means.
struct Means {
    sums: Vec<f64>,
    counts: Vec<u32>,
}

impl Means {
    fn new(count: usize) -> Self {
        Self { sums: vec![0.0; count], counts: vec![0; count] }
    }

    fn add(&mut self, at: usize, value: f64) {
        self.sums[at] += value;
        self.counts[at] += 1;
    }

    /// None where nothing was added.
    fn finish(self) -> Vec<Option<f64>> {
        let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
        self.sums.into_iter().zip(self.counts).map(mean).collect()
    }
}

/// Association of a value with the number of gaps, of `cells` cells each.
fn association(values: &[Option<f64>], gaps: &[u32], cells: usize) -> Option<Association> {
    let known = values.iter().zip(gaps).filter_map(|(value, gaps)| Some(((*value)?, *gaps)));
    let (values, gaps): (Vec<f64>, Vec<f64>) =
        known.map(|(value, gaps)| (value, f64::from(gaps))).unzip();
    if values.len() < FEWEST {
        return None;
    }
    let correlation = pearson(&mid_ranks(&values), &mid_ranks(&gaps))?;
    let z = correlation.abs() * ((values.len() - 1) as f64).sqrt();
    let weighted = |weight: &dyn Fn(f64) -> f64| {
        let (sum, all) = values.iter().zip(&gaps).fold((0.0, 0.0), |(sum, all), (value, gaps)| {
            (sum + weight(*gaps) * value, all + weight(*gaps))
        });
        sum / all
    };
    let shift = weighted(&|gaps| gaps) - weighted(&|gaps| cells as f64 - gaps);
    Some(Association { correlation, p_value: 2.0 * normal_cumulative(-z), shift })
}

/// Rank of each value, the mean of their ranks for equal ones.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&at| ranks[at] = rank);
        below += tied.len();
    }
    ranks
}

/// None where either is constant.
fn pearson(left: &[f64], right: &[f64]) -> Option<f64> {
    let count = left.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (left_mean, right_mean) = (mean(left), mean(right));
    let sum = |product: &dyn Fn(f64, f64) -> f64| {
        left.iter().zip(right).map(|(a, b)| product(a - left_mean, b - right_mean)).sum::<f64>()
    };
    let squares = sum(&|a, _| a * a) * sum(&|_, b| b * b);
    (squares > 0.0).then(|| sum(&|a, b| a * b) / squares.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rng::Stream, simulated::Rasch};

    /// A simulated leaderboard in which `gap(ability rank share, item easiness rank share)` are missing.
    fn with_gaps(seed: u64, gap: impl Fn(f64, f64) -> f64) -> Missingness {
        let (models, items) = (60, 150);
        let world = Rasch::new(items, seed).sources(models, seed);
        let score = |model, item| world.responses.get(model, item).unwrap();
        let share = |values: Vec<f64>| {
            let count = values.len() as f64;
            mid_ranks(&values).into_iter().map(move |rank| rank / count).collect::<Vec<f64>>()
        };
        let row = |model| (0..items).map(|item| score(model, item)).sum::<f64>();
        let column = |item| (0..models).map(|model| score(model, item)).sum::<f64>();
        let (ability, easiness) =
            (share((0..models).map(row).collect()), share((0..items).map(column).collect()));
        let mut stream = Stream::new(seed, "gaps", 0);
        let cell = |at: usize| {
            let (model, item) = (at / items, at % items);
            let missing = stream.uniform() < gap(ability[model], easiness[item]);
            if missing { f32::NAN } else { score(model, item) as f32 }
        };
        let scores = (0..models * items).map(cell).collect();
        missingness(&ResponseMatrix::new(models, items, scores).unwrap())
    }

    #[test]
    fn ranks_and_correlation_equal_values_worked_by_hand() {
        assert_eq!(mid_ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        // Kendall, ch. 1: one exchange of neighbours in four, 1 - 6 * 2 / 60.
        let rho = pearson(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]).unwrap();
        assert!((rho - 0.8).abs() < 1e-12);
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn gaps_at_random_are_called_random() {
        let mut small = [0; 2];
        for seed in 0..200 {
            let found = with_gaps(seed, |_, _| 0.05);
            for (count, association) in small.iter_mut().zip([found.ability, found.easiness]) {
                *count += usize::from(association.unwrap().p_value < 0.05);
            }
        }
        // Expected 10 each; above 21 once in a thousand times.
        assert!(small.iter().all(|count| *count <= 21), "{small:?} of 200 below 5 %");
    }

    #[test]
    fn gaps_of_weak_models_and_of_hard_items_are_told_apart() {
        for seed in 0..5 {
            let found = with_gaps(seed, |ability, _| 0.1 * (1.0 - ability));
            let ability = found.ability.unwrap();
            assert!(ability.p_value < 1e-4 && ability.correlation < 0.0, "{found:?}");
            assert!(ability.shift < -0.02, "{found:?}");
            assert!(found.easiness.unwrap().p_value > 1e-3, "{found:?}");
            let found = with_gaps(seed, |_, easiness| 0.1 * (1.0 - easiness));
            let easiness = found.easiness.unwrap();
            assert!(easiness.p_value < 1e-4 && easiness.shift < -0.05, "{found:?}");
            assert!(found.ability.unwrap().p_value > 1e-3, "{found:?}");
        }
    }

    #[test]
    fn complete_and_tiny_matrices_have_no_association() {
        let complete = with_gaps(1, |_, _| 0.0);
        assert_eq!((complete.missing, complete.ability, complete.easiness), (0, None, None));
        let tiny = ResponseMatrix::new(2, 2, vec![1.0, f32::NAN, 0.0, 1.0]).unwrap();
        let found = missingness(&tiny);
        assert_eq!((found.missing, found.ability, found.easiness), (1, None, None));
    }
}
