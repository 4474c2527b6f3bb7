//! The whole graph of a recipe, on one screen.
//!
//! ```text
//! fetch (a file) -> normalize (a file) -> merge -> audit -> split -> size -> evaluate --+
//!                                          |  ^     |               |                  v
//!                                       embed +     +---------------+-> select -> analyse -> report --+
//!                                          |                           |                    ^         v
//!                                          |                           +--> fit ------------|----> package -> publish
//!                                          +--------------------------------> cluster ------+
//!
//! embed and cluster: with [embed] only. Without results there is no split, size, analyse, evaluate.
//! ```

use std::collections::{BTreeMap, BTreeSet};

use aliquot_engine::{Graph, Node, NodeId};
use aliquot_sources::{Address, Lock, LockedFile, adapters};
use aliquot_store::{ObjectId, canonical::CanonicalError};
use serde::Serialize;

use crate::{
    audit::policy::AuditPolicy,
    embedding::Vectors,
    recipe::{Published, Recipe, Source, SubsetSizes},
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
    /// Reads files that no recipe names, where they lie.
    Read(stages::normalize::FileParams, Vec<stages::local_file::LocalFile>),
    /// Joins the shards of all raw files to one leaderboard.
    Merge(stages::merge::Addresses),
    /// Joins the shards of all raw files to tables.
    Gather(stages::merge::Addresses),
    /// Turns the texts of all items into vectors.
    Embed(stages::embed::Params),
    /// Tells how well texts foretell items, and predicts those without answers.
    Amortise(stages::amortise::Params),
    /// Describes how items lie by their texts.
    Cluster(stages::cluster::Params),
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
pub const STAGES: [(&str, u32); 17] = [
    (FETCH, 1),
    (NORMALIZE, adapters::alpaca_eval::VERSION + adapters::table::VERSION - 1),
    (MERGE, 3),
    (GATHER, 1),
    (EMBED, 1),
    (AUDIT, 3),
    (AMORTISE, 1),
    (SPLIT, 1),
    (SIZE, 1),
    (SELECT, 2),
    (CLUSTER, 1),
    (FIT, 2),
    (ANALYSE, 1),
    (EVALUATE, 2),
    (REPORT, 4),
    (PACKAGE, 1),
    (PUBLISH, 1),
];

/// The stage whose output is known before it runs: the lock says it.
pub const FETCH: &str = "fetch";
/// The stage that reads raw files.
pub const NORMALIZE: &str = "normalize";
/// The stage that joins all raw files.
pub const MERGE: &str = "merge";
/// The stage that joins files that no recipe names.
pub const GATHER: &str = "gather";
const EMBED: &str = "embed";
const AMORTISE: &str = "amortise";
const CLUSTER: &str = "cluster";
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

// Places of the tables among the outputs of normalize, gather and merge (the first seven), amortise,
// cluster, audit and analyse.
/// Place of the responses among the tables of a shard.
pub const RESPONSES: usize = 0;
/// Place of the items among them.
pub const ITEMS: usize = 1;
/// Place of the models among them.
pub const MODELS: usize = 2;
/// Place of the aliases among them.
pub const ALIASES: usize = 3;
/// Place of the runs among them.
pub const RUNS: usize = 4;
/// Place of the prompts among them.
pub const PROMPTS: usize = 5;
/// Place of the findings of the sources among them.
pub const SOURCE_FINDINGS: usize = 6;
/// Number of tables of a shard.
pub const NORMALIZED: usize = 7;
const SCORES: usize = NORMALIZED;
const GAPS: usize = NORMALIZED + 1;
const AMORTISATION: usize = 0;
const PREDICTIONS: usize = 1;
const COMPLETED_SCORES: usize = 2;
const COMPLETED_ROSTER: usize = 3;
const CLUSTERS: usize = 0;
const CLUSTERING: usize = 1;
const PROJECTION: usize = 2;
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
        NORMALIZE | GATHER => NORMALIZED,
        MERGE => NORMALIZED + 2,
        AMORTISE => 4,
        REPORT => 4,
        CLUSTER => 3,
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
    let embeddings = builder.embeddings(merged)?;
    let audit = builder.audit(merged, embeddings)?;
    let answered =
        Data { merged, audit, embeddings, scores: (merged, SCORES), roster: (audit, ROSTER) };
    let amortised = builder.amortised(answered)?;
    let data = answered.completed(amortised.filter(|_| recipe.predicts()));
    let splits = builder.splits(data)?;
    let sizes = builder.sizes(data, splits)?;
    let subsets = builder.select(data, &sizes)?;
    let estimators = builder.fits(data, subsets)?;
    let analysis = builder.analyse(answered, subsets)?;
    let evaluations = builder.evaluations(data, splits, &sizes)?;
    let clusters = builder.clusters(data, subsets)?;
    let described = Described {
        subsets,
        analysis,
        amortised,
        clusters,
        sizes: &sizes,
        evaluations: &evaluations,
    };
    let report = builder.report(data, described)?;
    let has_runs = matches!(recipe.source, Source::Files(_));
    let products =
        Products { has_runs, splits, subsets, estimators, analysis, amortised, clusters, report };
    builder.package(texts, data, products)?;
    Ok(builder.graph)
}

/// What every later node reads.
#[derive(Clone, Copy)]
struct Data {
    merged: NodeId,
    audit: NodeId,
    embeddings: Option<NodeId>,
    /// Node and output of the scores.
    scores: (NodeId, usize),
    /// Node and output of the roster.
    roster: (NodeId, usize),
}

impl Data {
    /// The same with predicted scores of unanswered items, if they are predicted.
    fn completed(self, amortised: Option<NodeId>) -> Self {
        match amortised {
            None => self,
            Some(node) => {
                Self { scores: (node, COMPLETED_SCORES), roster: (node, COMPLETED_ROSTER), ..self }
            }
        }
    }
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
    /// Whether the sources tell how responses came about.
    has_runs: bool,
    splits: Option<NodeId>,
    subsets: NodeId,
    estimators: Vec<(usize, &'static str, NodeId)>,
    analysis: Option<NodeId>,
    amortised: Option<NodeId>,
    clusters: Option<NodeId>,
    report: NodeId,
}

/// Nodes that the report is written from.
#[derive(Clone, Copy)]
struct Described<'a> {
    subsets: NodeId,
    analysis: Option<NodeId>,
    amortised: Option<NodeId>,
    clusters: Option<NodeId>,
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

/// Version of a stage.
pub fn stage_version(stage: &str) -> u32 {
    STAGES.iter().find(|(name, _)| *name == stage).map_or(0, |(_, version)| *version)
}

fn node(
    name: impl Into<String>,
    stage: &'static str,
    parameters: &impl Serialize,
) -> Result<Node, CanonicalError> {
    Node::new(name, stage, stage_version(stage), parameters)
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
                    all_items: self.recipe.predicts(),
                };
                let files: Vec<&Address> =
                    std::iter::once(scores).chain(items).chain(models).collect();
                vec![self.normalize("table", params, &files)?]
            }
            Source::Files(groups) => {
                let mut shards = Vec::new();
                for params in groups.iter().flat_map(|files| files.units(self.lock)) {
                    let addresses = params.addresses.clone();
                    let name = addresses[0].to_string();
                    let addresses: Vec<&Address> = addresses.iter().collect();
                    let params = stages::normalize::Params::Files(params);
                    shards.push(self.normalize(&name, params, &addresses)?);
                }
                shards
            }
            Source::Items { items, benchmark, columns } => {
                let params = stages::normalize::Params::Items {
                    items: items.clone(),
                    benchmark: benchmark.clone(),
                    columns: columns.clone(),
                };
                vec![self.normalize("items", params, &[items])?]
            }
        };
        for shard in shards {
            for output in 0..outputs(NORMALIZE) {
                merge = merge.input(shard, output);
            }
        }
        // A table of vectors is no source of rows; naming it in errors does no harm.
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

    fn embeddings(&mut self, merged: NodeId) -> Result<Option<NodeId>, CanonicalError> {
        let Some(embed) = &self.recipe.embed else { return Ok(None) };
        let (params, recorded) = match &embed.vectors {
            Vectors::Computed(computation) => {
                (stages::embed::Params::Computed(computation.clone()), None)
            }
            Vectors::Recorded(address) => (stages::embed::Params::Recorded, Some(address)),
        };
        let mut embed = node("embed", EMBED, &params)?.input(merged, ITEMS);
        if let Some(address) = recorded {
            embed = embed.input(self.fetch(address)?, 0);
        }
        Ok(Some(self.graph.add(embed.task(Task::Embed(params)))))
    }

    /// None without texts, or without answers.
    fn amortised(&mut self, data: Data) -> Result<Option<NodeId>, CanonicalError> {
        if self.recipe.embed.is_none() || !self.recipe.source.has_results() {
            return Ok(None);
        }
        let benchmarks = self.recipe.targets.iter().flat_map(|target| target.benchmarks.keys());
        let params = stages::amortise::Params {
            seed: self.recipe.seed,
            benchmarks: benchmarks.cloned().collect(),
        };
        let node = Self::on_matrix("amortise".to_owned(), AMORTISE, &params, data, true)?;
        Ok(Some(self.graph.add(node.task(Task::Amortise(params)))))
    }

    fn clusters(&mut self, data: Data, subsets: NodeId) -> Result<Option<NodeId>, CanonicalError> {
        let Some(embed) = &self.recipe.embed else { return Ok(None) };
        let params = stages::cluster::Params {
            seed: self.recipe.seed,
            targets: self.recipe.targets.clone(),
            counts: embed.clusters.clone(),
        };
        let cluster = Self::on_matrix("cluster".to_owned(), CLUSTER, &params, data, true)?;
        Ok(Some(self.graph.add(cluster.input(subsets, 0).task(Task::Cluster(params)))))
    }

    fn audit(
        &mut self,
        merged: NodeId,
        embeddings: Option<NodeId>,
    ) -> Result<NodeId, CanonicalError> {
        let published: Option<Published> = match &self.recipe.source {
            Source::AlpacaEval { published, .. } => published.clone(),
            Source::Table { .. } | Source::Files(_) | Source::Items { .. } => None,
        };
        let policy: AuditPolicy = self.recipe.audit.clone();
        let address = published.as_ref().map(|published| published.address.clone());
        let params = stages::audit::Params { policy, published };
        let mut audit = node("audit", AUDIT, &params)?;
        for table in [SCORES, ITEMS, MODELS, GAPS, RUNS, SOURCE_FINDINGS] {
            audit = audit.input(merged, table);
        }
        if let Some(embeddings) = embeddings {
            audit = audit.input(embeddings, 0);
        }
        if let Some(address) = address {
            audit = audit.input(self.fetch(&address)?, 0);
        }
        Ok(self.graph.add(audit.task(Task::Audit(params))))
    }

    /// A node that works on the matrix: scores, items and the roster are its first inputs, and the
    /// embeddings if it looks at text.
    fn on_matrix(
        name: String,
        stage: &'static str,
        parameters: &impl Serialize,
        data: Data,
        text: bool,
    ) -> Result<Node, CanonicalError> {
        let Data { merged, embeddings, scores, roster, .. } = data;
        let node = node(name, stage, parameters)?
            .input(scores.0, scores.1)
            .input(merged, ITEMS)
            .input(roster.0, roster.1);
        Ok(match embeddings.filter(|_| text) {
            Some(embeddings) => node.input(embeddings, 0),
            None => node,
        })
    }

    /// Whether the released procedure looks at text.
    fn looks_at_text(&self) -> bool {
        self.recipe.procedure.selection.needs_embeddings()
    }

    /// None where there are no models to split.
    fn splits(&mut self, data: Data) -> Result<Option<NodeId>, CanonicalError> {
        if !self.recipe.source.has_results() {
            return Ok(None);
        }
        let params = stages::split::Params {
            seed: self.recipe.seed,
            targets: self.recipe.targets.clone(),
            splits: self.recipe.splits.iter().map(|kind| kind.name()).collect(),
            repetitions: self.recipe.repetitions,
        };
        let split = Self::on_matrix("split".to_owned(), SPLIT, &params, data, false)?;
        Ok(Some(self.graph.add(split.task(Task::Split(params)))))
    }

    /// One node a target and kind of split.
    fn sizes(
        &mut self,
        data: Data,
        splits: Option<NodeId>,
    ) -> Result<Vec<SizeNode>, CanonicalError> {
        let mut nodes = Vec::new();
        let Some(splits) = splits else { return Ok(nodes) };
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
                    embeddings: self.looks_at_text(),
                };
                let name = format!("size/{}/{}", target.name, split.name());
                let size = Self::on_matrix(name, SIZE, &params, data, self.looks_at_text())?
                    .input(splits, 0);
                let node = self.graph.add(size.task(Task::Size(params)));
                nodes.push(SizeNode { node, target: index, found });
            }
        }
        Ok(nodes)
    }

    fn select(&mut self, data: Data, sizes: &[SizeNode]) -> Result<NodeId, CanonicalError> {
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
        let text = self.looks_at_text();
        let mut select = Self::on_matrix("select".to_owned(), SELECT, &params, data, text)?;
        for size in sizes.iter().filter(|size| !size.found.is_empty()) {
            select = select.input(size.node, 0);
        }
        Ok(self.graph.add(select.task(Task::Select(params))))
    }

    fn fits(
        &mut self,
        data: Data,
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
                let text = self.looks_at_text();
                let fit = Self::on_matrix(name, FIT, &params, data, text)?.input(subsets, 0);
                estimators.push((index, subset, self.graph.add(fit.task(Task::Fit(params)))));
            }
        }
        Ok(estimators)
    }

    /// None where no model has answered anything.
    fn analyse(&mut self, data: Data, subsets: NodeId) -> Result<Option<NodeId>, CanonicalError> {
        if !self.recipe.source.has_results() {
            return Ok(None);
        }
        let Recipe { seed, targets, .. } = self.recipe.clone();
        let params = stages::analyse::Params { seed, targets };
        let analyse = Self::on_matrix("analyse".to_owned(), ANALYSE, &params, data, false)?;
        Ok(Some(self.graph.add(analyse.input(subsets, 0).task(Task::Analyse(params)))))
    }

    fn evaluations(
        &mut self,
        data: Data,
        splits: Option<NodeId>,
        sizes: &[SizeNode],
    ) -> Result<Vec<NodeId>, CanonicalError> {
        let mut evaluations = Vec::new();
        let Some(splits) = splits else { return Ok(evaluations) };
        let text = self.recipe.compared.iter().any(|p| p.selection.needs_embeddings());
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
                    embeddings: text,
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
                    Self::on_matrix(name, EVALUATE, &params, data, text)?.input(splits, 0);
                if let Some(size) = found {
                    evaluate = evaluate.input(size.node, 0);
                }
                evaluations.push(self.graph.add(evaluate.task(Task::Evaluate(params))));
            }
        }
        Ok(evaluations)
    }

    fn report(&mut self, data: Data, described: Described<'_>) -> Result<NodeId, CanonicalError> {
        let Described { subsets, analysis, amortised, clusters, sizes, evaluations } = described;
        let Recipe { name, version, title, description, licence, .. } = self.recipe.clone();
        let curves = sizes.len();
        let params = stages::report::Params {
            name,
            version,
            title,
            description,
            licence,
            curves,
            cold: analysis.is_none(),
            clusters: clusters.is_some(),
            amortised: amortised.is_some(),
        };
        let mut report = node("report", REPORT, &params)?
            .input(data.roster.0, data.roster.1)
            .input(data.audit, FINDINGS)
            .input(subsets, 0);
        if let Some(analysis) = analysis {
            report = report.input(analysis, ITEM_ANALYSIS).input(analysis, RELIABILITY);
        }
        if let Some(clusters) = clusters {
            report = report.input(clusters, CLUSTERING);
        }
        if let Some(amortised) = amortised {
            report = report.input(amortised, AMORTISATION);
        }
        for input in sizes.iter().map(|size| &size.node).chain(evaluations) {
            report = report.input(*input, 0);
        }
        Ok(self.graph.add(report.task(Task::Report(params))))
    }

    fn package(
        &mut self,
        texts: Texts<'_>,
        data: Data,
        products: Products,
    ) -> Result<(), CanonicalError> {
        let steps: Vec<Node> =
            self.graph.nodes().iter().map(|node| node.clone().task(())).collect();
        let params = stages::package::Params {
            identity: stages::package::Identity::of(self.recipe, texts.recipe, texts.lock),
            recipe: texts.recipe.to_owned(),
            lock: texts.lock.to_owned(),
            files: self.lock.files().to_vec(),
            tables: products.tables(data),
            reports: products.reports(),
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

impl Products {
    /// Name, node and output of every table of the release.
    fn tables(&self, data: Data) -> Vec<(&'static str, NodeId, usize)> {
        let Data { merged, audit, embeddings, scores, roster } = data;
        let mut tables = vec![
            ("responses", merged, RESPONSES),
            ("scores", scores.0, scores.1),
            ("items", merged, ITEMS),
            ("models", merged, MODELS),
            ("aliases", merged, ALIASES),
            ("gaps", merged, GAPS),
            ("findings", audit, FINDINGS),
            ("roster", roster.0, roster.1),
        ];
        if self.has_runs {
            tables.extend([("runs", merged, RUNS), ("prompts", merged, PROMPTS)]);
        }
        tables.extend(self.splits.map(|splits| ("splits", splits, 0)));
        tables.push(("subsets", self.subsets, 0));
        if let Some(analysis) = self.analysis {
            tables.push(("item_analysis", analysis, ITEM_ANALYSIS));
            tables.push(("reliability", analysis, RELIABILITY));
        }
        tables.push(("quality", self.report, QUALITY));
        tables.push(("error_curve", self.report, ERROR_CURVE));
        tables.extend(embeddings.map(|embeddings| ("embeddings", embeddings, 0)));
        if let Some(amortised) = self.amortised {
            tables.push(("amortisation", amortised, AMORTISATION));
            tables.push(("predictions", amortised, PREDICTIONS));
        }
        if let Some(clusters) = self.clusters {
            tables.push(("clusters", clusters, CLUSTERS));
            tables.push(("clustering", clusters, CLUSTERING));
        }
        tables
    }

    /// Name, media type, node and output of every report.
    fn reports(&self) -> Vec<(&'static str, &'static str, NodeId, usize)> {
        let mut reports = vec![
            ("summary.md", "text/markdown", self.report, 1),
            ("summary.txt", "text/plain", self.report, 2),
        ];
        let items = |clusters| ("items.svg", "image/svg+xml", clusters, PROJECTION);
        reports.extend(self.clusters.map(items));
        reports
    }
}

/// Sizes of the subsets by name.
fn subset_size(sizes: SubsetSizes, subset: &str) -> Size {
    if subset == "test" { sizes.test } else { sizes.validation }
}
