//! The whole graph of a recipe, on one screen.
//!
//! ```text
//! fetch (a file) -> normalize (a file) -> merge -> audit -> split -> size -> evaluate --+
//!                                           |        |               |                  v
//!                                           +--------+---------------+-> select -> analyse -> report --+
//!                                                                          |                           v
//!                                                                          +--> fit -------------> package -> publish
//! ```

use std::collections::{BTreeMap, BTreeSet};

use aliquot_engine::{Graph, Node, NodeId};
use aliquot_sources::{Address, Lock, LockedFile, adapters};
use aliquot_store::{ObjectId, canonical::CanonicalError};
use serde::Serialize;

use crate::{
    recipe::{AuditPolicy, Published, Recipe, Source, SubsetSizes},
    size::{Budget, Budgets, Size},
    stages,
};

/// What a node does, with all that it needs besides its inputs.
#[derive(Debug, Clone)]
pub enum Task {
    /// Brings one raw file into the store.
    Fetch(LockedFile),
    /// Reads one raw file, or the tables of one source.
    Normalize(stages::normalize::Params),
    /// Joins the shards of all raw files.
    Merge(stages::merge::Addresses),
    /// Looks for what is wrong with the data and decides what stays.
    Audit(stages::audit::Params),
    /// Deals models into sources and held-out ones.
    Split(stages::split::Params),
    /// Measures the released procedure at other sizes and finds those that are asked for.
    Size(stages::size::Params),
    /// Chooses the items of all subsets.
    Select(stages::select::Params),
    /// Fits the estimator of one subset.
    Fit(stages::fit::Params),
    /// Describes each item, and how finely benchmarks and subsets tell models apart.
    Analyse(stages::analyse::Params),
    /// Measures all procedures on one target and kind of split.
    Evaluate(stages::evaluate::Params),
    /// Writes the summaries.
    Report(stages::report::Params),
    /// Writes the manifest.
    Package(Box<stages::package::Params>),
    /// Makes the release visible.
    Publish,
}

/// Name and version of every stage; a version is raised when the stage gives other bytes.
pub const STAGES: [(&str, u32); 13] = [
    (FETCH, 1),
    (NORMALIZE, adapters::alpaca_eval::VERSION + adapters::table::VERSION - 1),
    (MERGE, 2),
    (AUDIT, 1),
    (SPLIT, 1),
    (SIZE, 1),
    (SELECT, 2),
    (FIT, 2),
    (ANALYSE, 1),
    (EVALUATE, 2),
    (REPORT, 3),
    (PACKAGE, 1),
    (PUBLISH, 1),
];

/// The stage whose output is known before it runs: the lock says it.
pub const FETCH: &str = "fetch";
const NORMALIZE: &str = "normalize";
const MERGE: &str = "merge";
const AUDIT: &str = "audit";
const SPLIT: &str = "split";
const SIZE: &str = "size";
const SELECT: &str = "select";
const FIT: &str = "fit";
const ANALYSE: &str = "analyse";
const EVALUATE: &str = "evaluate";
const REPORT: &str = "report";
/// The stage whose output is the manifest.
pub const PACKAGE: &str = "package";
/// The stage whose effect is outside the cache.
pub const PUBLISH: &str = "publish";

// Places of the tables among the outputs of normalize (the first four), merge, audit and analyse.
const RESPONSES: usize = 0;
const ITEMS: usize = 1;
const MODELS: usize = 2;
const ALIASES: usize = 3;
const SCORES: usize = 4;
const FINDINGS: usize = 0;
const ROSTER: usize = 1;
const ITEM_ANALYSIS: usize = 0;
const RELIABILITY: usize = 1;
/// Place of the quality table among the report's outputs.
pub const QUALITY: usize = 0;
const ERROR_CURVE: usize = 3;

/// Number of objects that a stage gives.
pub fn outputs(stage: &str) -> usize {
    match stage {
        NORMALIZE => 4,
        MERGE => 5,
        REPORT => 4,
        AUDIT | ANALYSE => 2,
        _ => 1,
    }
}

/// The texts that a release is made from.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The recipe, as written.
    pub recipe: &'a str,
    /// The lock, as written.
    pub lock: &'a str,
}

/// Builds the graph of a recipe whose files the lock pins, all of them.
pub fn build(
    recipe: &Recipe,
    lock: &Lock,
    texts: Texts<'_>,
) -> Result<Graph<Task>, CanonicalError> {
    let mut builder = Builder { graph: Graph::new(), fetched: BTreeMap::new(), recipe, lock };
    let merged = builder.sources()?;
    let audit = builder.audit(merged)?;
    let splits = builder.splits(merged, audit)?;
    let sizes = builder.sizes(merged, audit, splits)?;
    let subsets = builder.select(merged, audit, &sizes)?;
    let estimators = builder.fits(merged, audit, subsets)?;
    let analysis = builder.analyse(merged, audit, subsets)?;
    let evaluations = builder.evaluations([merged, audit], splits, &sizes)?;
    let described = Described { subsets, analysis, sizes: &sizes, evaluations: &evaluations };
    let report = builder.report(audit, described)?;
    let products = Products { splits, subsets, estimators, analysis, report };
    builder.package(texts, merged, audit, products)?;
    Ok(builder.graph)
}

struct Builder<'a> {
    graph: Graph<Task>,
    /// One node a raw file, however many stages read it.
    fetched: BTreeMap<Address, NodeId>,
    recipe: &'a Recipe,
    lock: &'a Lock,
}

/// Nodes that the release is packed from.
struct Products {
    splits: NodeId,
    subsets: NodeId,
    estimators: Vec<(usize, &'static str, NodeId)>,
    analysis: NodeId,
    report: NodeId,
}

/// Nodes that the report is written from.
#[derive(Clone, Copy)]
struct Described<'a> {
    subsets: NodeId,
    analysis: NodeId,
    sizes: &'a [SizeNode],
    evaluations: &'a [NodeId],
}

/// The error curve of one target on one kind of split.
struct SizeNode {
    node: NodeId,
    /// Place of the target.
    target: usize,
    /// Subsets whose size it finds.
    found: Vec<&'static str>,
}

/// Names of the two subsets of every target.
pub const SUBSETS: [&str; 2] = ["test", "validation"];

fn node(
    name: impl Into<String>,
    stage: &'static str,
    parameters: &impl Serialize,
) -> Result<Node, CanonicalError> {
    let version = STAGES.iter().find(|(name, _)| *name == stage).map_or(0, |(_, version)| *version);
    Node::new(name, stage, version, parameters)
}

impl Builder<'_> {
    fn fetch(&mut self, address: &Address) -> Result<NodeId, CanonicalError> {
        #[derive(Serialize)]
        struct Pinned {
            size: u64,
            blake3: ObjectId,
            sha256: String,
        }
        if let Some(node) = self.fetched.get(address) {
            return Ok(*node);
        }
        // The lock was checked to have every address.
        let Some(file) = self.lock.file(address) else { unreachable!("lock lacks {address}") };
        // The address is no parameter: the same bytes from elsewhere are the same bytes.
        let pinned = Pinned { size: file.size, blake3: file.blake3, sha256: file.sha256.clone() };
        let fetch =
            node(format!("fetch/{address}"), FETCH, &pinned)?.task(Task::Fetch(file.clone()));
        let fetch = self.graph.add(fetch);
        self.fetched.insert(address.clone(), fetch);
        Ok(fetch)
    }

    /// Fetch and normalize nodes, and the merge of what they give.
    fn sources(&mut self) -> Result<NodeId, CanonicalError> {
        let mut merge = node("merge", MERGE, &())?;
        let shards = match &self.recipe.source {
            Source::AlpacaEval { revision, models, .. } => models
                .iter()
                .map(|(model, address)| {
                    let params = stages::normalize::Params::AlpacaEval {
                        address: address.clone(),
                        model: model.clone(),
                        revision: revision.clone(),
                    };
                    self.normalize(model, params, &[address])
                })
                .collect::<Result<Vec<_>, _>>()?,
            Source::Table { scores, items, models, declaration } => {
                let params = stages::normalize::Params::Table {
                    scores: scores.clone(),
                    items: items.clone(),
                    models: models.clone(),
                    declaration: declaration.clone(),
                };
                let files: Vec<&Address> =
                    std::iter::once(scores).chain(items).chain(models).collect();
                vec![self.normalize("table", params, &files)?]
            }
        };
        for shard in shards {
            for output in 0..outputs(NORMALIZE) {
                merge = merge.input(shard, output);
            }
        }
        let addresses =
            self.lock.files().iter().map(|file| (file.blake3, file.address.to_string()));
        Ok(self.graph.add(merge.task(Task::Merge(addresses.collect()))))
    }

    fn normalize(
        &mut self,
        name: &str,
        params: stages::normalize::Params,
        files: &[&Address],
    ) -> Result<NodeId, CanonicalError> {
        let mut normalize = node(format!("normalize/{name}"), NORMALIZE, &params)?;
        for address in files {
            normalize = normalize.input(self.fetch(address)?, 0);
        }
        Ok(self.graph.add(normalize.task(Task::Normalize(params))))
    }

    fn audit(&mut self, merged: NodeId) -> Result<NodeId, CanonicalError> {
        let published: Option<Published> = match &self.recipe.source {
            Source::AlpacaEval { published, .. } => published.clone(),
            Source::Table { .. } => None,
        };
        let policy: AuditPolicy = self.recipe.audit.clone();
        let address = published.as_ref().map(|published| published.address.clone());
        let params = stages::audit::Params { policy, published };
        let mut audit = node("audit", AUDIT, &params)?.input(merged, SCORES).input(merged, ITEMS);
        if let Some(address) = address {
            audit = audit.input(self.fetch(&address)?, 0);
        }
        Ok(self.graph.add(audit.task(Task::Audit(params))))
    }

    /// A node that works on the matrix: scores, items and the roster are its first inputs.
    fn on_matrix(
        name: String,
        stage: &'static str,
        parameters: &impl Serialize,
        [merged, audit]: [NodeId; 2],
    ) -> Result<Node, CanonicalError> {
        Ok(node(name, stage, parameters)?
            .input(merged, SCORES)
            .input(merged, ITEMS)
            .input(audit, ROSTER))
    }

    fn splits(&mut self, merged: NodeId, audit: NodeId) -> Result<NodeId, CanonicalError> {
        let params = stages::split::Params {
            seed: self.recipe.seed,
            targets: self.recipe.targets.clone(),
            splits: self.recipe.splits.iter().map(|kind| kind.name()).collect(),
            repetitions: self.recipe.repetitions,
        };
        let split = Self::on_matrix("split".to_owned(), SPLIT, &params, [merged, audit])?;
        Ok(self.graph.add(split.task(Task::Split(params))))
    }

    /// One node a target and kind of split.
    fn sizes(
        &mut self,
        merged: NodeId,
        audit: NodeId,
        splits: NodeId,
    ) -> Result<Vec<SizeNode>, CanonicalError> {
        let mut nodes = Vec::new();
        for (index, target) in self.recipe.targets.iter().enumerate() {
            for split in &self.recipe.splits {
                let asked = |subset: &&'static str| match subset_size(self.recipe.subsets, subset) {
                    Size::Searched(search) if search.split == *split => {
                        Some(stages::size::Asked::new(subset, search.request))
                    }
                    _ => None,
                };
                let asked: Vec<stages::size::Asked> = SUBSETS.iter().filter_map(asked).collect();
                let found = asked.iter().map(|asked| asked.subset).collect();
                let params = stages::size::Params {
                    seed: self.recipe.seed,
                    target: target.clone(),
                    split: split.name(),
                    procedure: self.recipe.procedure.name(),
                    asked,
                };
                let name = format!("size/{}/{}", target.name, split.name());
                let size = Self::on_matrix(name, SIZE, &params, [merged, audit])?.input(splits, 0);
                let node = self.graph.add(size.task(Task::Size(params)));
                nodes.push(SizeNode { node, target: index, found });
            }
        }
        Ok(nodes)
    }

    fn select(
        &mut self,
        merged: NodeId,
        audit: NodeId,
        sizes: &[SizeNode],
    ) -> Result<NodeId, CanonicalError> {
        let SubsetSizes { validation, test } = self.recipe.subsets;
        let params = stages::select::Params {
            seed: self.recipe.seed,
            targets: self.recipe.targets.clone(),
            sizes: Budgets {
                validation: validation.budget("validation"),
                test: test.budget("test"),
            },
            selection: self.recipe.procedure.selection.name(),
        };
        let mut select = Self::on_matrix("select".to_owned(), SELECT, &params, [merged, audit])?;
        for size in sizes.iter().filter(|size| !size.found.is_empty()) {
            select = select.input(size.node, 0);
        }
        Ok(self.graph.add(select.task(Task::Select(params))))
    }

    fn fits(
        &mut self,
        merged: NodeId,
        audit: NodeId,
        subsets: NodeId,
    ) -> Result<Vec<(usize, &'static str, NodeId)>, CanonicalError> {
        let mut estimators = Vec::new();
        for (index, target) in self.recipe.targets.iter().enumerate() {
            for subset in SUBSETS {
                let params = stages::fit::Params {
                    seed: self.recipe.seed,
                    target: target.clone(),
                    subset,
                    procedure: self.recipe.procedure.name(),
                };
                let name = format!("fit/{}/{subset}", target.name);
                let fit = Self::on_matrix(name, FIT, &params, [merged, audit])?.input(subsets, 0);
                estimators.push((index, subset, self.graph.add(fit.task(Task::Fit(params)))));
            }
        }
        Ok(estimators)
    }

    fn analyse(
        &mut self,
        merged: NodeId,
        audit: NodeId,
        subsets: NodeId,
    ) -> Result<NodeId, CanonicalError> {
        let Recipe { seed, targets, .. } = self.recipe.clone();
        let params = stages::analyse::Params { seed, targets };
        let analyse = Self::on_matrix("analyse".to_owned(), ANALYSE, &params, [merged, audit])?;
        Ok(self.graph.add(analyse.input(subsets, 0).task(Task::Analyse(params))))
    }

    fn evaluations(
        &mut self,
        on_matrix: [NodeId; 2],
        splits: NodeId,
        sizes: &[SizeNode],
    ) -> Result<Vec<NodeId>, CanonicalError> {
        let mut evaluations = Vec::new();
        let SubsetSizes { validation, test } = self.recipe.subsets;
        // Sizes that are searched for alike are found alike.
        let named = if validation == test { "test" } else { "validation" };
        let budgets = BTreeSet::from([validation.budget(named), test.budget("test")]);
        let budgets = |split| budgets.iter().map(move |budget| (split, *budget));
        for (index, target) in self.recipe.targets.iter().enumerate() {
            for (split, k) in self.recipe.splits.iter().flat_map(budgets) {
                let params = stages::evaluate::Params {
                    seed: self.recipe.seed,
                    target: target.clone(),
                    split: split.name(),
                    k,
                    compared: self
                        .recipe
                        .compared
                        .iter()
                        .map(|procedure| procedure.name())
                        .collect(),
                    released: self.recipe.procedure.name(),
                };
                let (name, found) = match k {
                    Budget::Fixed(k) => (k.to_string(), None),
                    Budget::Found(subset) => {
                        let own =
                            |size: &&SizeNode| size.target == index && size.found.contains(&subset);
                        (subset.to_owned(), sizes.iter().find(own))
                    }
                };
                let name = format!("evaluate/{}/{}/{name}", target.name, split.name());
                let mut evaluate =
                    Self::on_matrix(name, EVALUATE, &params, on_matrix)?.input(splits, 0);
                if let Some(size) = found {
                    evaluate = evaluate.input(size.node, 0);
                }
                evaluations.push(self.graph.add(evaluate.task(Task::Evaluate(params))));
            }
        }
        Ok(evaluations)
    }

    fn report(
        &mut self,
        audit: NodeId,
        described: Described<'_>,
    ) -> Result<NodeId, CanonicalError> {
        let Described { subsets, analysis, sizes, evaluations } = described;
        let Recipe { name, version, title, description, licence, .. } = self.recipe.clone();
        let curves = sizes.len();
        let params = stages::report::Params { name, version, title, description, licence, curves };
        let mut report = node("report", REPORT, &params)?
            .input(audit, ROSTER)
            .input(audit, FINDINGS)
            .input(subsets, 0)
            .input(analysis, ITEM_ANALYSIS)
            .input(analysis, RELIABILITY);
        for size in sizes {
            report = report.input(size.node, 0);
        }
        for evaluation in evaluations {
            report = report.input(*evaluation, 0);
        }
        Ok(self.graph.add(report.task(Task::Report(params))))
    }

    fn package(
        &mut self,
        texts: Texts<'_>,
        merged: NodeId,
        audit: NodeId,
        products: Products,
    ) -> Result<(), CanonicalError> {
        let steps: Vec<Node> =
            self.graph.nodes().iter().map(|node| node.clone().task(())).collect();
        let params = stages::package::Params {
            identity: stages::package::Identity::of(self.recipe, texts.recipe, texts.lock),
            recipe: texts.recipe.to_owned(),
            lock: texts.lock.to_owned(),
            files: self.lock.files().to_vec(),
            tables: vec![
                ("responses", merged, RESPONSES),
                ("scores", merged, SCORES),
                ("items", merged, ITEMS),
                ("models", merged, MODELS),
                ("aliases", merged, ALIASES),
                ("findings", audit, FINDINGS),
                ("roster", audit, ROSTER),
                ("splits", products.splits, 0),
                ("subsets", products.subsets, 0),
                ("item_analysis", products.analysis, ITEM_ANALYSIS),
                ("reliability", products.analysis, RELIABILITY),
                ("quality", products.report, QUALITY),
                ("error_curve", products.report, ERROR_CURVE),
            ],
            reports: vec![
                ("summary.md", "text/markdown", products.report, 1),
                ("summary.txt", "text/plain", products.report, 2),
            ],
            estimators: products.estimators,
            steps,
        };
        // The manifest tells of every step, so every step is a parameter.
        let told: Vec<_> = params
            .steps
            .iter()
            .map(|step| (&step.name, step.stage, step.version, step.parameters))
            .collect();
        let mut package = node("package", PACKAGE, &(&params.identity, told))?;
        // Everything that was made goes in, in the order of the graph: provenance needs every id.
        for (index, step) in params.steps.iter().enumerate() {
            for output in 0..outputs(step.stage) {
                package = package.input(self.graph.id(index), output);
            }
        }
        let package = self.graph.add(package.task(Task::Package(Box::new(params))));
        let publish = node("publish", PUBLISH, &())?.input(package, 0).task(Task::Publish);
        self.graph.add(publish);
        Ok(())
    }
}

/// Sizes of the subsets by name.
fn subset_size(sizes: SubsetSizes, subset: &str) -> Size {
    if subset == "test" { sizes.test } else { sizes.validation }
}
