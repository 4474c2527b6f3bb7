//! From the answers on a subset to the target mean, through the abilities of the model.

use super::{
    FitSettings, ItemResponseModel,
    ability::{AbilityPrior, Answers, ItemCurves},
    check_answers, check_items, check_target, fit,
};
use crate::{
    StatsError,
    linalg::dot,
    matrix::{ResponseMatrix, Target},
    rng::Stream,
    select::Subset,
};

/// One source in this many is held out of the second fit.
const HELD_OUT_SHARE: usize = 5;
/// At least this many sources are held out.
const HELD_OUT_LEAST: usize = 3;

/// The costly part of gp-IRT, done once for all subsets of one set of sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Fitted on all sources.
    pub model: ItemResponseModel,
    /// Fitted on the sources that are not held out.
    pub cross_model: ItemResponseModel,
    /// Sources (rows) that `cross_model` has not seen, ascending.
    pub held_out: Vec<usize>,
}

impl Calibration {
    /// Fits both models; a random fifth of the sources, at least three, is held out. Scores weigh by
    /// their numbers of trials, where the matrix has them.
    ///
    /// Needs six sources.
    pub fn fit(
        responses: &ResponseMatrix,
        settings: &FitSettings,
        stream: &mut Stream,
    ) -> Result<Self, StatsError> {
        let models = responses.models();
        if models < 2 * HELD_OUT_LEAST {
            let needed = 2 * HELD_OUT_LEAST;
            return Err(StatsError::TooFewModels { what: "gp-irt", needed, got: models });
        }
        let mut order: Vec<usize> = (0..models).collect();
        stream.shuffle(&mut order);
        let mut kept = order.split_off((models / HELD_OUT_SHARE).max(HELD_OUT_LEAST));
        kept.sort_unstable();
        order.sort_unstable();
        let crossed = responses.select_models(&kept)?;
        Ok(Self {
            model: fit(responses, responses.trials(), settings)?,
            cross_model: fit(&crossed, crossed.trials(), settings)?,
            held_out: order,
        })
    }
}

/// p-IRT: answers where there are any, expected scores elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct PIrt {
    /// Curves of the subset's items, in its order.
    pub answered: ItemCurves,
    /// Their weights in the target.
    pub answered_weights: Vec<f64>,
    /// Curves of all other items that count.
    pub rest: ItemCurves,
    /// Their weights in the target.
    pub rest_weights: Vec<f64>,
    /// Of the abilities, whose posterior mode the answers give.
    pub prior: AbilityPrior,
}

impl PIrt {
    /// For answers on the items of `subset`; its weights play no part.
    pub fn new(
        model: &ItemResponseModel,
        target: &Target,
        subset: &Subset,
        prior: AbilityPrior,
    ) -> Result<Self, StatsError> {
        check_target(model, target)?;
        check_items(model, &subset.items)?;
        let weights = target.weights();
        let counts =
            |item: &usize| weights[*item] > 0.0 && subset.items.binary_search(item).is_err();
        let rest: Vec<usize> = (0..model.items()).filter(counts).collect();
        let of = |items: &[usize]| items.iter().map(|&item| weights[item]).collect();
        Ok(Self {
            answered: ItemCurves::new(model, &subset.items),
            answered_weights: of(&subset.items),
            rest: ItemCurves::new(model, &rest),
            rest_weights: of(&rest),
            prior,
        })
    }

    /// The estimated target mean in [0, 1], from one answer a subset item, NaN where there is none.
    pub fn estimate(&self, answers: &[f64]) -> Result<f64, StatsError> {
        check_answers(self.answered_weights.len(), answers)?;
        let theta = self.answered.map(&Answers::new(answers), self.prior)?.theta;
        let expected = self.answered.expected_scores(&theta);
        let filled: Vec<f64> = answers
            .iter()
            .zip(expected)
            .map(|(answer, expected)| if answer.is_nan() { expected } else { *answer })
            .collect();
        let rest = self.rest.expected_scores(&theta);
        Ok(dot(&self.answered_weights, &filled) + dot(&self.rest_weights, &rest))
    }
}

/// gp-IRT: between p-IRT, which may be biased, and the weighted mean of the answers, which varies.
#[derive(Debug, Clone, PartialEq)]
pub struct GpIrt {
    /// The model-based part.
    pub p_irt: PIrt,
    /// Of the mean of the answers, one a subset item.
    pub weights: Vec<f64>,
    /// Share of the weighted mean.
    pub lambda: f64,
}

impl GpIrt {
    /// For answers on the items of `subset`, whose weights are those of the mean of the answers.
    ///
    /// `responses` are the sources that `calibration` was fitted on. The share of the weighted mean
    /// is bias^2 / (bias^2 + variance): the bias is the mean absolute error of p-IRT on the held-out
    /// sources, the variance that of an item's score over the sources times the sum of squared
    /// weights. Source: Polo et al., "tinyBenchmarks", ICML (2024).
    pub fn new(
        calibration: &Calibration,
        responses: &ResponseMatrix,
        target: &Target,
        subset: &Subset,
        prior: AbilityPrior,
    ) -> Result<Self, StatsError> {
        let (models, items) = (calibration.model.models(), calibration.model.items());
        if (responses.models(), responses.items()) != (models, items) {
            let got = responses.models() * responses.items();
            return Err(StatsError::Shape { models, items, got });
        }
        let cross = PIrt::new(&calibration.cross_model, target, subset, prior)?;
        let full = responses.full_scores(target);
        let (mut sum, mut count) = (0.0, 0.0);
        for &model in &calibration.held_out {
            let answers: Vec<f64> = subset
                .items
                .iter()
                .map(|&item| responses.get(model, item).unwrap_or(f64::NAN))
                .collect();
            let error = cross.estimate(&answers)? - full[model];
            if !error.is_nan() {
                sum += error.abs();
                count += 1.0;
            }
        }
        let bias: f64 = sum / f64::max(count, 1.0);
        let variance = mean_variance(responses, target) * dot(&subset.weights, &subset.weights);
        let share = bias * bias / (bias * bias + variance);
        Ok(Self {
            p_irt: PIrt::new(&calibration.model, target, subset, prior)?,
            weights: subset.weights.clone(),
            lambda: if share.is_nan() { 0.0 } else { share },
        })
    }

    /// The estimated target mean in [0, 1], from one answer a subset item, NaN where there is none.
    pub fn estimate(&self, answers: &[f64]) -> Result<f64, StatsError> {
        let mean = weighted_mean(&self.weights, answers);
        let p_irt = self.p_irt.estimate(answers)?;
        Ok(mean.map_or(p_irt, |mean| self.lambda * mean + (1.0 - self.lambda) * p_irt))
    }
}

/// Mean over the answers there are; None without any weight.
fn weighted_mean(weights: &[f64], answers: &[f64]) -> Option<f64> {
    let present = weights.iter().zip(answers).filter(|(_, answer)| !answer.is_nan());
    let (sum, total) =
        present.fold((0.0, 0.0), |(sum, total), (w, answer)| (sum + w * answer, total + w));
    (total > 0.0).then(|| sum / total)
}

/// Variance of an item's score over the sources, averaged over the target.
fn mean_variance(responses: &ResponseMatrix, target: &Target) -> f64 {
    let of = |item: usize| {
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for score in (0..responses.models()).filter_map(|model| responses.get(model, item)) {
            sum += score;
            squares += score * score;
            count += 1.0;
        }
        if count > 0.0 {
            f64::max(squares / count - (sum / count) * (sum / count), 0.0)
        } else {
            0.0
        }
    };
    target.weights().iter().enumerate().map(|(item, weight)| weight * of(item)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        interval::StreamKey,
        irt::{Family, simulation::simulate},
        select::{SelectionMethod, select},
        sources::Sources,
    };

    const PRIOR: AbilityPrior = AbilityPrior::NEW_MODEL;

    fn answers(responses: &ResponseMatrix, model: usize, items: &[usize]) -> Vec<f64> {
        items.iter().map(|&item| responses.get(model, item).unwrap()).collect()
    }

    #[test]
    fn all_answers_give_the_target_mean_itself() {
        let truth = simulate(30, 20, 1);
        let groups: Vec<u32> = (0..20).map(|item| u32::from(item > 14)).collect();
        let target = Target::grouped(&groups, &[1.0, 1.0]).unwrap();
        let full = truth.responses.full_scores(&target);
        let settings = FitSettings::new(Family::TwoParameter);
        let model = fit(&truth.responses, None, &settings).unwrap();
        let items: Vec<usize> = (0..20).collect();
        let subset = Subset { items: items.clone(), weights: vec![0.05; 20] };
        let p_irt = PIrt::new(&model, &target, &subset, PRIOR).unwrap();
        for source in [0, 7, 29] {
            let estimate = p_irt.estimate(&answers(&truth.responses, source, &items)).unwrap();
            assert!((estimate - full[source]).abs() < 1e-12);
        }
    }

    #[test]
    fn few_answers_estimate_new_models_better_than_their_mean() {
        let truth = simulate(120, 150, 1);
        let target = Target::uniform(150).unwrap();
        let rows = |range: std::ops::Range<usize>| range.collect::<Vec<usize>>();
        let sources = truth.responses.select_models(&rows(0..80)).unwrap();
        let new = truth.responses.select_models(&rows(80..120)).unwrap();
        let settings = FitSettings::new(Family::TwoParameter);
        let mut stream = Stream::new(5, "calibration", 0);
        let calibration = Calibration::fit(&sources, &settings, &mut stream).unwrap();
        assert_eq!(calibration.held_out.len(), 16);
        assert_eq!(calibration.cross_model.models(), 64);
        let pool: Vec<usize> = (0..150).collect();
        let key = StreamKey { seed: 5, label: "anchors" };
        let panel = Sources::new(&sources, &target, &pool, key).unwrap();
        let anchors = SelectionMethod::IrtAnchors { dimensions: 1 };
        let full = new.full_scores(&target);
        let (mut by_irt, mut by_mean) = (0.0, 0.0);
        // One set of anchors is one draw; the mean over many is what the method does.
        for _ in 0..20 {
            let subset = select(anchors, &panel, 12, &mut stream).unwrap();
            let gp_irt = GpIrt::new(&calibration, &sources, &target, &subset, PRIOR).unwrap();
            assert!(gp_irt.lambda > 0.0 && gp_irt.lambda < 0.5, "{}", gp_irt.lambda);
            for (row, full) in full.iter().enumerate() {
                let answers = answers(&new, row, &subset.items);
                by_irt += (gp_irt.estimate(&answers).unwrap() - full).abs() / 800.0;
                by_mean += (dot(&subset.weights, &answers) - full).abs() / 800.0;
            }
        }
        assert!(by_irt < 0.9 * by_mean, "{by_irt} {by_mean}");
    }

    #[test]
    fn gaps_and_perfect_answers_give_estimates_in_range() {
        let truth = simulate(20, 30, 2);
        let target = Target::uniform(30).unwrap();
        let settings = FitSettings::new(Family::Multidimensional { dimensions: 2 });
        let mut stream = Stream::new(5, "calibration", 0);
        let calibration = Calibration::fit(&truth.responses, &settings, &mut stream).unwrap();
        let subset = Subset { items: vec![2, 9, 20], weights: vec![0.5, 0.25, 0.25] };
        let gp_irt = GpIrt::new(&calibration, &truth.responses, &target, &subset, PRIOR).unwrap();
        let of = |answers: [f64; 3]| gp_irt.estimate(&answers).unwrap();
        let none = of([f64::NAN; 3]);
        let (worst, best) = (of([0.0; 3]), of([1.0; 3]));
        assert!(0.0 < worst && worst < none && none < best && best < 1.0, "{worst} {none} {best}");
        assert!(of([1.0, f64::NAN, 1.0]) > none);
        let error = gp_irt.estimate(&[1.0]).unwrap_err();
        assert_eq!(error, StatsError::Shape { models: 1, items: 3, got: 1 });
    }

    #[test]
    fn too_few_sources_are_an_error() {
        let truth = simulate(5, 4, 1);
        let settings = FitSettings::new(Family::TwoParameter);
        let error =
            Calibration::fit(&truth.responses, &settings, &mut Stream::new(1, "c", 0)).unwrap_err();
        assert_eq!(error, StatsError::TooFewModels { what: "gp-irt", needed: 6, got: 5 });
    }
}
