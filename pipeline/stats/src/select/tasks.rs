//! Selection of tasks, and of items within the chosen ones.

use super::{Design, Subset, eligible, simplex::Simplex, stratified};
use crate::{StatsError, linalg::dot, rng::Stream};

/// Tasks that are kept unless another number is named.
pub(super) const KEEP: usize = 8;

/// Pull of the weights towards the tasks' own shares, as a part of the mean square distance of a
/// single task from the target: keeps the solution unique and a few sources from being over-fitted.
const PULL: f64 = 0.01;

/// Most rounds of exchanges after the forward selection.
const ROUNDS: usize = 3;

/// Whole tasks that stand for a suite.
#[derive(Debug, Clone, PartialEq)]
struct TaskSubset {
    /// Numbers of the tasks, ascending and distinct.
    tasks: Vec<u32>,
    /// Non-negative weight of each task's mean, summing to one.
    weights: Vec<f64>,
}

/// Keeps `keep` whole tasks by [`select`], all where there are no more and `k` where that is less, and
/// draws `k` of their items, stratified by difficulty within each task.
///
/// A task gets items in proportion to its weight, at least one and no more than it has; they share
/// the task's weight equally, or by their weights in the target where those differ. Kept tasks of
/// weight 0 get no item.
///
/// Errors with [`StatsError::NoTasks`], [`StatsError::NoWholeTask`], [`StatsError::TasksTooSmall`].
pub(super) fn draw(
    design: &Design<'_>,
    keep: usize,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let task_of_item = design.target.tasks().ok_or(StatsError::NoTasks)?;
    let suite = Suite::new(design, task_of_item)?;
    let count = keep.min(k).min(suite.tasks.len());
    if count == 0 {
        return Err(StatsError::NoWholeTask);
    }
    let TaskSubset { tasks, weights } = suite.select(count)?;
    let kept: Vec<(u32, f64)> =
        tasks.into_iter().zip(weights).filter(|(_, weight)| *weight > 0.0).collect();
    let items_of = |&(task, _): &(u32, f64)| -> Vec<usize> {
        let counts =
            |item: &usize| task_of_item[*item] == task && design.target.weights()[*item] > 0.0;
        design.pool.iter().copied().filter(counts).collect()
    };
    let members: Vec<Vec<usize>> = kept.iter().map(items_of).collect();
    let room: Vec<usize> = members.iter().map(Vec::len).collect();
    let items: usize = room.iter().sum();
    if items < k {
        return Err(StatsError::TasksTooSmall { k, keep: kept.len(), items });
    }
    let shares: Vec<f64> = kept.iter().map(|(_, weight)| *weight).collect();
    let (mut chosen, mut chosen_weights) = (Vec::new(), Vec::new());
    for ((pool, size), share) in members.iter().zip(apportion(&shares, &room, k)).zip(&shares) {
        let drawn = stratified::select(&Design { pool, ..*design }, size, stream);
        let own = eligible::weights_of(design, &drawn);
        let total: f64 = own.iter().sum();
        chosen_weights.extend(own.iter().map(|weight| share * weight / total));
        chosen.extend(drawn);
    }
    Ok(eligible::weighted(&chosen, &chosen_weights))
}

/// `k` places by Sainte-Lague's method (Webster): one for each share first, and each further one for
/// the largest share / (2 places + 1) that has room; there is room for `k`, which are no fewer than
/// the shares.
fn apportion(shares: &[f64], room: &[usize], k: usize) -> Vec<usize> {
    let mut places = vec![1; shares.len()];
    for _ in shares.len()..k {
        let claim = |at: usize| shares[at] / (2 * places[at] + 1) as f64;
        // The first of equal claims, so that the order of tasks decides and nothing else.
        let next = (0..shares.len())
            .filter(|&at| places[at] < room[at])
            .reduce(|best, at| if claim(at) > claim(best) { at } else { best });
        let Some(next) = next else { break };
        places[next] += 1;
    }
    places
}

/// The tasks that can be picked: those with all items that count in the pool. The mean of a task weighs
/// its items as the target does.
struct Suite {
    /// Their numbers, ascending.
    tasks: Vec<u32>,
    /// What each counts in the target.
    shares: Vec<f64>,
    /// Row-major, tasks x tasks: inner products over the sources of (task mean - target mean). As
    /// weights sum to one, |Y w - y|^2 is the quadratic form of w in it.
    products: Vec<f64>,
    penalty: f64,
}

/// The best weights of a set of tasks.
struct Solution {
    loss: f64,
    weights: Vec<f64>,
}

impl Suite {
    fn new(design: &Design<'_>, task_of_item: &[u32]) -> Result<Self, StatsError> {
        let items = design.matrix.items();
        if task_of_item.len() != items {
            let got = task_of_item.len();
            return Err(StatsError::Length { what: "tasks of items", expected: items, got });
        }
        let (tasks, means) = task_means(design, task_of_item);
        let target = design.matrix.target_means(design.target);
        let gaps: Vec<Vec<f64>> = means
            .iter()
            .map(|(share, sums)| sums.iter().zip(&target).map(|(s, y)| s / share - y).collect())
            .collect();
        let products: Vec<f64> =
            gaps.iter().flat_map(|row| gaps.iter().map(|column| dot(row, column))).collect();
        let trace: f64 = (0..tasks.len()).map(|task| products[task * (tasks.len() + 1)]).sum();
        // The floor keeps the system definite when every task equals the target.
        let penalty = (PULL * trace / tasks.len() as f64).max(1e-9);
        let shares = means.iter().map(|(share, _)| *share).collect();
        Ok(Self { tasks, shares, products, penalty })
    }

    /// Picks `count` whole tasks whose weighted mean best tracks the sources' target means, as a small
    /// version of a suite does (BIG-bench Lite of BIG-bench; after the task selection of *small-bench*).
    ///
    /// The loss of a set of tasks is the least of |Y w - y|^2 + penalty |w - shares|^2 over
    /// non-negative w that sum to one, with Y the tasks' means over the sources, y the target means,
    /// and shares what the tasks count in the target. Tasks are added greedily and then exchanged one
    /// by one while that helps.
    ///
    /// Errors with [`StatsError::BudgetZero`] or [`StatsError::BudgetTooLarge`] (whose pool counts
    /// tasks).
    fn select(&self, count: usize) -> Result<TaskSubset, StatsError> {
        let tasks = self.tasks.len();
        if count == 0 {
            return Err(StatsError::BudgetZero);
        }
        if count > tasks {
            return Err(StatsError::BudgetTooLarge { k: count, pool: tasks });
        }
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count {
            chosen.push(0);
            self.replace(&mut chosen, f64::INFINITY)?;
        }
        let mut loss = self.solve(&chosen)?.loss;
        for _ in 0..ROUNDS {
            let before = loss;
            for _ in 0..count {
                // The first is taken out and its best replacement, maybe itself, put last.
                chosen.rotate_left(1);
                loss = self.replace(&mut chosen, loss)?;
            }
            if loss >= before {
                break;
            }
        }
        chosen.sort_unstable();
        let weights = self.solve(&chosen)?.weights;
        Ok(TaskSubset { tasks: chosen.iter().map(|&task| self.tasks[task]).collect(), weights })
    }

    /// Puts the best task in the last place of `chosen`, if that takes the loss below `loss`; the
    /// loss then.
    fn replace(&self, chosen: &mut [usize], mut loss: f64) -> Result<f64, StatsError> {
        let Some((last, others)) = chosen.split_last() else { return Ok(loss) };
        let mut best = *last;
        let mut trial = chosen.to_vec();
        for task in (0..self.tasks.len()).filter(|task| !others.contains(task)) {
            trial[others.len()] = task;
            let solution = self.solve(&trial)?;
            if solution.loss < loss {
                (best, loss) = (task, solution.loss);
            }
        }
        let place = others.len();
        chosen[place] = best;
        Ok(loss)
    }

    /// Minimises |Y w - y|^2 + penalty |w - shares|^2 over the simplex.
    fn solve(&self, chosen: &[usize]) -> Result<Solution, StatsError> {
        let total: f64 = chosen.iter().map(|&task| self.shares[task]).sum();
        let prior: Vec<f64> = chosen.iter().map(|&task| self.shares[task] / total).collect();
        let mut matrix = Vec::with_capacity(chosen.len() * chosen.len());
        for (row, &left) in chosen.iter().enumerate() {
            matrix.extend(chosen.iter().enumerate().map(|(column, &right)| {
                let ridge = if row == column { self.penalty } else { 0.0 };
                self.products[left * self.tasks.len() + right] + ridge
            }));
        }
        let linear: Vec<f64> = prior.iter().map(|share| self.penalty * share).collect();
        let weights = Simplex { matrix: &matrix, linear: &linear }.minimise(prior)?;
        let quadratic: f64 = matrix
            .chunks_exact(weights.len())
            .zip(&weights)
            .map(|(row, weight)| weight * dot(row, &weights))
            .sum();
        let constant = dot(&linear, &linear) / self.penalty;
        Ok(Solution { loss: quadratic - 2.0 * dot(&linear, &weights) + constant, weights })
    }
}

/// Tasks whose counted items are all in the pool, ascending; of each its target weight and the
/// weighted sum of its scores for every model.
fn task_means(design: &Design<'_>, task_of_item: &[u32]) -> (Vec<u32>, Vec<(f64, Vec<f64>)>) {
    let mut in_pool = vec![false; task_of_item.len()];
    for &item in design.pool {
        in_pool[item] = true;
    }
    let mut parts = std::collections::BTreeMap::new();
    for (item, &task) in task_of_item.iter().enumerate() {
        let weight = design.target.weights()[item];
        if weight <= 0.0 {
            continue;
        }
        let (whole, share, sums) =
            parts.entry(task).or_insert_with(|| (true, 0.0, vec![0.0; design.matrix.models()]));
        *whole &= in_pool[item];
        *share += weight;
        for (sum, score) in sums.iter_mut().zip(design.matrix.item(item)) {
            *sum += weight * score;
        }
    }
    parts
        .into_iter()
        .filter(|(_, (whole, _, _))| *whole)
        .map(|(task, (_, share, sums))| (task, (share, sums)))
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        matrix::{CompleteMatrix, ResponseMatrix, Target},
        rng::Stream,
    };

    fn select(
        design: &Design<'_>,
        task_of_item: &[u32],
        count: usize,
    ) -> Result<TaskSubset, StatsError> {
        Suite::new(design, task_of_item)?.select(count)
    }

    /// `tasks` tasks of five items over 15 models; a model's ability shifts all its scores.
    fn suite(tasks: usize) -> (CompleteMatrix, Vec<u32>) {
        let mut stream = Stream::new(8, "suite", 0);
        let items = tasks * 5;
        let mut scores = Vec::new();
        for model in 0..15 {
            scores.extend((0..items).map(|_| {
                let right = stream.uniform() < 0.2 + 0.04 * f64::from(model);
                if right { 1.0 } else { 0.0 }
            }));
        }
        let matrix = ResponseMatrix::new(15, items, scores).unwrap().imputed().unwrap();
        (matrix, (0..items).map(|item| item as u32 / 5).collect())
    }

    #[test]
    fn all_tasks_give_back_the_shares_of_the_target() {
        let (matrix, tasks) = suite(6);
        let weights = [1.0, 2.0, 3.0, 1.0, 1.0, 2.0];
        let target = Target::grouped(&tasks, &weights).unwrap();
        let pool: Vec<usize> = (0..30).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let subset = select(&design, &tasks, 6).unwrap();
        assert_eq!(subset.tasks, [0, 1, 2, 3, 4, 5]);
        for (weight, expected) in subset.weights.iter().zip(weights) {
            assert!((weight - expected / 10.0).abs() < 1e-9, "{:?}", subset.weights);
        }
    }

    #[test]
    fn the_best_single_task_is_found_and_weights_stay_on_the_simplex() {
        let (matrix, tasks) = suite(20);
        let target = Target::uniform(100).unwrap();
        let pool: Vec<usize> = (0..100).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let full = matrix.target_means(&target);
        let distance = |task: usize| -> f64 {
            (0..15)
                .map(|model| {
                    let sum: f64 = (0..5).map(|item| matrix.item(task * 5 + item)[model]).sum();
                    (sum / 5.0 - full[model]).powi(2)
                })
                .sum()
        };
        let best = (0..20).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap();
        assert_eq!(select(&design, &tasks, 1).unwrap().tasks, [best as u32]);

        let suite = Suite::new(&design, &tasks).unwrap();
        let mut losses = Vec::new();
        for count in [1, 2, 4, 8] {
            let subset = select(&design, &tasks, count).unwrap();
            assert_eq!(subset.tasks.len(), count);
            assert!(subset.tasks.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(subset.weights.iter().all(|weight| *weight >= 0.0));
            assert!((subset.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let chosen: Vec<usize> = subset.tasks.iter().map(|task| *task as usize).collect();
            losses.push(suite.solve(&chosen).unwrap().loss);
        }
        assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
    }

    #[test]
    fn tasks_that_leave_the_pool_and_bad_lists_are_refused() {
        let (matrix, tasks) = suite(3);
        let target = Target::uniform(15).unwrap();
        let pool: Vec<usize> = (1..15).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        assert_eq!(select(&design, &tasks, 2).unwrap().tasks, [1, 2]);
        let error = select(&design, &tasks, 3).unwrap_err();
        assert_eq!(error, StatsError::BudgetTooLarge { k: 3, pool: 2 });
        assert_eq!(select(&design, &tasks, 0), Err(StatsError::BudgetZero));
        assert!(select(&design, &tasks[1..], 1).is_err());
    }

    #[test]
    fn items_of_kept_tasks_share_the_weights_of_their_tasks() {
        let (matrix, tasks) = suite(12);
        let target = Target::uniform(60).unwrap().with_tasks(tasks.clone()).unwrap();
        let pool: Vec<usize> = (0..60).collect();
        let design = Design { matrix: &matrix, target: &target, pool: &pool };
        let kept = select(&design, &tasks, 4).unwrap();
        let subset = draw(&design, 4, 10, &mut Stream::new(1, "t", 0)).unwrap();
        assert_eq!(subset.items.len(), 10);
        assert!(subset.items.windows(2).all(|pair| pair[0] < pair[1]));
        for (task, weight) in kept.tasks.iter().zip(&kept.weights) {
            let own = subset.items.iter().zip(&subset.weights);
            let total: f64 = own.filter(|(item, _)| tasks[**item] == *task).map(|(_, w)| w).sum();
            assert!((total - weight).abs() < 1e-12, "task {task}: {total} for {weight}");
        }
        // Fewer items than tasks keep fewer tasks; more tasks than there are keep them all.
        assert_eq!(draw(&design, 8, 3, &mut Stream::new(1, "t", 0)).unwrap().items.len(), 3);
        assert_eq!(draw(&design, 99, 60, &mut Stream::new(1, "t", 0)).unwrap().items.len(), 60);
    }

    #[test]
    fn places_follow_shares_as_far_as_there_is_room() {
        assert_eq!(apportion(&[0.5, 0.3, 0.2], &[9, 9, 9], 10), [5, 3, 2]);
        assert_eq!(apportion(&[0.8, 0.1, 0.1], &[3, 9, 9], 8), [3, 3, 2]);
        assert_eq!(apportion(&[0.99, 0.01], &[9, 9], 2), [1, 1]);
    }

    #[test]
    fn what_tasks_cannot_give_is_said() {
        let (matrix, tasks) = suite(3);
        let pool: Vec<usize> = (0..15).collect();
        let plain = Target::uniform(15).unwrap();
        let run = |target: &Target, pool: &[usize], keep, k| {
            let design = Design { matrix: &matrix, target, pool };
            draw(&design, keep, k, &mut Stream::new(1, "t", 0)).unwrap_err()
        };
        assert_eq!(run(&plain, &pool, 2, 4), StatsError::NoTasks);
        let target = plain.with_tasks(tasks).unwrap();
        assert_eq!(run(&target, &[0, 5, 10], 2, 2), StatsError::NoWholeTask);
        let error = run(&target, &pool, 1, 6);
        assert_eq!(error, StatsError::TasksTooSmall { k: 6, keep: 1, items: 5 });
    }
}
