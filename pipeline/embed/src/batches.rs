//! Texts of like length together, up to a budget of tokens.

use crate::tokens::Windowed;

/// A text with its windows.
pub(crate) struct Item {
    /// Which of the texts to embed.
    pub index: usize,
    /// Its windows.
    pub windowed: Windowed,
}

/// Padded tokens of a run at most, where a run has more than one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget(pub usize);

impl Budget {
    /// One window a run.
    pub(crate) const SINGLE: Self = Self(0);

    /// Splits windows into runs, in their order, each as long as the budget lets it be.
    pub(crate) fn runs<'a>(self, windows: &'a [&'a [i64]]) -> Vec<&'a [&'a [i64]]> {
        let mut runs = Vec::new();
        let (mut start, mut longest) = (0, 0);
        for (end, window) in windows.iter().enumerate() {
            longest = longest.max(window.len());
            if end > start && (end + 1 - start) * longest > self.0 {
                runs.push(&windows[start..end]);
                (start, longest) = (end, window.len());
            }
        }
        runs.extend(windows.get(start..).filter(|rest| !rest.is_empty()));
        runs
    }

    /// Splits texts into batches for a session: sorted by tokens, longest first, each batch up to
    /// the budget; a text keeps its windows together.
    pub(crate) fn batches(self, mut items: Vec<Item>) -> Vec<Vec<Item>> {
        let size = |item: &Item| item.windowed.windows.iter().map(Vec::len).sum::<usize>();
        items.sort_by_key(|item| (std::cmp::Reverse(size(item)), item.index));
        let mut batches: Vec<Vec<Item>> = Vec::new();
        let mut longest = usize::MAX;
        for item in items {
            let tokens = size(&item);
            match batches.last_mut() {
                Some(batch) if (batch.len() + 1) * longest <= self.0 => batch.push(item),
                _ => {
                    longest = tokens;
                    batches.push(vec![item]);
                }
            }
        }
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(index: usize, tokens: usize) -> Item {
        let windowed = Windowed { windows: vec![vec![0; tokens]], truncated: false };
        Item { index, windowed }
    }

    fn indices(batches: &[Vec<Item>]) -> Vec<Vec<usize>> {
        batches.iter().map(|batch| batch.iter().map(|item| item.index).collect()).collect()
    }

    #[test]
    fn batches_keep_to_the_budget_and_lose_nothing() {
        let items = || [3, 9, 5, 9, 2].into_iter().enumerate().map(|(i, n)| item(i, n)).collect();
        assert_eq!(indices(&Budget(18).batches(items())), [vec![1, 3], vec![2, 0, 4]]);
        assert_eq!(indices(&Budget(4).batches(items())), [[1], [3], [2], [0], [4]]);
        assert_eq!(Budget::SINGLE.batches(items()).len(), 5);
        assert_eq!(Budget(1000).batches(items()).len(), 1);
        assert!(Budget(9).batches(Vec::new()).is_empty());
    }

    #[test]
    fn runs_keep_to_the_budget() {
        let windows: Vec<Vec<i64>> = [8, 8, 8, 3].map(|tokens| vec![0; tokens]).into();
        let windows: Vec<&[i64]> = windows.iter().map(Vec::as_slice).collect();
        let lengths = |budget: Budget| -> Vec<usize> {
            budget.runs(&windows).iter().map(|run| run.len()).collect()
        };
        assert_eq!(lengths(Budget(16)), [2, 2]);
        assert_eq!(lengths(Budget(24)), [3, 1]);
        assert_eq!(lengths(Budget::SINGLE), [1, 1, 1, 1]);
        assert!(Budget(16).runs(&[]).is_empty());
    }
}
