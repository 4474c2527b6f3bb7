//! How repeatable the models' mean scores are.

#[cfg(test)]
use super::precision::strata;
use super::{items::correlation, precision::Stratum};
use crate::{StatsError, matrix::ResponseMatrix, rng::Stream};

/// Reliability of the mean score over the items of a benchmark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reliability {
    /// Number of items.
    pub items: usize,
    /// Cronbach's alpha, KR-20 for 0/1 items: 1 is perfect, negative when items contradict each
    /// other. None when all models score the same.
    pub alpha: Option<f64>,
    /// Standard deviation of the models' mean scores (denominator models - 1).
    pub score_deviation: f64,
    /// Standard error of measurement of a mean score, `score_deviation` sqrt(1 - alpha): what
    /// differs between benchmarks of that many like items.
    pub standard_error: f64,
}

/// Mean squares of the two-way layout models x items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MeanSquares {
    /// Between models.
    pub models: f64,
    /// Left after models and items: interaction and noise.
    pub residual: f64,
}

/// Reliability of the whole benchmark, by Hoyt's analysis of variance: alpha = 1 - residual mean
/// square / mean square of models.
///
/// Without gaps this is KR-20 (Kuder and Richardson, Psychometrika 2, 1937, formula 20) and
/// Cronbach's alpha (Psychometrika 16, 1951) exactly; source: Hoyt, Psychometrika 6 (1941). A gap
/// is filled additively (model mean plus item mean minus grand mean), which adds nothing to the
/// residual, and takes one degree of freedom from it (Yates 1933; Snedecor and Cochran,
/// *Statistical Methods*, sec. 14.7). Reliability of a subset is that of the matrix of its items.
/// Errors with fewer than two models, two items, or no degree of freedom left; a model without any
/// score is an error.
pub fn reliability(matrix: &ResponseMatrix) -> Result<Reliability, StatsError> {
    let squares = mean_squares(matrix)?;
    let items = matrix.items() as f64;
    // Below the rounding of single-precision scores.
    let alpha = (squares.models > 1e-14).then(|| 1.0 - squares.residual / squares.models);
    Ok(Reliability {
        items: matrix.items(),
        alpha,
        score_deviation: (squares.models / items).sqrt(),
        standard_error: (squares.residual / items).sqrt(),
    })
}

/// The mean squares, as [`reliability`] describes.
pub(super) fn mean_squares(matrix: &ResponseMatrix) -> Result<MeanSquares, StatsError> {
    let (models, items) = (matrix.models(), matrix.items());
    if models < 2 {
        return Err(StatsError::TooFewModels { what: "reliability", needed: 2, got: models });
    }
    let complete = matrix.imputed()?;
    let mut model_means = vec![0.0; models];
    let mut missing = 0;
    for item in 0..items {
        for (model, (mean, score)) in model_means.iter_mut().zip(complete.item(item)).enumerate() {
            *mean += score / items as f64;
            missing += usize::from(matrix.get(model, item).is_none());
        }
    }
    let freedom = ((models - 1) * (items - 1)).saturating_sub(missing);
    if freedom == 0 {
        return Err(StatsError::TooFewItems { what: "reliability", items, missing });
    }
    let grand = model_means.iter().sum::<f64>() / models as f64;
    let spread = model_means.iter().map(|mean| (mean - grand) * (mean - grand)).sum::<f64>();
    let mut residual = 0.0;
    for item in 0..items {
        let scores = complete.item(item);
        let item_mean = scores.iter().sum::<f64>() / models as f64;
        for (score, model_mean) in scores.iter().zip(&model_means) {
            let rest = score - item_mean - model_mean + grand;
            residual += rest * rest;
        }
    }
    Ok(MeanSquares {
        models: items as f64 * spread / (models - 1) as f64,
        residual: residual / freedom as f64,
    })
}

impl Reliability {
    /// Reliability of a benchmark of `items` like items (Spearman 1910; Brown 1910); None without
    /// alpha, or where alpha is so negative that the formula has no meaning.
    pub fn predicted(&self, items: usize) -> Option<f64> {
        spearman_brown(self.alpha?, items as f64 / self.items as f64)
    }

    /// Number of like items that reach a reliability `wanted` in (0, 1); None unless alpha lies in
    /// (0, 1].
    pub fn items_needed(&self, wanted: f64) -> Option<u64> {
        let alpha = self.alpha.filter(|alpha| *alpha > 0.0)?;
        let factor = wanted * (1.0 - alpha) / (alpha * (1.0 - wanted));
        (wanted > 0.0 && wanted < 1.0)
            // A rounding error must not cost an item.
            .then(|| ((factor * self.items as f64 - 1e-9).ceil()).max(1.0) as u64)
    }
}

/// Reliability of a benchmark `factor` times as long, f r / (1 + (f - 1) r) (Spearman 1910; Brown
/// 1910); None where that has no meaning.
pub fn spearman_brown(reliability: f64, factor: f64) -> Option<f64> {
    let denominator = 1.0 + (factor - 1.0) * reliability;
    (denominator > 0.0).then(|| factor * reliability / denominator)
}

/// Agreement of random halves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitHalf {
    /// Pearson correlation, over the models, of the two halves' means: mean over the splits.
    pub half: f64,
    /// The same for the full length, each split stepped up by Spearman and Brown's formula first.
    pub full: f64,
    /// Splits in which both halves told models apart.
    pub splits: usize,
}

/// Splits the items of every stratum `splits` times at random into halves (the larger one first, of
/// an odd number).
///
/// Means are over the answered items; a model without answers in a half of a stratum is left out of
/// that split. None when no split has two halves that vary, and agree more than -1. The mean over all
/// splits of a stepped-up covariance is alpha (Cronbach 1951); this is the correlation, which also
/// lets halves differ in spread.
pub fn split_half(
    matrix: &ResponseMatrix,
    strata: &[Stratum],
    splits: usize,
    stream: &mut Stream,
) -> Option<SplitHalf> {
    let mut shuffled = strata.to_vec();
    let (mut half, mut full, mut counted) = (0.0, 0.0, 0);
    for _ in 0..splits {
        shuffled.iter_mut().for_each(|stratum| stream.shuffle(&mut stratum.items));
        let (first, second): (Vec<_>, Vec<_>) = shuffled
            .iter()
            .map(|stratum| stratum.items.split_at(stratum.items.len().div_ceil(2)))
            .unzip();
        let pair = |model| Some((mean(matrix, model, &first)?, mean(matrix, model, &second)?));
        let pairs: Vec<(f64, f64)> = (0..matrix.models()).filter_map(pair).collect();
        let correlation = correlation(&pairs);
        let stepped_up = correlation.and_then(|value| spearman_brown(value, 2.0));
        if let (Some(correlation), Some(stepped_up)) = (correlation, stepped_up) {
            half += correlation;
            full += stepped_up;
            counted += 1;
        }
    }
    let count = counted as f64;
    (counted > 0).then(|| SplitHalf { half: half / count, full: full / count, splits: counted })
}

/// Mean of one model over a half of every stratum; None where it has no answer in one of them.
fn mean(matrix: &ResponseMatrix, model: usize, halves: &[&[(usize, f64)]]) -> Option<f64> {
    let (mut sum, mut all) = (0.0, 0.0);
    for half in halves.iter().filter(|half| !half.is_empty()) {
        let (mut scores, mut answered, mut weight) = (0.0, 0.0, 0.0);
        for &(item, of_item) in *half {
            weight += of_item;
            if let Some(score) = matrix.get(model, item) {
                scores += of_item * score;
                answered += of_item;
            }
        }
        if answered <= 0.0 {
            return None;
        }
        sum += weight * scores / answered;
        all += weight;
    }
    (all > 0.0).then(|| sum / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_benchmark(items: usize) -> Vec<Stratum> {
        strata(&vec![1.0; items], &vec![0; items])
    }

    /// Models of abilities 0.1 to 0.9 on items that are alike.
    fn alike(models: usize, items: usize) -> ResponseMatrix {
        let mut stream = Stream::new(6, "alike", 0);
        let mut scores = Vec::new();
        for model in 0..models {
            let ability = 0.1 + 0.8 * model as f64 / (models - 1) as f64;
            scores.extend((0..items).map(|_| f32::from(u8::from(stream.uniform() < ability))));
        }
        ResponseMatrix::new(models, items, scores).unwrap()
    }

    #[test]
    fn kr_20_equals_the_value_worked_by_hand() {
        // Totals 3, 2, 1, 0 (variance 5/4); p = 3/4, 2/4, 1/4, so the sum of p q is 5/8:
        // KR-20 = 3/2 (1 - (5/8) / (5/4)) = 3/4.
        let scores = vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let result = reliability(&ResponseMatrix::new(4, 3, scores).unwrap()).unwrap();
        assert!((result.alpha.unwrap() - 0.75).abs() < 1e-12, "{result:?}");
        // Means 1, 2/3, 1/3, 0 have variance 5/27; SEM = sqrt(5/27 / 4).
        assert!((result.score_deviation - (5.0_f64 / 27.0).sqrt()).abs() < 1e-12);
        assert!((result.standard_error - (5.0_f64 / 108.0).sqrt()).abs() < 1e-12);
        // Twice as long: 2 x 0.75 / 1.75; and 0.9 needs 3 x (0.9 x 0.25) / (0.75 x 0.1) = 9 items.
        assert!((result.predicted(6).unwrap() - 1.5 / 1.75).abs() < 1e-12);
        assert_eq!(result.items_needed(0.9), Some(9));
    }

    #[test]
    fn gaps_hardly_move_alpha() {
        let full = alike(40, 60);
        let mut stream = Stream::new(7, "gaps", 0);
        let scores = (0..40 * 60)
            .map(|at| match stream.uniform() < 0.2 {
                true => f32::NAN,
                false => full.get(at / 60, at % 60).unwrap() as f32,
            })
            .collect();
        let gaps = reliability(&ResponseMatrix::new(40, 60, scores).unwrap()).unwrap();
        let whole = reliability(&full).unwrap();
        let (gaps, whole) = (gaps.standard_error, whole.standard_error);
        // Without the lost degrees of freedom it would be a tenth too small.
        assert!((gaps / whole - 1.0).abs() < 0.03, "{gaps} {whole}");
    }

    #[test]
    fn halves_and_subsets_agree_with_alpha() {
        let matrix = alike(40, 60);
        let whole = reliability(&matrix).unwrap();
        let halves =
            split_half(&matrix, &one_benchmark(60), 50, &mut Stream::new(1, "half", 0)).unwrap();
        assert_eq!(halves.splits, 50);
        assert!((halves.full - whole.alpha.unwrap()).abs() < 0.01, "{halves:?} {whole:?}");
        let first_half: Vec<f32> =
            (0..40 * 30).map(|at| matrix.get(at / 30, at % 30).unwrap() as f32).collect();
        let subset = reliability(&ResponseMatrix::new(40, 30, first_half).unwrap()).unwrap();
        let predicted = whole.predicted(30).unwrap();
        assert!((subset.alpha.unwrap() - predicted).abs() < 0.03, "{subset:?} {predicted}");
    }

    #[test]
    fn degenerate_matrices_have_no_alpha_or_are_errors() {
        let ones = ResponseMatrix::new(3, 4, vec![1.0; 12]).unwrap();
        let result = reliability(&ones).unwrap();
        assert_eq!((result.alpha, result.standard_error), (None, 0.0));
        assert_eq!((result.predicted(5), result.items_needed(0.8)), (None, None));
        assert_eq!(split_half(&ones, &one_benchmark(4), 3, &mut Stream::new(1, "half", 0)), None);
        let one_model = ResponseMatrix::new(1, 4, vec![1.0; 4]).unwrap();
        assert!(reliability(&one_model).is_err());
        let one_item = ResponseMatrix::new(3, 1, vec![1.0; 3]).unwrap();
        let error = StatsError::TooFewItems { what: "reliability", items: 1, missing: 0 };
        assert_eq!(reliability(&one_item), Err(error));
        assert_eq!(
            split_half(&one_item, &one_benchmark(1), 3, &mut Stream::new(1, "half", 0)),
            None
        );
    }
}
