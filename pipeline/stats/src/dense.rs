//! The complete part of a matrix with gaps.

/// Rows and columns that are kept, each ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletePart {
    /// Models without a gap in `items`.
    pub models: Vec<usize>,
    /// Items that all `models` have answered.
    pub items: Vec<usize>,
}

/// Drops models and items until no gap is left.
///
/// `answered` is row-major, `models` x `items`; a shorter or longer buffer counts as full of gaps
/// where it has no cell. First goes every model that has answered half of the items or less. Then,
/// as long as there is a gap, goes what lacks the largest share: the first such model, or, if items
/// lack a larger share than any model, all items that lack this share. Finding the complete part with
/// the most cells is NP-hard (Peeters, "The maximum edge biclique problem is NP-complete", Discrete
/// Applied Mathematics 131, 2003); this rule keeps many models of a leaderboard on which a few models
/// or items went wrong. Either side may end up empty.
pub fn complete_part(models: usize, items: usize, answered: &[bool]) -> CompletePart {
    let has = |model: usize, item: usize| answered.get(model * items + item) == Some(&true);
    let answers = |model: usize| (0..items).filter(|&item| has(model, item)).count();
    let mut models: Vec<usize> = (0..models).filter(|&model| 2 * answers(model) > items).collect();
    let mut items: Vec<usize> = (0..items).collect();

    let lacks = |models: &[usize], item| models.iter().filter(|&&m| !has(m, item)).count();
    let mut of_items: Vec<usize> = items.iter().map(|&item| lacks(&models, item)).collect();
    let mut of_models: Vec<usize> = models
        .iter()
        .map(|&model| items.iter().filter(|&&item| !has(model, item)).count())
        .collect();
    loop {
        let worst_item = of_items.iter().copied().max().unwrap_or(0);
        let (at, worst_model) = first_maximum(&of_models);
        if worst_model == 0 && worst_item == 0 {
            return CompletePart { models, items };
        }
        // Shares of the opposite side, brought to one denominator.
        if worst_model * models.len() >= worst_item * items.len() {
            of_models.remove(at);
            let model = models.remove(at);
            for (count, &item) in of_items.iter_mut().zip(&items) {
                *count -= usize::from(!has(model, item));
            }
        } else {
            let worst: Vec<usize> = (items.iter().zip(&of_items))
                .filter(|(_, count)| **count == worst_item)
                .map(|(item, _)| *item)
                .collect();
            for (count, &model) in of_models.iter_mut().zip(&models) {
                *count -= worst.iter().filter(|&&item| !has(model, item)).count();
            }
            items.retain(|item| worst.binary_search(item).is_err());
            of_items.retain(|count| *count != worst_item);
        }
    }
}

/// Place and value of the first of the largest counts; zeros if there is none.
fn first_maximum(counts: &[usize]) -> (usize, usize) {
    let pairs = counts.iter().copied().enumerate();
    pairs.fold((0, 0), |best, pair| if pair.1 > best.1 { pair } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(rows: &[&str]) -> CompletePart {
        let cells: Vec<bool> = rows.iter().flat_map(|row| row.bytes().map(|b| b == b'1')).collect();
        complete_part(rows.len(), rows[0].len(), &cells)
    }

    #[test]
    fn a_complete_matrix_stays_whole() {
        assert_eq!(part(&["11", "11"]), CompletePart { models: vec![0, 1], items: vec![0, 1] });
    }

    #[test]
    fn a_model_that_stopped_half_way_goes_first() {
        let rows = ["111111", "111000", "111111"];
        assert_eq!(part(&rows), CompletePart { models: vec![0, 2], items: (0..6).collect() });
    }

    #[test]
    fn what_lacks_the_larger_share_goes() {
        // Item 3 lacks 2 of 4 models; models 0 and 1 lack 1 of 8 items: the item goes.
        let rows = ["11101111", "11101111", "11111111", "11111111"];
        let expected = CompletePart { models: vec![0, 1, 2, 3], items: vec![0, 1, 2, 4, 5, 6, 7] };
        assert_eq!(part(&rows), expected);
        // Model 1 lacks 2 of 5 items, items lack at most 1 of 4 models: the model goes.
        let rows = ["11111", "10011", "11111", "11111"];
        assert_eq!(part(&rows), CompletePart { models: vec![0, 2, 3], items: (0..5).collect() });
    }

    #[test]
    fn nothing_but_gaps_leaves_no_model() {
        assert_eq!(part(&["00", "00"]), CompletePart { models: vec![], items: vec![0, 1] });
    }
}
