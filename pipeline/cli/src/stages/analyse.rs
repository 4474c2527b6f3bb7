//! What each item contributes, and how finely full benchmarks and subsets tell models apart.

use std::collections::BTreeMap;

use aliquot_stats::{
    StatsError,
    irt::{self, Family, FitSettings, ItemResponseModel},
    item_analysis::{
        NullModel, Precision, RepeatedAnswers, item_statistics, pointwise_v_information, precision,
        spearman_brown, split_half, strata,
    },
    rng::Stream,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    item_analysis::{self, ItemAnalysis},
    reliability::{self, FULL, Reliability},
    subsets::{self, Member},
};
use serde::Serialize;

use super::{stats, table};
use crate::{
    error::Error,
    problem::{Tables, TargetMatrix},
    recipe::TargetSpec,
};

/// What is analysed.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The targets.
    pub targets: Vec<TargetSpec>,
}

/// Inputs: scores, items, roster, subsets. Outputs: item analysis, reliability.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let tables = Tables::read(store, inputs)?;
    let members = subsets::decode(&store.get(inputs[3])?).map_err(table("subsets"))?;

    let (mut items, mut reliability) = (Vec::new(), Vec::new());
    for spec in &params.targets {
        let analysis = Analysis::new(spec, &tables, &members)?;
        items.extend(analysis.items()?);
        reliability.extend(analysis.reliability(params.seed)?);
    }

    Ok(vec![
        store.put(&item_analysis::encode(&items).map_err(table("item_analysis"))?)?,
        store.put(&reliability::encode(&reliability).map_err(table("reliability"))?)?,
    ])
}

/// Random splits that the split-half correlation is the mean of.
const SPLITS: usize = 50;

/// Differences between models are resolvable at this level.
const LEVEL: f64 = 0.95;

const POINTS: f64 = 100.0;

/// One target with all that its rows are computed from.
struct Analysis<'a> {
    name: &'a str,
    matrix: TargetMatrix,
    repeated: Option<RepeatedAnswers>,
    /// Pointwise V-information of each item.
    v_information: Vec<Option<f64>>,
    /// The target's chosen items by uid.
    members: BTreeMap<&'a str, &'a Member>,
}

impl<'a> Analysis<'a> {
    fn new(spec: &'a TargetSpec, tables: &Tables, members: &'a [Member]) -> Result<Self, Error> {
        let matrix = tables.target(spec)?;
        let repeated = tables.repeated(&matrix);
        let v_information = v_information(tables, &matrix)
            .map_err(stats(format!("V-information on target `{}`", spec.name)))?;
        let own = members.iter().filter(|member| member.target == spec.name);
        let members = own.map(|member| (member.item_uid.as_str(), member)).collect();
        Ok(Self { name: &spec.name, matrix, repeated, v_information, members })
    }

    fn context(&self) -> String {
        format!("analyse the items of target `{}`", self.name)
    }

    fn items(&self) -> Result<Vec<ItemAnalysis>, Error> {
        let TargetMatrix { named, target, benchmarks, .. } = &self.matrix;
        let classical = item_statistics(&named.scores, target).map_err(stats(self.context()))?;
        let two_parameter = self.fit(Family::TwoParameter)?;
        let rasch = self.fit(Family::Rasch)?;
        let row = |(item, classical): (usize, &aliquot_stats::item_analysis::ItemStatistics)| {
            let (slope, intercept) =
                (two_parameter.slopes[0][item], two_parameter.intercepts[item]);
            let uid = &named.items[item];
            ItemAnalysis {
                target: self.name.to_owned(),
                item_uid: uid.clone(),
                benchmark: benchmarks[item].clone(),
                subset: self.members.get(uid.as_str()).map(|member| member.subset.clone()),
                answers: classical.answers as u32,
                proportion: classical.proportion,
                standard_deviation: classical.standard_deviation,
                item_rest: classical.item_rest,
                discrimination: classical.discrimination,
                irt_slope: slope,
                irt_intercept: intercept,
                irt_difficulty: (slope > 0.0).then(|| -intercept / slope),
                rasch_difficulty: -rasch.intercepts[item],
                v_information: self.v_information[item],
            }
        };
        Ok(classical.iter().enumerate().map(row).collect())
    }

    fn fit(&self, family: Family) -> Result<ItemResponseModel, Error> {
        let trials = self.repeated.as_ref().map(|repeated| repeated.counts.as_slice());
        irt::fit(&self.matrix.named.scores, trials, &FitSettings::new(family))
            .map_err(stats(self.context()))
    }

    /// One row for all items, one a subset.
    fn reliability(&self, seed: u64) -> Result<Vec<Reliability>, Error> {
        let full = self.row(seed, FULL, self.matrix.target.weights(), None)?;
        let mut weights: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (item, uid) in self.matrix.named.items.iter().enumerate() {
            let Some(member) = self.members.get(uid.as_str()) else { continue };
            let none = || vec![0.0; self.matrix.named.items.len()];
            weights.entry(&member.subset).or_insert_with(none)[item] = member.weight;
        }
        let rows =
            weights.iter().map(|(subset, weights)| self.row(seed, subset, weights, Some(&full)));
        let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
        rows.push(full);
        Ok(rows)
    }

    fn row(
        &self,
        seed: u64,
        subset: &str,
        weights: &[f64],
        full: Option<&Reliability>,
    ) -> Result<Reliability, Error> {
        let scores = &self.matrix.named.scores;
        let strata = strata(weights, self.matrix.target.groups());
        let items: usize = strata.iter().map(|stratum| stratum.items.len()).sum();
        let found = match precision(scores, &strata, self.repeated.as_ref()) {
            Ok(precision) => Some(precision),
            // Nothing is wrong with so small a set; there is only nothing to tell of it.
            Err(StatsError::TooFewModels { .. } | StatsError::TooFewItems { .. }) => None,
            Err(error) => return Err(stats(self.context())(error)),
        };
        let resolvable = found.map(|found| found.signal.resolvable(LEVEL)).transpose();
        let resolvable = resolvable.map_err(stats(self.context()))?;
        let label = format!("{}/{subset}/halves", self.name);
        let halves = split_half(scores, &strata, SPLITS, &mut Stream::new(seed, &label, 0));
        let predicted =
            |full: &Reliability| spearman_brown(full.alpha?, items as f64 / f64::from(full.items));
        let points = |value: f64| POINTS * value;
        Ok(Reliability {
            target: self.name.to_owned(),
            subset: subset.to_owned(),
            items: items as u32,
            models: found.map_or(0, |found| found.models as u32),
            alpha: found.and_then(|found| found.alpha),
            predicted_alpha: full.and_then(predicted),
            split_half: halves.map(|halves| halves.full),
            score_deviation_pp: found.map(|found| points(found.score_deviation)),
            standard_error_pp: found.as_ref().map(Precision::standard_error).map(points),
            signal_to_noise: found.and_then(|found| found.signal.ratio()),
            resolvable_pp: resolvable.map(points),
            trials: found.and_then(|found| found.trials),
            trial_error_pp: found
                .and_then(|found| found.signal.trial_noise)
                .map(|noise| points(noise.sqrt())),
        })
    }
}

/// Pointwise V-information of the items of every benchmark whose gold answers and log-likelihoods are
/// known, against a null that knows how often each gold answer occurs in its benchmark.
fn v_information(tables: &Tables, matrix: &TargetMatrix) -> Result<Vec<Option<f64>>, StatsError> {
    let items = matrix.named.items.len();
    let mut information = vec![None; items];
    let Some(log_likelihoods) = tables.log_likelihoods(matrix) else { return Ok(information) };
    let gold = tables.gold(matrix);
    let mut benchmarks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (item, benchmark) in matrix.benchmarks.iter().enumerate() {
        benchmarks.entry(benchmark).or_default().push(item);
    }
    for columns in benchmarks.values() {
        let answers: Option<Vec<&str>> = columns.iter().map(|&item| gold[item]).collect();
        let Some(answers) = answers else { continue };
        let mut distinct = answers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let class = |answer: &&str| distinct.binary_search(answer).unwrap_or(0) as u32;
        let classes: Vec<u32> = answers.iter().map(class).collect();
        let rows = log_likelihoods.chunks_exact(items);
        let part: Vec<f64> =
            rows.flat_map(|row| columns.iter().map(|&item| f64::from(row[item]))).collect();
        let null = NullModel::ClassPrior(&classes);
        let found = pointwise_v_information(&part, columns.len(), null)?;
        columns.iter().zip(found).for_each(|(&item, found)| information[item] = found);
    }
    Ok(information)
}

#[cfg(test)]
mod tests {
    use aliquot_tables::{
        items::{self, Item},
        responses::{Response, Responses},
        roster, scores,
    };

    use super::*;

    /// Four models on four items; the last one is solved by all.
    const TRIANGLE: [[f32; 4]; 4] =
        [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]];

    /// Items 0 and 2 are the test subset, item 1 is the validation subset.
    fn analyse(trials: &[[[f32; 4]; 4]]) -> (Vec<ItemAnalysis>, Vec<Reliability>) {
        let store = Store::memory();
        let mut responses = Responses::default();
        for (trial, row, column) in
            (0..trials.len()).flat_map(|trial| (0..16).map(move |cell| (trial, cell / 4, cell % 4)))
        {
            responses.push(&Response {
                model: &format!("m{row}"),
                item_uid: &format!("i{column}"),
                metric: "acc",
                filter: "",
                trial: trial as u32,
                score: Ok(trials[trial][row][column]),
                log_likelihood: (column < 2 && row > 1).then_some(-0.25),
                raw: "",
                record: 0,
            });
        }
        let name = |axis: &str, at: usize| format!("{}{at}", &axis[..1]);
        let kept = ["item", "model"].into_iter().flat_map(|axis| {
            (0..4).map(move |at| roster::Entry {
                benchmark: "b".to_owned(),
                axis: axis.to_owned(),
                name: name(axis, at),
            })
        });
        let member = |subset: &str, position, weight| Member {
            target: "t".to_owned(),
            subset: subset.to_owned(),
            item_uid: format!("i{position}"),
            benchmark: "b".to_owned(),
            position,
            weight,
        };
        let members =
            [member("test", 0, 0.5), member("test", 2, 0.5), member("validation", 1, 1.0)];
        let item = |at: usize| Item {
            item_uid: format!("i{at}"),
            target: Some(["A", "A", "B", "A"][at].to_owned()),
            ..Item::default()
        };
        let items: Vec<Item> = (0..4).map(item).collect();
        let inputs = [
            scores::encode(&responses).unwrap(),
            items::encode(&items).unwrap(),
            roster::encode(&kept.collect::<Vec<_>>()).unwrap(),
            subsets::encode(&members).unwrap(),
        ]
        .map(|bytes| store.put(&bytes).unwrap());
        let benchmarks = BTreeMap::from([("b".to_owned(), 1.0)]);
        let targets = vec![TargetSpec { name: "t".to_owned(), benchmarks }];
        let outputs = run(&Params { seed: 1, targets }, &inputs, &store).unwrap();
        let [items, reliability] = outputs[..] else { panic!("{outputs:?}") };
        (
            item_analysis::decode(&store.get(items).unwrap()).unwrap(),
            reliability::decode(&store.get(reliability).unwrap()).unwrap(),
        )
    }

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-6), "{found:?} {expected}");
    }

    #[test]
    fn figures_of_a_single_trial_equal_those_worked_by_hand() {
        let (items, reliability) = analyse(&[TRIANGLE]);
        // Rests of item 0: 1, 2/3, 1/3, 1/3, deviations 5, 1, -3, -3 twelfths; scores 1, 1, 1, 0.
        close(items[0].item_rest, 0.25 / (0.75_f64 * 44.0 / 144.0).sqrt());
        close(items[0].proportion, 0.75);
        close(items[0].discrimination, 1.0);
        let subsets: Vec<_> = items.iter().map(|item| item.subset.as_deref()).collect();
        assert_eq!(subsets, [Some("test"), Some("validation"), Some("test"), None]);
        assert!(items.iter().all(|item| item.answers == 4));
        // The gold answers are A A B A: A is known with probability 3/4 without the item.
        let bits = (-0.25 - 0.75_f64.ln()) / 2.0_f64.ln();
        close(items[0].v_information, bits);
        close(items[1].v_information, bits);
        assert_eq!((items[2].v_information, items[3].v_information), (None, None));
        // Harder from item to item, by either model.
        for pair in items[..3].windows(2) {
            assert!(pair[0].irt_intercept > pair[1].irt_intercept);
            assert!(pair[0].rasch_difficulty < pair[1].rasch_difficulty);
        }

        let [full, test, validation] = &reliability[..] else { panic!("{reliability:?}") };
        assert_eq!((full.subset.as_str(), full.items, full.models), (FULL, 4, 4));
        // KR-20 = 4/3 (1 - (3/16 + 4/16 + 3/16) / (5/4)); SEM^2 = 5/48 (1 - 2/3).
        close(full.alpha, 2.0 / 3.0);
        close(full.standard_error_pp, 100.0 * (5.0_f64 / 144.0).sqrt());
        close(full.signal_to_noise, 2.0);
        assert_eq!((full.predicted_alpha, full.trials, full.trial_error_pp), (None, None, None));
        // Items 0 and 2: totals 2, 1, 1, 0: KR-20 = 2 (1 - (3/16 + 3/16) / (1/2)).
        close(test.alpha, 0.5);
        close(test.predicted_alpha, 0.5);
        // One item has no reliability, but the full benchmark predicts one: 1/6 / (1 - 1/2).
        assert_eq!((validation.items, validation.alpha, validation.split_half), (1, None, None));
        close(validation.predicted_alpha, 1.0 / 3.0);
    }

    #[test]
    fn an_item_that_all_solve_has_no_correlation_and_finite_parameters() {
        let (items, _) = analyse(&[TRIANGLE]);
        let last = &items[3];
        assert_eq!((last.proportion, last.standard_deviation), (Some(1.0), Some(0.0)));
        assert_eq!((last.item_rest, last.discrimination), (None, Some(0.0)));
        assert!((0.0..10.0).contains(&last.irt_intercept) && last.rasch_difficulty < 0.0);
    }

    #[test]
    fn repeated_trials_count_in_the_fit_and_show_as_noise() {
        let mut second = TRIANGLE;
        second[3][3] = 0.0;
        let (_, reliability) = analyse(&[TRIANGLE, second]);
        // One of 16 cells has 1 and 0: variance 1/2 over 16, halved by two trials, over four items.
        close(reliability[0].trial_error_pp, 100.0 / 16.0);
        close(reliability[0].trials, 2.0);

        let (once, _) = analyse(&[TRIANGLE]);
        let (often, reliability) = analyse(&[TRIANGLE; 8]);
        close(reliability[0].trial_error_pp, 0.0);
        close(reliability[0].alpha, 2.0 / 3.0);
        // More trials of the same answers leave less to the prior.
        assert!(often[3].irt_intercept > once[3].irt_intercept + 0.5);
    }
}
