//! How the expected score on each item rises with a model's overall score.

use crate::matrix::CompleteMatrix;

/// Newton steps; the fits settle in about eight, awkward ones in some twenty.
const STEPS: usize = 50;
/// Prior of the slopes, in logits of item score per logit of overall score: an average item has 1.
const SLOPE_MEAN: f64 = 1.0;
const SLOPE_VARIANCE: f64 = 0.25;
/// Prior variance of the intercepts in squared logits: an item may well be solved by no source.
const INTERCEPT_VARIANCE: f64 = 9.0;

/// One logistic curve an item over the logit of the overall score.
///
/// The ability of a model is its overall score itself, not a latent variable, so that "stronger than
/// every source" has a direction that no source panel can turn round, and the curves go on beyond the
/// strongest source.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// Logit of each source's overall score minus `centre`.
    pub levels: Vec<f64>,
    /// Mean logit of the sources' overall scores.
    pub centre: f64,
    /// Logits of item score per logit of overall score, one an item.
    pub slopes: Vec<f64>,
    /// Logit of the expected score of a model at `centre`, one an item.
    pub intercepts: Vec<f64>,
}

impl Curves {
    /// Fits every item by Newton's method on the penalised likelihood (logistic regression with
    /// Gaussian priors; graded scores enter as fractions of a success).
    ///
    /// Overall scores are kept half an item away from 0 and 1.
    pub fn fit(sources: &CompleteMatrix, full_scores: &[f64]) -> Self {
        let margin = 0.5 / sources.items() as f64;
        let logits: Vec<f64> = full_scores
            .iter()
            .map(|score| logit(score.clamp(margin, (1.0 - margin).max(margin))))
            .collect();
        let centre = logits.iter().sum::<f64>() / logits.len() as f64;
        let levels: Vec<f64> = logits.iter().map(|logit| logit - centre).collect();
        let (mut slopes, mut intercepts) = (Vec::new(), Vec::new());
        for item in 0..sources.items() {
            let (slope, intercept) =
                fit_item(&levels, sources.item(item), sources.item_means()[item]);
            slopes.push(slope);
            intercepts.push(intercept);
        }
        Self { levels, centre, slopes, intercepts }
    }

    /// Expected score on `item` of a model whose overall score has this logit (above `centre`).
    pub fn at(&self, item: usize, level: f64) -> f64 {
        logistic(self.slopes[item] * level + self.intercepts[item])
    }

    /// Observed variance about the curves over the variance p (1 - p) of 0/1 answers, at most 1.
    pub fn dispersion(&self, sources: &CompleteMatrix) -> f64 {
        let (mut squares, mut spreads) = (0.0, 0.0);
        for item in 0..sources.items() {
            for (level, score) in self.levels.iter().zip(sources.item(item)) {
                let expected = self.at(item, *level);
                squares += (score - expected) * (score - expected);
                spreads += expected * (1.0 - expected);
            }
        }
        if spreads > 0.0 { (squares / spreads).min(1.0) } else { 1.0 }
    }

    /// The level below which the share `share` of the sources lies, interpolated.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.levels.clone();
        sorted.sort_by(f64::total_cmp);
        let place = share * (sorted.len() - 1) as f64;
        let below = place as usize;
        let above = (below + 1).min(sorted.len() - 1);
        sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
    }
}

fn fit_item(levels: &[f64], scores: &[f64], mean: f64) -> (f64, f64) {
    let margin = 0.5 / scores.len() as f64;
    let (mut slope, mut intercept) =
        (SLOPE_MEAN, logit(mean.clamp(margin, (1.0 - margin).max(margin))));
    // Shortened once steps stop shrinking: full ones can go back and forth for ever.
    let (mut part, mut last) = (1.0, f64::INFINITY);
    for _ in 0..STEPS {
        let mut gradient =
            [-(slope - SLOPE_MEAN) / SLOPE_VARIANCE, -intercept / INTERCEPT_VARIANCE];
        let mut hessian = [1.0 / SLOPE_VARIANCE, 0.0, 1.0 / INTERCEPT_VARIANCE];
        for (level, score) in levels.iter().zip(scores) {
            let expected = logistic(slope * level + intercept);
            let (error, spread) = (score - expected, expected * (1.0 - expected));
            gradient[0] += level * error;
            gradient[1] += error;
            hessian[0] += level * level * spread;
            hessian[1] += level * spread;
            hessian[2] += spread;
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        let step = [
            (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
            (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
        ];
        let length = step[0].abs() + step[1].abs();
        if length >= last {
            part /= 2.0;
        }
        last = length;
        // Bounded, because the first steps from the priors can overshoot.
        slope += part * step[0].clamp(-1.0, 1.0);
        intercept += part * step[1].clamp(-2.0, 2.0);
        if step[0].abs() < 1e-9 && step[1].abs() < 1e-9 {
            break;
        }
    }
    (slope, intercept)
}

fn logit(share: f64) -> f64 {
    libm::log(share / (1.0 - share))
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

#[cfg(test)]
mod tests;
