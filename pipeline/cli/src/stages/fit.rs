//! One subset to its estimator, with the interval that selection and fit on other models had earned.

use std::collections::{BTreeMap, BTreeSet};

use aliquot_release::estimator::{Estimator, SCHEMA};
use aliquot_stats::{
    cold::fit_cold,
    estimate::{Fitted, fit},
    interval::{Intervals, StreamKey},
    matrix::Target,
    procedure::Procedure,
    select::Subset,
    sources::Sources,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::subsets::{self, Member};
use serde::Serialize;

use super::{stats, table};
use crate::{
    error::Error,
    graph::SUBSETS,
    problem::{Tables, TargetItems, TargetMatrix},
    recipe::TargetSpec,
};

/// The subset that is chosen before the others.
const FIRST_SUBSET: &str = SUBSETS[0];

/// Which subset, and how.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The target.
    pub target: TargetSpec,
    /// Name of the subset.
    pub subset: &'static str,
    /// `selection+estimator`.
    pub procedure: String,
}

/// Inputs: scores, items, roster, embeddings if the procedure looks at text, subsets. Output: the
/// estimator file.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let procedure = Procedure::from_name(&params.procedure)
        .ok_or_else(|| Error::Internal(format!("procedure {}", params.procedure)))?;
    let embeddings = procedure.selection.needs_embeddings();
    let (tables, rest) = Tables::read_with(store, inputs, embeddings)?;
    let members = subsets::decode(&store.get(rest[0])?).map_err(table("subsets"))?;

    let items = tables.items(&params.target)?;
    let own = Own::new(params, procedure, &items, &members)?;
    let estimator = match tables.have_results() {
        true => own.by_results(&tables.target(&params.target)?, &members)?,
        false => own.cold(&items.target)?,
    };

    Ok(vec![store.put(&estimator.to_bytes()?)?])
}

/// The subset that an estimator is for.
struct Own<'a> {
    params: &'a Params,
    procedure: Procedure,
    /// Number of items in the target.
    population: usize,
    uids: Vec<String>,
    subset: Subset,
}

impl<'a> Own<'a> {
    fn new(
        params: &'a Params,
        procedure: Procedure,
        items: &TargetItems,
        all: &[Member],
    ) -> Result<Self, Error> {
        let own = |member: &&Member| {
            member.target == params.target.name && member.subset == params.subset
        };
        let members: Vec<&Member> = all.iter().filter(own).collect();
        let places: BTreeMap<&str, usize> =
            items.uids.iter().map(String::as_str).zip(0..).collect();
        let place = |member: &&Member| {
            places.get(member.item_uid.as_str()).copied().ok_or_else(|| {
                Error::Internal(format!("item {} is not in its target", member.item_uid))
            })
        };
        Ok(Self {
            params,
            procedure,
            population: items.uids.len(),
            uids: members.iter().map(|member| member.item_uid.clone()).collect(),
            subset: Subset {
                items: members.iter().map(place).collect::<Result<_, _>>()?,
                weights: members.iter().map(|member| member.weight).collect(),
            },
        })
    }

    fn context(&self) -> String {
        format!("fit the {} subset of target `{}`", self.params.subset, self.params.target.name)
    }

    fn estimator(self, made: Made) -> Estimator {
        Estimator {
            schema: SCHEMA.to_owned(),
            target: self.params.target.name.clone(),
            subset: self.params.subset.to_owned(),
            procedure: self.params.procedure.clone(),
            population: self.population as u64,
            sources: made.sources as u64,
            items: self.uids,
            source_range: made.range,
            form: made.fitted.into(),
            interval: made.intervals.into(),
        }
    }

    fn cold(self, target: &Target) -> Result<Estimator, Error> {
        let (fitted, intervals) =
            fit_cold(self.procedure, target, &self.subset).map_err(stats(self.context()))?;
        Ok(self.estimator(Made { fitted, intervals, sources: 0, range: [0.0, 1.0] }))
    }

    fn by_results(self, matrix: &TargetMatrix, all: &[Member]) -> Result<Estimator, Error> {
        let Params { subset, target, seed, .. } = self.params;
        // What selection had to choose from: test subsets come first and have every item, validation
        // subsets have what no test subset holds.
        let taken: BTreeSet<&str> = all
            .iter()
            .filter(|member| member.subset != *subset && *subset != FIRST_SUBSET)
            .map(|member| member.item_uid.as_str())
            .collect();
        let free = |item: &usize| !taken.contains(matrix.named.items[*item].as_str());
        let pool: Vec<usize> = (0..self.population).filter(free).collect();
        let problem = matrix.problem(&pool, self.subset.items.len())?;
        let label = format!("{}/{subset}/fit", target.name);
        let key = StreamKey { seed: *seed, label: &label };
        let sources = Sources::new(problem.matrix, problem.target, &pool, key)
            .and_then(|sources| sources.with_points(problem.points))
            .map_err(stats(self.context()))?;
        let method = self.procedure.estimator;
        let fitted = fit(method, &sources, &self.subset, &mut key.stream("fit", 0))
            .map_err(stats(self.context()))?;
        let intervals =
            Intervals::calibrate(self.procedure, &problem, key).map_err(stats(self.context()))?;
        let scores = sources.full_scores.iter().copied();
        let range = [
            scores.clone().fold(f64::INFINITY, f64::min),
            scores.fold(f64::NEG_INFINITY, f64::max),
        ];
        let sources = problem.matrix.models();
        Ok(self.estimator(Made { fitted, intervals, sources, range }))
    }
}

/// What a fit gives.
struct Made {
    fitted: Fitted,
    intervals: Intervals,
    /// Number of source models.
    sources: usize,
    /// Their lowest and highest score.
    range: [f64; 2],
}
