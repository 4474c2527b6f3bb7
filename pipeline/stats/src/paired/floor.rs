//! What may have been missed: half widths that do not vanish when nothing disagreed.

use super::units::{Unit, Units};
use crate::distribution;

/// Limits of the difference from exact limits of the shares that gained and that lost.
///
/// Gains and losses are counted as binomial; each share has its Clopper-Pearson limits (Clopper and
/// Pearson, Biometrika 26, 1934), and the limits of the difference follow by recovering variances
/// from them (Newcombe, Statistics in Medicine 17, 1998, method 10 without its correlation term;
/// Zou and Donner, Statistics in Medicine 27, 2008). Nothing changed among n units therefore still
/// leaves 1 - (alpha)^(1/n) on either side, the rule of three.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Floor {
    centre: f64,
    gained: Share,
    lost: Share,
}

/// A share of changed units, and what it contributes to the difference.
#[derive(Debug, Clone, PartialEq)]
struct Share {
    /// Difference if all units changed.
    scale: f64,
    observed: f64,
    units: f64,
    /// Factor of both distances for what has been seen of a finite population.
    unseen: f64,
}

impl Share {
    /// How far the lower and the upper limit lie from what was observed.
    fn distances(&self, alpha: f64) -> (f64, f64) {
        let (lower, upper) = clopper_pearson(self.observed, self.units, alpha);
        let scale = self.scale * self.unseen;
        (scale * (self.observed - lower), scale * (upper - self.observed))
    }
}

impl Floor {
    /// From all units together; `sampled` is the share of the population that has been answered.
    ///
    /// A changed unit counts by the mean size of a change, which is pulled towards the largest one
    /// there can be, 1, the fewer changes were seen: as 1 / (changes + 1)^2. For 0/1 items it is 1.
    pub(super) fn pooled(units: &Units, sampled: f64) -> Self {
        let (mut gained, mut lost, mut sizes, mut changed) = (0.0, 0.0, 0.0, 0.0);
        for unit in &units.units {
            let difference = unit.difference();
            if difference > 0.0 {
                gained += unit.weight;
            } else if difference < 0.0 {
                lost += unit.weight;
            }
            if difference != 0.0 {
                sizes += difference.abs();
                changed += 1.0;
            }
        }
        let mean = if changed > 0.0 { sizes / changed } else { 1.0 };
        let share = |observed| Share {
            scale: mean + (1.0 - mean) / ((changed + 1.0) * (changed + 1.0)),
            observed,
            units: units.effective_count(),
            unseen: unseen_share(sampled),
        };
        Self { centre: units.sum().total(), gained: share(gained), lost: share(lost) }
    }

    /// From 0/1 items whose base is right on a share `full` of the population: losses are a share
    /// of the items that the base has right, gains of those that it has wrong, so neither can
    /// exceed its part (post-stratification; Cochran, *Sampling Techniques*, 5A.9).
    pub(super) fn by_base(items: &Units, full: f64, population: Option<f64>) -> Self {
        let part = |base_right: bool| {
            let scale = if base_right { full } else { 1.0 - full };
            let chosen = |unit: &&Unit| (unit.base > 0.0) == base_right;
            let (mut weight, mut squares, mut changed, mut count) = (0.0, 0.0, 0.0, 0.0);
            for unit in items.units.iter().filter(chosen) {
                weight += unit.weight;
                squares += unit.weight * unit.weight;
                changed += unit.total().abs();
                count += 1.0;
            }
            // A part without items has nothing to change, whatever was seen of it.
            let sampled = match population {
                Some(population) if scale > 0.0 => count / (scale * population),
                _ => 0.0,
            };
            Share {
                scale,
                observed: if weight > 0.0 { changed / weight } else { 0.0 },
                units: if weight > 0.0 { weight * weight / squares } else { 0.0 },
                unseen: unseen_share(sampled),
            }
        };
        let (lost, gained) = (part(true), part(false));
        let centre = gained.scale * gained.observed - lost.scale * lost.observed;
        Self { centre, gained, lost }
    }

    /// Lower and upper limit of the difference, each with error `alpha`.
    pub(super) fn limits(&self, alpha: f64) -> (f64, f64) {
        let (gained_below, gained_above) = self.gained.distances(alpha);
        let (lost_below, lost_above) = self.lost.distances(alpha);
        (
            self.centre - libm::hypot(gained_below, lost_above),
            self.centre + libm::hypot(gained_above, lost_below),
        )
    }
}

/// How much narrower a bound is when the share `sampled` of a finite population has been seen.
///
/// If none of the sampled items changed, M changed items stay unseen with probability (1 - f)^M, so
/// M / N is at most ln(1/alpha) / N / -ln(1 - f); an unlimited population has ln(1/alpha) / k. The
/// ratio is f / -ln(1 - f), never below the sqrt(1 - f) of a standard error.
fn unseen_share(sampled: f64) -> f64 {
    if sampled <= 0.0 {
        1.0
    } else if sampled >= 1.0 {
        0.0
    } else {
        sampled / -libm::log1p(-sampled)
    }
}

/// Lower and upper limit of a share, each with error `alpha`, from a share observed in `count`
/// units; 0 and 1 without any.
pub(super) fn clopper_pearson(share: f64, count: f64, alpha: f64) -> (f64, f64) {
    if count <= 0.0 {
        return (0.0, 1.0);
    }
    // A sum of weights may miss a whole number by a rounding error.
    let whole = |value: f64| {
        if (value - value.round()).abs() < 1e-9 * count { value.round() } else { value }
    };
    let count = whole(count);
    let hits = whole((share * count).clamp(0.0, count));
    let misses = count - hits;
    let lower = if hits > 0.0 { beta_quantile(alpha, hits, misses + 1.0) } else { 0.0 };
    let upper = if misses > 0.0 { beta_quantile(1.0 - alpha, hits + 1.0, misses) } else { 1.0 };
    (lower.min(share), upper.max(share))
}

/// The point where the incomplete beta function reaches `probability`, to 2^-50.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        let below = distribution::incomplete_beta(middle, a, b) < probability;
        *(if below { &mut low } else { &mut high }) = middle;
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clopper_pearson_equals_its_closed_forms_and_a_published_value() {
        // No hits: 1 - alpha^(1/n), the rule of three.
        let (lower, upper) = clopper_pearson(0.0, 100.0, 0.05);
        assert_eq!(lower, 0.0);
        assert!((upper - (1.0 - libm::pow(0.05, 0.01))).abs() < 1e-12, "{upper}");
        // Agresti and Coull (1998): 5 hits of 10 at 95 %: 0.187 to 0.813.
        let (lower, upper) = clopper_pearson(0.5, 10.0, 0.025);
        assert!((lower - 0.1871).abs() < 5e-5 && (upper - 0.8129).abs() < 5e-5, "{lower} {upper}");
    }

    #[test]
    fn the_unseen_share_bounds_a_finite_population() {
        // 182 items, 50 seen, none changed: the largest M with C(182-M, 50) / C(182, 50) >= 0.025.
        let mut probability = 1.0;
        let mut changed = 0.0;
        while probability >= 0.025 {
            probability *= (182.0 - 50.0 - changed) / (182.0 - changed);
            changed += 1.0;
        }
        let exact = (changed - 1.0) / 182.0;
        let bound = clopper_pearson(0.0, 50.0, 0.025).1 * unseen_share(50.0 / 182.0);
        assert!(bound >= exact && bound < exact + 1.0 / 182.0, "{bound} {exact}");
    }
}
