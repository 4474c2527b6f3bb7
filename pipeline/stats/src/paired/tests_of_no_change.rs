//! Tests of "the variant answers neither better nor worse", independent of any estimator.

use crate::{distribution, rng::Stream};

/// Up to that many changed units all sign patterns are enumerated.
const ENUMERATED_UNITS: usize = 16;
const DRAWS: u32 = 9_999;

/// McNemar's test by the exact binomial distribution of losses among all flips.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Two-sided exact p value: never rejects too often.
    pub exact: f64,
    /// Two-sided mid-p value: nearer to the nominal level, hardly ever above it.
    pub mid_p: f64,
}

/// McNemar's test for independent items with 0/1 scores.
///
/// Source: Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data", BMC
/// Medical Research Methodology 13 (2013) 91, eq. 2 and 3. Without flips both p values are 1.
pub fn mcnemar(losses: usize, gains: usize) -> McNemar {
    let flips = (losses + gains) as f64;
    let fewer = losses.min(gains) as f64;
    if losses == gains {
        let point = if flips > 0.0 { binomial_half(fewer, flips) } else { 0.0 };
        return McNemar { exact: 1.0, mid_p: 1.0 - point };
    }
    // P(X <= x) of a fair binomial is I_1/2(n - x, x + 1).
    let exact = 2.0 * distribution::incomplete_beta(0.5, flips - fewer, fewer + 1.0);
    McNemar { exact: exact.min(1.0), mid_p: exact - binomial_half(fewer, flips) }
}

/// P(X = x) of a fair binomial with n draws.
fn binomial_half(x: f64, n: f64) -> f64 {
    let log_choices = libm::lgamma(n + 1.0) - libm::lgamma(x + 1.0) - libm::lgamma(n - x + 1.0);
    libm::exp(log_choices - n * std::f64::consts::LN_2)
}

/// Result of a sign-flip test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// Two-sided p value.
    pub p: f64,
    /// Units with a difference; their number n bounds the p value from below by 2 / 2^n.
    pub changed_units: usize,
    /// Whether all sign patterns count, rather than 9,999 drawn ones.
    pub exact: bool,
}

/// Sign-flip (permutation) test on the units' weighted differences: if the models are exchangeable,
/// each unit's difference could as well have had the other sign.
///
/// It keeps its level for parents of several items, weights and graded scores; for 0/1 items of
/// equal weight it is McNemar's exact test, and by parent the exact form of Obuchowski's (1998)
/// statistic (sum of T)^2 / sum of T^2. Source: Winkler et al., NeuroImage 92 (2014), sec.
/// "exchangeable blocks"; Phipson and Smyth (2010) for the one added to drawn patterns.
pub fn sign_flip(totals: &[f64], stream: &mut Stream) -> SignFlip {
    let sizes: Vec<f64> = totals.iter().filter(|&&total| total != 0.0).map(|t| t.abs()).collect();
    let changed_units = sizes.len();
    // Sums that are equal but for rounding are equal.
    let tolerance = 1e-9 * sizes.iter().sum::<f64>();
    let observed = totals.iter().sum::<f64>().abs() - tolerance;
    let exact = |p| SignFlip { p, changed_units, exact: true };
    let equal = |pair: &[f64]| (pair[0] - pair[1]).abs() <= 1e-9 * pair[0];
    if sizes.windows(2).all(equal) {
        let gains = totals.iter().filter(|&&total| total > 0.0).count();
        return exact(mcnemar(changed_units - gains, gains).exact);
    }
    if changed_units <= ENUMERATED_UNITS {
        return exact(share_as_extreme(&sizes, 0.0, observed));
    }
    SignFlip { p: drawn_share_as_extreme(&sizes, observed, stream), changed_units, exact: false }
}

/// As [`share_as_extreme`], from drawn patterns and the observed one.
fn drawn_share_as_extreme(sizes: &[f64], observed: f64, stream: &mut Stream) -> f64 {
    let mut as_extreme = 1;
    for _ in 0..DRAWS {
        let mut signs = 0;
        let mut sum = 0.0;
        for (at, size) in sizes.iter().enumerate() {
            if at % 64 == 0 {
                signs = stream.word();
            }
            sum += if signs >> (at % 64) & 1 == 1 { *size } else { -size };
        }
        as_extreme += u32::from(sum.abs() >= observed);
    }
    f64::from(as_extreme) / f64::from(DRAWS + 1)
}

/// Share of the sign patterns of `sizes` whose sum with `sum` is at least `observed` in size.
fn share_as_extreme(sizes: &[f64], sum: f64, observed: f64) -> f64 {
    match sizes.split_first() {
        None => f64::from(u8::from(sum.abs() >= observed)),
        Some((first, rest)) => {
            0.5 * (share_as_extreme(rest, sum + first, observed)
                + share_as_extreme(rest, sum - first, observed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mcnemar_equals_the_published_example() {
        // Fagerland et al. (2013), table 3 (Bentur et al. 2009): 1 and 7 discordant pairs give
        // exact p 0.0703 and mid-p 0.0391.
        let test = mcnemar(1, 7);
        assert!((test.exact - 18.0 / 256.0).abs() < 1e-12, "{test:?}");
        assert!((test.mid_p - 10.0 / 256.0).abs() < 1e-12, "{test:?}");
        assert_eq!(mcnemar(1, 7), mcnemar(7, 1));
    }

    #[test]
    fn mcnemar_without_evidence_rejects_nothing() {
        assert_eq!(mcnemar(0, 0), McNemar { exact: 1.0, mid_p: 1.0 });
        let tied = mcnemar(2, 2);
        assert!(tied.exact == 1.0 && (tied.mid_p - (1.0 - 6.0 / 16.0)).abs() < 1e-12);
    }

    #[test]
    fn flipping_equal_items_is_mcnemar() {
        let mut totals = vec![0.01; 7];
        totals.extend([-0.01, 0.0, 0.0]);
        let test = sign_flip(&totals, &mut Stream::new(1, "flip", 0));
        assert!(test.exact && test.changed_units == 8);
        assert!((test.p - 18.0 / 256.0).abs() < 1e-12, "{test:?}");
    }

    #[test]
    fn enumeration_equals_the_value_worked_by_hand() {
        // 3 + 2 + 1 = 6 of sizes 1, 2, 3: reached in size by 2 of 8 patterns; 2 + 3 - 1 = 4 by 4.
        let p = |totals: &[f64]| sign_flip(totals, &mut Stream::new(1, "flip", 0)).p;
        assert_eq!(p(&[0.1, 0.0, 0.2, 0.3]), 0.25);
        assert_eq!(p(&[-0.1, 0.2, 0.3]), 0.5);
    }

    #[test]
    fn drawn_patterns_agree_with_all_of_them() {
        let sizes: Vec<f64> = (1..=14).map(f64::from).collect();
        let exact = share_as_extreme(&sizes, 0.0, 61.0);
        let drawn = drawn_share_as_extreme(&sizes, 61.0, &mut Stream::new(1, "flip", 0));
        // 9,999 draws of a share of 0.06: four standard deviations are 0.01.
        assert!(exact > 0.02 && (drawn - exact).abs() < 0.01, "{drawn} {exact}");
    }

    #[test]
    fn no_change_has_p_value_one() {
        assert_eq!(sign_flip(&[0.0; 4], &mut Stream::new(1, "flip", 0)).p, 1.0);
    }
}
