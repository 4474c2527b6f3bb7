use std::collections::BTreeMap;

use super::Dissimilarity;
use crate::StatsError;

/// Mean silhouette of a clustering, in [-1, 1]: how much nearer objects are to their own cluster than
/// to the next one.
///
/// `assignment` gives one cluster an object, in 0..clusters for few clusters. An object alone in its
/// cluster counts 0, and so does every object when there are fewer than two clusters. Source:
/// Rousseeuw, "Silhouettes" (1987). Errors with [`StatsError::Length`].
pub fn silhouette(dissimilarity: &Dissimilarity, assignment: &[u32]) -> Result<f64, StatsError> {
    let objects = dissimilarity.size();
    if assignment.len() != objects {
        return Err(StatsError::Length {
            what: "assignment",
            expected: objects,
            got: assignment.len(),
        });
    }
    let mut numbers = BTreeMap::new();
    for cluster in assignment {
        let next = numbers.len();
        numbers.entry(*cluster).or_insert(next);
    }
    let clusters: Vec<usize> = assignment.iter().map(|cluster| numbers[cluster]).collect();
    let mut sizes = vec![0_u64; numbers.len()];
    for &cluster in &clusters {
        sizes[cluster] += 1;
    }
    if sizes.len() < 2 {
        return Ok(0.0);
    }
    let mut total = 0.0;
    let mut sums = vec![0.0; sizes.len()];
    for (object, &own) in clusters.iter().enumerate() {
        sums.fill(0.0);
        for (&cluster, value) in clusters.iter().zip(dissimilarity.row(object)) {
            sums[cluster] += f64::from(*value);
        }
        total += width(&sums, &sizes, own);
    }
    Ok(total / objects as f64)
}

/// (b - a) / max(a, b): a the mean dissimilarity to the rest of the own cluster, b the least mean
/// dissimilarity to another cluster.
fn width(sums: &[f64], sizes: &[u64], own: usize) -> f64 {
    if sizes[own] < 2 {
        return 0.0;
    }
    let within = sums[own] / (sizes[own] - 1) as f64;
    let others = (0..sizes.len()).filter(|&cluster| cluster != own);
    let between =
        others.map(|cluster| sums[cluster] / sizes[cluster] as f64).fold(f64::INFINITY, f64::min);
    let largest = within.max(between);
    if largest > 0.0 { (between - within) / largest } else { 0.0 }
}

/// Agreement of two clusterings of the same objects, corrected for chance: 1 when they are the same
/// up to names, about 0 when they are independent.
///
/// Two clusterings that agree trivially (both a single cluster, or both all singletons, or nothing to
/// cluster) give 1. Source: Hubert and Arabie, "Comparing partitions" (1985), eq. 5. Errors with
/// [`StatsError::Length`] when the lists differ in length.
pub fn adjusted_rand_index(left: &[u32], right: &[u32]) -> Result<f64, StatsError> {
    if left.len() != right.len() {
        return Err(StatsError::Length {
            what: "assignment",
            expected: left.len(),
            got: right.len(),
        });
    }
    let both = pairs_within(left.iter().zip(right));
    let (in_left, in_right) = (pairs_within(left), pairs_within(right));
    let all = pairs(left.len() as u64);
    let expected = if all > 0.0 { in_left * in_right / all } else { 0.0 };
    let most = (in_left + in_right) / 2.0;
    if most == expected { Ok(1.0) } else { Ok((both - expected) / (most - expected)) }
}

/// Number of pairs of objects with the same label.
fn pairs_within<T: Ord>(labels: impl IntoIterator<Item = T>) -> f64 {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(label).or_insert(0_u64) += 1;
    }
    counts.values().map(|&count| pairs(count)).sum()
}

fn pairs(count: u64) -> f64 {
    count as f64 * (count as f64 - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_adjusted_rand_indices() {
        // The value of the scikit-learn manual: (1 - 2/6) / (3/2 - 2/6) = 4/7.
        let index = adjusted_rand_index(&[0, 0, 1, 1], &[0, 0, 1, 2]).unwrap();
        assert!((index - 4.0 / 7.0).abs() < 1e-12, "{index}");
        // As far apart as two pairings can be: (0 - 4/6) / (2 - 4/6) = -1/2.
        let index = adjusted_rand_index(&[0, 0, 1, 1], &[0, 1, 0, 1]).unwrap();
        assert!((index + 0.5).abs() < 1e-12, "{index}");
        assert_eq!(adjusted_rand_index(&[5, 5, 2], &[0, 0, 9]).unwrap(), 1.0);
        assert_eq!(adjusted_rand_index(&[0; 4], &[7; 4]).unwrap(), 1.0);
        assert!(adjusted_rand_index(&[0], &[]).is_err());
    }

    #[test]
    fn a_silhouette_worked_by_hand() {
        // Points 0, 1 | 4, 6 on a line: a = 1, b = 5 | 1, 4 | 2, 3.5 | 2, 5.5.
        let places = [0.0_f32, 1.0, 4.0, 6.0];
        let matrix = Dissimilarity::from_fn(4, |a, b| (places[a] - places[b]).abs()).unwrap();
        let expected = (4.0 / 5.0 + 3.0 / 4.0 + 1.5 / 3.5 + 3.5 / 5.5) / 4.0;
        let mean = silhouette(&matrix, &[1, 1, 8, 8]).unwrap();
        assert!((mean - expected).abs() < 1e-12, "{mean}");
        assert!(silhouette(&matrix, &[0, 1, 0, 1]).unwrap() < 0.0);
        assert_eq!(silhouette(&matrix, &[3; 4]).unwrap(), 0.0);
        assert_eq!(silhouette(&matrix, &[0, 1, 2, 3]).unwrap(), 0.0);
    }
}
