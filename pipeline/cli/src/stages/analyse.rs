//! What each item contributes, and how finely full benchmarks and subsets tell models apart.

use std::collections::BTreeMap;

use aliquot_stats::{
    StatsError,
    irt::{self, Family, FitSettings, ItemResponseModel},
    item_analysis::{
        Precision, RepeatedAnswers, item_statistics, precision, spearman_brown, split_half, strata,
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
    /// The target's chosen items by uid.
    members: BTreeMap<&'a str, &'a Member>,
}

impl<'a> Analysis<'a> {
    fn new(spec: &'a TargetSpec, tables: &Tables, members: &'a [Member]) -> Result<Self, Error> {
        let matrix = tables.target(spec)?;
        let repeated = tables.repeated(&matrix);
        let own = members.iter().filter(|member| member.target == spec.name);
        let members = own.map(|member| (member.item_uid.as_str(), member)).collect();
        Ok(Self { name: &spec.name, matrix, repeated, members })
    }

    fn context(&self) -> String {
        format!("analyse the items of target `{}`", self.name)
    }

    fn items(&self) -> Result<Vec<ItemAnalysis>, Error> {
        let TargetMatrix { named, target, benchmarks } = &self.matrix;
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
                v_information: None,
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
