//! Answers that changed, whatever the accuracy did.

use super::Answers;

/// How two models' answers agree, item by item, each item counted once.
///
/// Accuracy can stand still while many answers change, losses and gains cancelling; source: Dutta
/// et al., "Accuracy is not all you need", NeurIPS 2024, whose flips are `losses + gains`. An
/// answer is right from a score of one half on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flips {
    /// Items that both answered.
    pub items: usize,
    /// Right in the base, wrong in the variant.
    pub losses: usize,
    /// Wrong in the base, right in the variant.
    pub gains: usize,
    /// Right in both.
    pub both_right: usize,
    /// Items whose score differs at all; more than the flips for graded scores.
    pub changed: usize,
}

impl Flips {
    pub(super) fn count(answers: &Answers<'_>) -> Self {
        let mut flips =
            Self { items: answers.base.len(), losses: 0, gains: 0, both_right: 0, changed: 0 };
        for (&base, &variant) in answers.base.iter().zip(answers.variant) {
            flips.changed += usize::from(base != variant);
            match (base >= 0.5, variant >= 0.5) {
                (true, false) => flips.losses += 1,
                (false, true) => flips.gains += 1,
                (true, true) => flips.both_right += 1,
                (false, false) => {}
            }
        }
        flips
    }

    /// Share of items that flipped.
    pub fn share(&self) -> f64 {
        (self.losses + self.gains) as f64 / self.items as f64
    }

    /// Share of items that are right in both or wrong in both.
    pub fn agreement(&self) -> f64 {
        1.0 - self.share()
    }

    /// Cohen's kappa (1960): agreement beyond that of independent answers, over the most there
    /// could be. None when both models give one and the same answer everywhere.
    pub fn kappa(&self) -> Option<f64> {
        let items = self.items as f64;
        let base = (self.both_right + self.losses) as f64 / items;
        let variant = (self.both_right + self.gains) as f64 / items;
        let chance = base * variant + (1.0 - base) * (1.0 - variant);
        (chance < 1.0).then(|| (self.agreement() - chance) / (1.0 - chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kappa_equals_the_textbook_example() {
        // 50 items: both right 20, base only 5, variant only 10, both wrong 15: agreement 0.7,
        // chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5, kappa 0.4.
        let flips = Flips { items: 50, losses: 5, gains: 10, both_right: 20, changed: 15 };
        assert!((flips.kappa().unwrap() - 0.4).abs() < 1e-12);
        assert!((flips.share() - 0.3).abs() < 1e-12);
    }

    #[test]
    fn equal_accuracy_does_not_hide_changed_answers() {
        let (base, variant) = ([1.0, 0.0, 0.8, 1.0], [0.0, 1.0, 0.6, 1.0]);
        let flips = Flips::count(&Answers {
            base: &base,
            variant: &variant,
            weights: &[0.25; 4],
            clusters: None,
        });
        let expected = Flips { items: 4, losses: 1, gains: 1, both_right: 2, changed: 3 };
        assert_eq!(flips, expected);
        assert_eq!(
            Flips { items: 3, losses: 0, gains: 0, both_right: 3, changed: 0 }.kappa(),
            None
        );
    }
}
