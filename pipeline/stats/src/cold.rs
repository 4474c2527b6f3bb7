//! Estimation where no model has answered anything yet; see [`select_cold`](crate::select::select_cold).

use crate::{
    StatsError,
    estimate::{EstimatorMethod, Fitted, LinearEstimator},
    interval::Intervals,
    matrix::Target,
    procedure::Procedure,
    select::Subset,
};

/// The estimator of a subset and its intervals, without results.
///
/// Items that were drawn at random have design intervals. Of others nothing is known but what the
/// answers themselves settle: [`Intervals::Bounds`], which are wide, and true. Errors with
/// [`StatsError::NeedsResults`] for an estimator that learns from results.
pub fn fit_cold(
    procedure: Procedure,
    target: &Target,
    subset: &Subset,
) -> Result<(Fitted, Intervals), StatsError> {
    let count = subset.items.len();
    let weights = match procedure.estimator {
        EstimatorMethod::Mean => vec![1.0 / count as f64; count],
        EstimatorMethod::WeightedMean => subset.weights.clone(),
        other => return Err(StatsError::NeedsResults { method: other.name() }),
    };
    let of_target = || subset.items.iter().map(|&item| target.weights()[item]).collect();
    let intervals = Intervals::own(procedure).unwrap_or_else(|| Intervals::Bounds(of_target()));
    Ok((Fitted::Linear(LinearEstimator { intercept: 0.0, weights }), intervals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Answers;

    fn fitted(name: &str) -> Result<(Fitted, Intervals), StatsError> {
        let subset = Subset { items: vec![0, 2], weights: vec![0.75, 0.25] };
        let target = Target::grouped(&[0, 0, 1], &[1.0, 3.0]).unwrap();
        fit_cold(Procedure::from_name(name).unwrap(), &target, &subset)
    }

    #[test]
    fn random_items_have_design_intervals_and_others_what_is_certain() {
        let (mean, intervals) = fitted("embedding-strata+mean").unwrap();
        assert_eq!((mean.estimate(&[1.0, 0.0]), intervals), (Ok(0.5), Intervals::Design));

        let (weighted, intervals) = fitted("embedding-anchors+weighted-mean").unwrap();
        assert_eq!(weighted.estimate(&[1.0, 0.0]), Ok(0.75));
        // Items weigh 1/8, 1/8 and 3/4 in the target: one right and one wrong leave 1/8 open.
        let answers = Answers { filled: &[1.0, 0.0], answered: &[1.0, 0.0] };
        let certain = intervals.interval(&weighted, answers, 3).unwrap();
        assert_eq!((certain.lower, certain.upper), (0.125, 0.25));
    }

    #[test]
    fn an_estimator_that_learns_is_refused() {
        let method = "ridge".to_owned();
        assert_eq!(fitted("random+ridge").unwrap_err(), StatsError::NeedsResults { method });
    }
}
