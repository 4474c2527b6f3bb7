//! What a number of items can show, before or after it is answered.

use super::{check_level, in_range};
use crate::{StatsError, distribution};

/// A comparison on paired 0/1 items, planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Share of items on which the two models disagree, in (0, 1].
    pub disagreement: f64,
    /// Level of the two-sided test, as confidence: 0.95 for 5 %.
    pub level: f64,
    /// Probability of finding a difference of that size, in [0.5, 1).
    pub power: f64,
    /// Variance of the difference over that of independent items; 1 without clusters.
    pub design_effect: f64,
}

impl Plan {
    /// 80 % power at the 5 % level, items independent.
    pub fn usual(disagreement: f64) -> Self {
        Self { disagreement, level: 0.95, power: 0.8, design_effect: 1.0 }
    }

    /// Smallest true difference that `items` items detect: (z_level + z_power) sqrt(p / k).
    ///
    /// Source: Connor, "Sample size for testing differences in proportions for the paired-sample
    /// design", Biometrics 43 (1987), with the variance p of the null hypothesis throughout. A
    /// difference cannot exceed the disagreement rate: a larger result means that the items show
    /// nothing at this rate. Finite populations and the exact limits for few flips are ignored, so
    /// it is a first reckoning.
    pub fn minimum_detectable(&self, items: usize) -> Result<f64, StatsError> {
        if items == 0 {
            return Err(StatsError::BudgetZero);
        }
        Ok((self.squared_factor()? / items as f64).sqrt())
    }

    /// Number of items that detect a true difference of that size.
    pub fn items_needed(&self, difference: f64) -> Result<u64, StatsError> {
        let valid = difference > 0.0 && difference <= 1.0;
        in_range("difference", "(0, 1]", difference, valid)?;
        let items = self.squared_factor()? / (difference * difference);
        Ok(items.ceil() as u64)
    }

    /// (z_level + z_power)^2 times the variance of one item's difference.
    fn squared_factor(&self) -> Result<f64, StatsError> {
        check_level(self.level)?;
        let rate = self.disagreement;
        in_range("disagreement", "(0, 1]", rate, rate > 0.0 && rate <= 1.0)?;
        in_range("power", "[0.5, 1)", self.power, (0.5..1.0).contains(&self.power))?;
        let effect = self.design_effect;
        in_range("design effect", "(0, infinity)", effect, effect > 0.0 && effect.is_finite())?;
        let z = distribution::normal_critical(self.level)
            + distribution::normal_critical(2.0 * self.power - 1.0);
        Ok(z * z * rate * effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_per_cent_disagreement_needs_thousands_of_items_for_a_point() {
        let plan = Plan::usual(0.05);
        let detectable = plan.minimum_detectable(100).unwrap();
        assert!((detectable - 0.063).abs() < 0.0005, "{detectable}");
        // (1.95996 + 0.84162)^2 x 0.05 / 0.01^2 = 3924.4.
        assert_eq!(plan.items_needed(0.01), Ok(3_925));
    }

    #[test]
    fn needed_items_detect_the_difference_and_one_less_does_not() {
        let plan = Plan { design_effect: 1.7, ..Plan::usual(0.2) };
        let items = plan.items_needed(0.05).unwrap() as usize;
        assert!(plan.minimum_detectable(items).unwrap() <= 0.05);
        assert!(plan.minimum_detectable(items - 1).unwrap() > 0.05);
    }

    #[test]
    fn senseless_plans_are_errors() {
        assert!(Plan::usual(0.0).minimum_detectable(10).is_err());
        assert!(Plan::usual(0.1).items_needed(f64::NAN).is_err());
        assert_eq!(Plan::usual(0.1).minimum_detectable(0), Err(StatsError::BudgetZero));
        assert!(Plan { power: 1.0, ..Plan::usual(0.1) }.items_needed(0.1).is_err());
    }
}
