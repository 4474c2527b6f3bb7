//! `aliquot bench --pairs`: how often a comparison on a subset says the truth about real pairs.

mod summary;
mod tally;

use std::{collections::BTreeSet, path::Path};

use aliquot_stats::{
    StatsError,
    interval::StreamKey,
    matrix::ResponseMatrix,
    paired::{Answers, Comparison, Draw, Scope, Setting, compare, verdict::Criterion},
    rng::Stream,
    select::{self, SelectionMethod, Subset},
    sources::Sources,
    split::MINIMUM_SOURCES,
};
use aliquot_tables::dataset::Pair;
use serde::Serialize;

use self::tally::{BINS, Tally, bin};
use super::{
    Matrix, Method, Outcome, Plan, Work, each_once, matrices::decode_file, print, say, texts::Texts,
};
use crate::error::Error;

/// Level of intervals and claims.
const LEVEL: f64 = 0.95;

/// The selections that every other one is measured against.
const REFERENCES: [SelectionMethod; 2] = [SelectionMethod::Random, SelectionMethod::Stratified];

/// Whether the base's score on all items is known; names in records.
const BASE_RUNS: [(&str, bool); 2] = [("subset", false), ("full", true)];

/// Sums over the pairs of one matrix on one subset, by the size of their true difference.
#[derive(Debug, Clone, Serialize)]
struct Record {
    dataset: String,
    benchmark: String,
    metric: String,
    k: usize,
    /// Number of the draw, from 0.
    seed: u64,
    selection: String,
    base_run: &'static str,
    true_difference_pp: &'static str,
    #[serde(flatten)]
    tally: Tally,
}

/// What is measured, whatever the matrices.
pub struct Evaluation<'a> {
    plan: &'a Plan,
    selections: Vec<SelectionMethod>,
    criterion: Criterion,
}

/// A matrix with its pairs, and the models that subsets are selected from.
struct Paired<'a> {
    matrix: &'a Matrix,
    pairs: Vec<Rows>,
    sources: ResponseMatrix,
}

/// Rows of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rows {
    variant: usize,
    base: usize,
}

impl<'a> Evaluation<'a> {
    /// Random and stratified items, and what the methods select.
    pub fn new(plan: &'a Plan, margin: f64) -> Result<Self, Error> {
        if !(margin > 0.0 && margin <= 100.0) {
            return Err(Error::Usage(format!(
                "--margin {margin}: give points, above 0 and up to 100"
            )));
        }
        let all = plan.methods.iter().map(Method::selection);
        let all: Vec<SelectionMethod> = REFERENCES.into_iter().chain(all).collect();
        let selections = each_once(&all).copied().collect();
        Ok(Self { plan, selections, criterion: Criterion { level: LEVEL, margin: margin / 100.0 } })
    }

    /// Measures the pairs of a file on every matrix that has both models.
    pub fn run(
        &self,
        file: &Path,
        matrices: &[Matrix],
        work: impl Fn(usize) -> Work,
    ) -> Result<(), Error> {
        let pairs = decode_file(file.to_owned(), Pair::decode_all)?;
        let mut paired = Vec::new();
        for matrix in matrices {
            paired.extend(Paired::new(matrix, &pairs)?);
        }
        let tasks: Vec<(&Paired<'_>, u64)> = paired
            .iter()
            .filter(|paired| self.sizes(paired).next().is_some())
            .flat_map(|paired| (0..self.plan.seeds).map(move |repetition| (paired, repetition)))
            .collect();
        if tasks.is_empty() {
            return Err(Error::NotFound(format!(
                "nothing to measure: no matrix has pairs of `{}` and more items than a size",
                file.display()
            )));
        }
        let work = work(tasks.len());
        let json = work.json;
        let records = work.measure(|at| self.measure(tasks[at].0, tasks[at].1))?;
        if !json {
            print(&summary::text(&records, self));
        }
        Ok(())
    }

    fn sizes(&self, paired: &Paired<'_>) -> impl Iterator<Item = usize> {
        let items = paired.matrix.scores.items();
        self.plan.ks.iter().copied().filter(move |&k| k < items)
    }

    fn measure(&self, paired: &Paired<'_>, repetition: u64) -> Result<Outcome<Record>, Error> {
        let (mut records, mut failures) = (Vec::new(), Vec::new());
        let Matrix { dataset, benchmark, metric, .. } = paired.matrix;
        for k in self.sizes(paired) {
            for &selection in &self.selections {
                let name = selection.name();
                let place = format!("{dataset} pairs seed {repetition} k {k} {name}");
                let subset = match self.select(paired, selection, k, repetition) {
                    Ok(subset) => subset,
                    Err(error) => {
                        failures.push(format!("{place} skipped: {error}"));
                        continue;
                    }
                };
                for (base_run, known) in BASE_RUNS {
                    let tallies = paired.tallies(&subset, known, &self.criterion);
                    let tallies = tallies
                        .map_err(|source| Error::Stats { context: place.clone(), source })?;
                    let filled = BINS.iter().zip(tallies).filter(|(_, tally)| tally.pairs > 0);
                    records.extend(filled.map(|(bin, tally)| Record {
                        dataset: dataset.clone(),
                        benchmark: benchmark.clone(),
                        metric: metric.clone(),
                        k,
                        seed: repetition,
                        selection: name.clone(),
                        base_run,
                        true_difference_pp: bin.name,
                        tally,
                    }));
                }
            }
        }
        Ok((records, failures))
    }

    /// The one place where a selection method is called.
    fn select(
        &self,
        paired: &Paired<'_>,
        selection: SelectionMethod,
        k: usize,
        repetition: u64,
    ) -> Result<Subset, StatsError> {
        let pool: Vec<usize> = (0..paired.matrix.scores.items()).collect();
        let label = format!("bench/{}/pairs/{}", paired.matrix.dataset, selection.name());
        let key = StreamKey { seed: self.plan.seed, label: &label };
        let points = paired.matrix.texts.as_ref().map(Texts::points).transpose()?;
        let sources = Sources::new(&paired.sources, &paired.matrix.target, &pool, key)?
            .with_points(points)?;
        select::select(selection, &sources, k, &mut key.stream("select", repetition))
    }
}

impl<'a> Paired<'a> {
    /// None, and a line that says why, where there are no pairs or too few sources.
    fn new(matrix: &'a Matrix, all: &[Pair]) -> Result<Option<Self>, Error> {
        let row = |name: &String| matrix.models.binary_search(name).ok();
        let own = all.iter().filter(|pair| pair.is_for(&matrix.benchmark, &matrix.metric));
        let own: Vec<&Pair> = own.collect();
        let rows =
            |pair: &&Pair| Some(Rows { variant: row(&pair.variant)?, base: row(&pair.base)? });
        let found: Vec<Rows> = own.iter().filter_map(rows).collect();
        let pairs: Vec<Rows> = each_once(&found).copied().collect();
        let sources = sources(matrix, &pairs);
        let line = format!(
            "{}: {} of {} pairs; {} models to select from",
            matrix.dataset,
            pairs.len(),
            own.len(),
            sources.len()
        );
        if pairs.is_empty() || sources.len() < MINIMUM_SOURCES {
            say(&format!("{line}; skipped: no pair, or fewer than {MINIMUM_SOURCES} models"));
            return Ok(None);
        }
        say(&line);
        let sources = matrix.scores.select_models(&sources);
        let sources =
            sources.map_err(|source| Error::Stats { context: matrix.dataset.clone(), source })?;
        Ok(Some(Self { matrix, pairs, sources }))
    }

    /// One tally a bin, over all pairs on one subset.
    fn tallies(
        &self,
        subset: &Subset,
        base_known: bool,
        criterion: &Criterion,
    ) -> Result<[Tally; BINS.len()], StatsError> {
        let parents = self.matrix.parents.as_ref();
        let parents: Option<Vec<u32>> =
            parents.map(|all| subset.items.iter().map(|&item| all[item]).collect());
        let mut tallies = [Tally::default(); BINS.len()];
        for pair in &self.pairs {
            let full = &self.matrix.full_scores;
            let truth = full[pair.variant] - full[pair.base];
            let base_full = base_known.then_some(full[pair.base]);
            let comparison = self.compare(*pair, subset, parents.as_deref(), base_full)?;
            tallies[bin(truth)].add(truth, &comparison, criterion)?;
        }
        Ok(tallies)
    }

    fn compare(
        &self,
        pair: Rows,
        subset: &Subset,
        clusters: Option<&[u32]>,
        base_full: Option<f64>,
    ) -> Result<Comparison, StatsError> {
        let scores = &self.matrix.scores;
        let answers = |model: usize| -> Vec<f64> {
            subset.items.iter().filter_map(|&item| scores.get(model, item)).collect()
        };
        let (base, variant) = (answers(pair.base), answers(pair.variant));
        let answers =
            Answers { base: &base, variant: &variant, weights: &subset.weights, clusters };
        let scope = Scope::Benchmark { items: scores.items(), draw: Draw::Items };
        // Only the sign-flip test, which is not measured here, draws from the stream.
        compare(&answers, &Setting { scope, base_full }, &mut Stream::new(0, "bench/pairs", 0))
    }
}

/// Models that are in no pair and share their base with no model of a pair.
fn sources(matrix: &Matrix, pairs: &[Rows]) -> Vec<usize> {
    let members: BTreeSet<usize> =
        pairs.iter().flat_map(|pair| [pair.variant, pair.base]).collect();
    let bases: BTreeSet<u32> =
        members.iter().filter_map(|&model| matrix.attributes[model].base).collect();
    let related =
        |model: usize| matrix.attributes[model].base.is_some_and(|base| bases.contains(&base));
    let free = |model: &usize| !members.contains(model) && !related(*model);
    (0..matrix.models.len()).filter(free).collect()
}
