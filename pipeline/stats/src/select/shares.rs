//! What each chosen item stands for.

/// The target weight nearest to each of the chosen items, equal distances split evenly.
#[derive(Debug)]
pub(super) struct Shares<'a> {
    weights: &'a [f64],
    shares: Vec<f64>,
}

impl<'a> Shares<'a> {
    /// No item seen so far; `weights` are those of the target.
    pub(super) fn new(weights: &'a [f64], chosen: usize) -> Self {
        Self { weights, shares: vec![0.0; chosen] }
    }

    /// Gives the weight of `item` to the chosen that it is nearest to.
    pub(super) fn add<T: Copy + PartialOrd>(&mut self, item: usize, distances: &[T]) {
        let smaller = |least: T, next: T| if next < least { next } else { least };
        let Some(least) = distances.iter().copied().reduce(smaller) else { return };
        let ties = distances.iter().filter(|&&distance| distance == least).count();
        let share = self.weights[item] / ties as f64;
        for (total, _) in
            self.shares.iter_mut().zip(distances).filter(|(_, distance)| **distance == least)
        {
            *total += share;
        }
    }

    /// The weight of each chosen item.
    pub(super) fn finish(self) -> Vec<f64> {
        self.shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_split_and_the_rest_goes_to_the_nearest() {
        let mut shares = Shares::new(&[0.5, 0.3, 0.2], 3);
        shares.add(0, &[1.0, 1.0, 2.0]);
        shares.add(1, &[0.5, 0.0, 2.0]);
        shares.add(2, &[3.0, 3.0, 3.0]);
        let expected = [0.25 + 0.2 / 3.0, 0.55 + 0.2 / 3.0, 0.2 / 3.0];
        assert!(shares.finish().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
