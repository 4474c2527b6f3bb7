//! The independent units of a comparison: items, or the parents that items share.

use std::collections::BTreeMap;

use super::Answers;

/// Weighted sums over the items of one unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unit {
    pub weight: f64,
    pub base: f64,
    pub variant: f64,
    pub base_squared: f64,
    pub product: f64,
}

impl Unit {
    /// Weight times mean difference of the unit.
    pub(super) fn total(&self) -> f64 {
        self.variant - self.base
    }

    /// Variant minus base, averaged over the unit.
    pub(super) fn difference(&self) -> f64 {
        self.total() / self.weight
    }

    fn plus(self, other: Self) -> Self {
        Self {
            weight: self.weight + other.weight,
            base: self.base + other.base,
            variant: self.variant + other.variant,
            base_squared: self.base_squared + other.base_squared,
            product: self.product + other.product,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            weight: self.weight - other.weight,
            base: self.base - other.base,
            variant: self.variant - other.variant,
            base_squared: self.base_squared - other.base_squared,
            product: self.product - other.product,
        }
    }
}

/// Units whose weights sum to one; those without weight are left out.
#[derive(Debug, Clone)]
pub(super) struct Units {
    pub units: Vec<Unit>,
    /// Position of each unit's item among the answers; empty for clusters.
    positions: Vec<usize>,
}

impl Units {
    pub(super) fn of_items(answers: &Answers<'_>, weights: &[f64]) -> Self {
        let positions: Vec<usize> = (0..weights.len()).filter(|&at| weights[at] > 0.0).collect();
        let unit = |&at: &usize| {
            let (weight, base, variant) = (weights[at], answers.base[at], answers.variant[at]);
            Unit {
                weight,
                base: weight * base,
                variant: weight * variant,
                base_squared: weight * base * base,
                product: weight * base * variant,
            }
        };
        Self { units: positions.iter().map(unit).collect(), positions }
    }

    /// Items joined by parent, in order of the parents' numbers.
    pub(super) fn of_clusters(items: &Self, clusters: &[u32]) -> Self {
        let mut joined: BTreeMap<u32, Unit> = BTreeMap::new();
        for (unit, &at) in items.units.iter().zip(&items.positions) {
            let parent = joined.entry(clusters[at]).or_default();
            *parent = parent.plus(*unit);
        }
        Self { units: joined.into_values().collect(), positions: Vec::new() }
    }

    pub(super) fn count(&self) -> f64 {
        self.units.len() as f64
    }

    pub(super) fn sum(&self) -> Unit {
        self.units.iter().fold(Unit::default(), |sum, unit| sum.plus(*unit))
    }

    pub(super) fn weighted_differences(&self) -> Vec<f64> {
        self.units.iter().map(Unit::total).collect()
    }

    /// Number of equally weighted units that would give a mean as precise: 1 / sum of squared
    /// weights (Kish, *Survey Sampling*, 1965, sec. 11.7).
    pub(super) fn effective_count(&self) -> f64 {
        1.0 / self.units.iter().map(|unit| unit.weight * unit.weight).sum::<f64>()
    }
}
