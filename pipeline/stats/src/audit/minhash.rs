//! Signatures of sets that agree as often as the sets do, cut into bands.

use super::shingles::mixed;

/// Hash functions at most.
const FUNCTIONS: usize = 128;
/// Share of the pairs at the threshold that meet in a band, at least.
const RECALL: f64 = 0.999;

/// How a signature is cut: two sets meet where all rows of any band agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banding {
    /// Number of bands.
    pub bands: usize,
    /// Hash functions of a band.
    pub rows: usize,
}

impl Banding {
    /// The most rows, and so the fewest needless meetings, with which at most 128 functions still let
    /// 99.9 % of the pairs at `threshold` meet; one row where none do.
    pub fn for_threshold(threshold: f64) -> Self {
        let banding = |rows: usize| Self { bands: FUNCTIONS / rows, rows };
        let fits = (1..=FUNCTIONS).rev().map(banding);
        let mut fits = fits.filter(|banding| banding.recall(threshold) >= RECALL);
        fits.next().unwrap_or(banding(1))
    }

    /// Probability that two sets of this Jaccard similarity meet: 1 - (1 - s^rows)^bands.
    ///
    /// Source: Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, 2nd ed., sec. 3.4.2.
    pub fn recall(&self, similarity: f64) -> f64 {
        let band = libm::pow(similarity, self.rows as f64);
        1.0 - libm::pow(1.0 - band, self.bands as f64)
    }

    /// One number a band of a set of hashed shingles, equal where the band's minima are; None of an empty
    /// set. Collisions of the 32 bits cost a comparison, no more.
    ///
    /// The minimum of a random function over two sets is the same one with a probability of their Jaccard
    /// similarity (Broder, "On the resemblance and containment of documents", 1997). Functions are
    /// multiply-shift over hashes that are mixed already (Dietzfelbinger et al., J. Algorithms 25, 1997),
    /// with multipliers that are the same in every run.
    pub fn keys(&self, shingles: &[u64]) -> Option<Vec<u32>> {
        if shingles.is_empty() {
            return None;
        }
        let minimum = |function: usize| {
            let (factor, shift) = (mixed(2 * function as u64) | 1, mixed(2 * function as u64 + 1));
            let hash =
                |shingle: &u64| (shingle.wrapping_mul(factor).wrapping_add(shift) >> 32) as u32;
            shingles.iter().map(hash).min().unwrap_or(0)
        };
        let key = |band: usize| {
            let rows = band * self.rows..(band + 1) * self.rows;
            let start = band as u64;
            (rows.fold(start, |key, row| mixed(key ^ u64::from(minimum(row)))) >> 32) as u32
        };
        Some((0..self.bands).map(key).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn bands_keep_the_promised_recall_with_the_most_rows() {
        let banding = Banding::for_threshold(0.8);
        assert_eq!(banding, Banding { bands: 25, rows: 5 });
        // 1 - (1 - 0.8^5)^25 = 1 - 0.67232^25.
        assert!((banding.recall(0.8) - 0.999_951).abs() < 1e-6, "{}", banding.recall(0.8));
        assert!(Banding { bands: 21, rows: 6 }.recall(0.8) < 0.999);
        assert_eq!(Banding::for_threshold(1.0), Banding { bands: 1, rows: 128 });
        assert_eq!(Banding::for_threshold(0.01), Banding { bands: 128, rows: 1 });
    }

    /// Two sets of 150 with that many shared.
    fn pair(shared: usize, stream: &mut Stream) -> [Vec<u64>; 2] {
        let common: Vec<u64> = (0..shared).map(|_| stream.word()).collect();
        [(); 2].map(|()| {
            let own = (shared..150).map(|_| stream.word());
            common.iter().copied().chain(own).collect()
        })
    }

    #[test]
    fn pairs_meet_as_often_as_the_formula_says() {
        let banding = Banding { bands: 25, rows: 5 };
        let mut stream = Stream::new(3, "minhash", 0);
        for shared in [60, 80, 100] {
            let similarity = shared as f64 / (300 - shared) as f64;
            let trials = 2000;
            let met = (0..trials).filter(|_| {
                let [left, right] =
                    pair(shared, &mut stream).map(|set| banding.keys(&set).unwrap());
                left.iter().zip(&right).any(|(left, right)| left == right)
            });
            let share = met.count() as f64 / f64::from(trials);
            let expected = banding.recall(similarity);
            // Four standard errors.
            let error = 4.0 * (expected * (1.0 - expected) / f64::from(trials)).sqrt();
            assert!((share - expected).abs() < error, "{similarity}: {share}, {expected}");
        }
    }

    #[test]
    fn empty_sets_have_no_keys_and_keys_are_the_same_in_every_run() {
        let banding = Banding { bands: 2, rows: 2 };
        assert_eq!(banding.keys(&[]), None);
        assert_eq!(banding.keys(&[1, 2, 3]), banding.keys(&[3, 1, 2]));
        assert_eq!(banding.keys(&[1, 2, 3]), Some(PINNED.to_vec()));
    }
    // Golden value: a change here changes what audits find.
    const PINNED: [u32; 2] = [4_236_606_481, 3_196_877_137];
}
