//! The recipe: what a person writes, and what it means.
//!
//! [`RecipeText`] has the shape of the TOML file; [`Recipe`] is what it resolves to, every name
//! checked, every default filled in. Only the second leaves this module's callers with questions
//! that cannot go wrong.

mod files;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use aliquot_sources::{
    Address, Allow, Forbidden, InvalidAddress, Pattern,
    adapters::table::{Declaration, ItemColumns},
};
use aliquot_stats::{
    estimate::EstimatorMethod, procedure::Procedure, select::SelectionMethod, split::SplitKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use files::Files;
use files::FilesText;

use crate::audit::policy::{AuditPolicy, Known, Unanswered};
use crate::embedding::{Embed, EmbedText, Vectors};
use crate::size::{Evaluated, Size, SizeText, size};

/// A recipe file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Aliquot recipe")]
pub struct RecipeText {
    /// Name of the release: letters, digits, `-`, `_`, `.`.
    name: String,
    /// Version of the release, such as `0.1.0`; to be raised whenever the release changes.
    version: String,
    /// Title for people.
    title: String,
    /// What the release is, in a few sentences.
    description: String,
    /// Licence of the source data, as an SPDX expression.
    licence: String,
    /// Seed of every random choice.
    seed: u64,
    source: SourceText,
    /// Where raw files may come from; follows from their addresses unless given.
    #[serde(default)]
    allow: AllowText,
    /// The text of the items as vectors, for what looks at text.
    embed: Option<EmbedText>,
    #[serde(default)]
    audit: AuditPolicy,
    /// The means to be estimated.
    target: Vec<TargetText>,
    subsets: SubsetsText,
    /// What is measured on held-out models; not for items without results.
    evaluate: Option<EvaluateText>,
}

/// Where raw files may come from, redirects included.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AllowText {
    /// Schemes: https, http, file, s3, gs, az, hf; those of the addresses unless given.
    schemes: Option<Vec<String>>,
    /// Hosts of https: and http:, such as `example.org`, or `*.example.org` for all under it; those of
    /// the addresses unless given. Redirects from hf: may also lead to hosts of the Hub's own.
    hosts: Option<Vec<String>>,
}

/// Where results come from; exactly one kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum SourceText {
    /// `[source.alpaca-eval]`: one file of annotations a model.
    AlpacaEval(AlpacaEvalText),
    /// `[source.table]`: plain tables.
    Table(TableText),
    /// `[[source.files]]`: logs of eval tools and files of leaderboards.
    Files(Vec<FilesText>),
    /// `[source.items]`: items that no model has answered yet.
    Items(ItemsText),
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AlpacaEvalText {
    /// Address of a model's file; `{revision}` and `{model}` are filled in.
    address: String,
    /// Revision of the repository.
    revision: String,
    /// Names of the models.
    models: Vec<String>,
    /// Published scores to compare with.
    published: Option<PublishedText>,
}

/// A table of published scores.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PublishedText {
    /// Address of a CSV, JSONL or Parquet file; `{revision}` is filled in.
    address: String,
    /// Column with the model's name; may be the empty name.
    model_column: String,
    /// Column with the score.
    score_column: String,
    /// What the score column has where ours has 1.
    scale: f64,
    /// Largest difference that counts as equal, in units of the score column.
    tolerance: f64,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TableText {
    /// Table of scores.
    scores: String,
    /// Table of items.
    items: Option<String>,
    /// Table of models.
    models: Option<String>,
    /// How to read them.
    read: Declaration,
}

/// A benchmark without results: subsets are chosen by text alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemsText {
    /// Table of items, a CSV, JSONL or Parquet file.
    table: String,
    /// Benchmark of all items, where no column says it.
    benchmark: Option<String>,
    /// Columns of the table.
    columns: ItemColumns,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TargetText {
    /// Name of the mean.
    name: String,
    /// Weight of each benchmark.
    benchmarks: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SubsetsText {
    /// Items of each validation subset: a number, or what it has to do.
    validation: SizeText,
    /// Items of each test subset: a number, or what it has to do.
    test: SizeText,
    /// `selection+estimator`.
    procedure: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct EvaluateText {
    /// Procedures to compare at the same size.
    procedures: Vec<String>,
    /// Kinds of split.
    splits: Vec<String>,
    /// Random splits of each kind.
    repetitions: u32,
}

/// What a recipe compares unless it says otherwise: the default beside the mandatory baselines.
const COMPARED: [&str; 5] =
    ["default", "random+mean", "stratified+mean", "random+ridge", "random+aipw"];

impl Default for EvaluateText {
    fn default() -> Self {
        Self {
            procedures: COMPARED.map(str::to_owned).to_vec(),
            splits: SplitKind::BY_SCORE.iter().map(|kind| kind.name().to_owned()).collect(),
            repetitions: 20,
        }
    }
}

/// A checked recipe.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name of the release.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Licence of the source data.
    pub licence: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Where results come from.
    pub source: Source,
    /// Where raw files may come from.
    pub allow: Allow,
    /// The text of the items as vectors.
    pub embed: Option<Embed>,
    /// What the audit does.
    pub audit: AuditPolicy,
    /// The means to be estimated.
    pub targets: Vec<TargetSpec>,
    /// The subsets of each target.
    pub subsets: SubsetSizes,
    /// What the release uses.
    pub procedure: Procedure,
    /// What is compared; contains `procedure` and random+mean.
    pub compared: Vec<Procedure>,
    /// Kinds of split.
    pub splits: Vec<SplitKind>,
    /// Random splits of each kind.
    pub repetitions: u32,
}

/// Where results come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// One file of annotations a model.
    AlpacaEval {
        /// Revision of the repository.
        revision: String,
        /// Name and address of each model.
        models: Vec<(String, Address)>,
        /// Published scores.
        published: Option<Published>,
    },
    /// Plain tables.
    Table {
        /// Table of scores.
        scores: Address,
        /// Table of items.
        items: Option<Address>,
        /// Table of models.
        models: Option<Address>,
        /// How to read them.
        declaration: Declaration,
    },
    /// Files that say themselves what they are.
    Files(Vec<Files>),
    /// Items without results.
    Items {
        /// Table of items.
        items: Address,
        /// Benchmark of all items, where no column says it.
        benchmark: Option<String>,
        /// Columns of the table.
        columns: ItemColumns,
    },
}

impl Source {
    /// Whether any model has answered the items.
    pub fn has_results(&self) -> bool {
        !matches!(self, Self::Items { .. })
    }

    /// Whether the items' texts are known.
    fn has_prompts(&self) -> bool {
        match self {
            Self::AlpacaEval { .. } | Self::Files(_) => true,
            Self::Table { declaration, .. } => {
                declaration.item_columns.as_ref().is_some_and(|columns| columns.prompt.is_some())
            }
            Self::Items { columns, .. } => columns.prompt.is_some(),
        }
    }

    fn patterns(&self) -> Vec<&Pattern> {
        match self {
            Self::Files(groups) => groups.iter().flat_map(Files::patterns).collect(),
            _ => Vec::new(),
        }
    }

    fn addresses(&self) -> Vec<&Address> {
        match self {
            Self::Files(_) => Vec::new(),
            Self::AlpacaEval { models, published, .. } => models
                .iter()
                .map(|(_, address)| address)
                .chain(published.as_ref().map(|published| &published.address))
                .collect(),
            Self::Table { scores, items, models, .. } => {
                std::iter::once(scores).chain(items).chain(models).collect()
            }
            Self::Items { items, .. } => vec![items],
        }
    }
}

/// Published scores to compare with.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// Where they lie; its ending names the format.
    pub address: Address,
    /// Column with the model's name.
    pub model_column: String,
    /// Column with the score.
    pub score_column: String,
    /// What the score column has where ours has 1.
    pub scale: f64,
    /// Largest difference that counts as equal.
    pub tolerance: f64,
}

/// A weighted mean of benchmarks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetSpec {
    /// Its name.
    pub name: String,
    /// Weight of each benchmark.
    pub benchmarks: BTreeMap<String, f64>,
}

/// Items of each subset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubsetSizes {
    /// Items of each validation subset.
    pub validation: Size,
    /// Items of each test subset.
    pub test: Size,
}

impl Recipe {
    /// Reads and checks a recipe that lies in `folder`; the error says what is wrong and what would be
    /// right.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let text: RecipeText = toml::from_str(text).map_err(|error| error.to_string())?;
        plain_name("name", &text.name)?;
        plain_name("version", &text.version)?;
        if text.version == "latest" {
            return Err(
                "version `latest` is a tag that moves; give a number such as 0.1.0".to_owned()
            );
        }
        let targets = targets(text.target)?;
        let source = source(text.source)?;
        let embed = text.embed.map(|text| Embed::new(text, folder)).transpose()?;
        if embed.is_some() && !source.has_prompts() {
            return Err(
                "[embed] reads the items' texts, and the source's columns name none: declare \
                        the `prompt` of the items"
                    .to_owned(),
            );
        }
        let allow = allowed(&text.allow, addresses(&source, embed.as_ref()), &source.patterns())?;
        let procedure = procedure(&text.subsets.procedure)?;
        if text.seed > LARGEST_SEED {
            return Err(format!("seed must be at most {LARGEST_SEED}"));
        }
        let evaluate = evaluation(text.evaluate, &source, procedure)?;
        if !source.has_results() {
            cold(procedure, [&text.subsets.validation, &text.subsets.test])?;
        }
        let evaluated = Evaluated { splits: &evaluate.splits, repetitions: evaluate.repetitions };
        let subsets = SubsetSizes {
            validation: size("subsets.validation", &text.subsets.validation, evaluated)?,
            test: size("subsets.test", &text.subsets.test, evaluated)?,
        };
        for procedure in evaluate.compared.iter().chain([&procedure]) {
            if procedure.selection.needs_embeddings() && embed.is_none() {
                return Err(format!("`{}` looks at text: add [embed]", procedure.name()));
            }
        }
        let known = Known { embedded: embed.is_some(), prompts: source.has_prompts() };
        Ok(Self {
            name: text.name,
            version: text.version,
            title: text.title,
            description: text.description,
            licence: text.licence,
            seed: text.seed,
            audit: text.audit.resolved(known)?,
            source,
            allow,
            embed,
            targets,
            subsets,
            procedure,
            compared: evaluate.compared.into_iter().collect(),
            splits: evaluate.splits.into_iter().collect(),
            repetitions: evaluate.repetitions,
        })
    }
}

impl Recipe {
    /// Whether items without answers are predicted from their text.
    pub fn predicts(&self) -> bool {
        self.source.has_results() && self.audit.unanswered_items == Some(Unanswered::Predict)
    }

    /// Patterns of raw files, which the lock resolves.
    pub fn patterns(&self) -> Vec<&Pattern> {
        self.source.patterns()
    }

    /// Every raw file that is named by its address.
    pub fn addresses(&self) -> Vec<&Address> {
        addresses(&self.source, self.embed.as_ref())
    }
}

fn addresses<'a>(source: &'a Source, embed: Option<&'a Embed>) -> Vec<&'a Address> {
    let mut addresses = source.addresses();
    if let Some(Embed { vectors: Vectors::Recorded(address), .. }) = embed {
        addresses.push(address);
    }
    addresses
}

/// What may be read, which has to contain what the recipe names itself.
fn allowed(
    text: &AllowText,
    addresses: Vec<&Address>,
    patterns: &[&Pattern],
) -> Result<Allow, String> {
    let named = addresses.iter().map(|address| (address.scheme(), address.host()));
    let named = named.chain(patterns.iter().map(|pattern| (pattern.scheme(), pattern.host())));
    let allow = Allow::new(text.schemes.as_deref(), text.hosts.as_deref(), named)
        .map_err(|error| format!("[allow]: {error}"))?;
    let refused = |what: &dyn std::fmt::Display, forbidden: &Forbidden| {
        format!("{what} leads to {forbidden}: {}", forbidden.step())
    };
    for address in addresses {
        allow.check(address).map_err(|forbidden| refused(address, &forbidden))?;
    }
    for pattern in patterns {
        allow.check_pattern(pattern).map_err(|forbidden| refused(pattern, &forbidden))?;
    }
    Ok(allow)
}

/// What is measured, names checked.
struct Evaluation {
    compared: BTreeSet<Procedure>,
    splits: BTreeSet<SplitKind>,
    repetitions: u32,
}

fn evaluation(
    text: Option<EvaluateText>,
    source: &Source,
    released: Procedure,
) -> Result<Evaluation, String> {
    if !source.has_results() {
        return match text {
            Some(_) => Err("[evaluate] needs results: [source.items] has none".to_owned()),
            None => Ok(Evaluation {
                compared: BTreeSet::new(),
                splits: BTreeSet::new(),
                repetitions: 0,
            }),
        };
    }
    let text = text.unwrap_or_default();
    if text.splits.is_empty() {
        return Err(
            "evaluate.splits must name at least one kind: a release states its quality".to_owned()
        );
    }
    if !(1..=MOST_REPETITIONS).contains(&text.repetitions) {
        return Err(format!("evaluate.repetitions must be between 1 and {MOST_REPETITIONS}"));
    }
    let compared = text.procedures.iter().map(|name| procedure(name));
    let mut compared = compared.collect::<Result<BTreeSet<_>, _>>()?;
    compared.extend([released, Procedure::RANDOM_MEAN]);
    let splits = text.splits.iter().map(|name| split(name)).collect::<Result<_, _>>()?;
    Ok(Evaluation { compared, splits, repetitions: text.repetitions })
}

/// Checks what is asked for where there are no results.
fn cold(procedure: Procedure, sizes: [&SizeText; 2]) -> Result<(), String> {
    if procedure.selection.needs_results() || procedure.estimator.needs_results() {
        let name = procedure.name();
        return Err(format!(
            "`{name}` learns from results and [source.items] has none: take embedding-strata+mean, \
             which has an honest interval, random+mean, or embedding-anchors or \
             embedding-facility-location with weighted-mean"
        ));
    }
    match sizes {
        [SizeText::Fixed(_), SizeText::Fixed(_)] => Ok(()),
        _ => Err("without results no size can be searched for: give numbers".to_owned()),
    }
}

/// Integers in canonical JSON are exact up to here.
const LARGEST_SEED: u64 = 1 << 53;

/// More random splits than this tell nothing new.
const MOST_REPETITIONS: u32 = 10_000;

/// Names become parts of keys and paths.
fn plain_name(what: &str, name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(format!(
            "{what} `{name}` may hold letters, digits, `-`, `_` and `.` only, and not start with `.`"
        ));
    }
    Ok(())
}

fn targets(texts: Vec<TargetText>) -> Result<Vec<TargetSpec>, String> {
    let mut names = BTreeSet::new();
    let mut targets = Vec::new();
    for TargetText { name, benchmarks } in texts {
        plain_name("target", &name)?;
        if !names.insert(name.clone()) {
            return Err(format!("target `{name}` is there twice"));
        }
        let valid = |weight: &f64| weight.is_finite() && *weight > 0.0;
        if benchmarks.is_empty() || !benchmarks.values().all(valid) {
            return Err(format!(
                "target `{name}` needs at least one benchmark, each with a positive weight"
            ));
        }
        targets.push(TargetSpec { name, benchmarks });
    }
    if targets.is_empty() {
        return Err("a recipe needs at least one [[target]]".to_owned());
    }
    Ok(targets)
}

/// The procedure of that name, or a sentence that lists the names there are.
pub(crate) fn procedure(name: &str) -> Result<Procedure, String> {
    Procedure::from_name(name).ok_or_else(|| {
        let parameter = |parameter: Option<(&str, usize)>| match parameter {
            Some((name, value)) => format!("({name}={value})"),
            None => String::new(),
        };
        let selections = SelectionMethod::ALL.map(|m| m.method().to_owned() + &parameter(m.parameter()));
        let estimators = EstimatorMethod::ALL.map(|m| m.method().to_owned() + &parameter(m.parameter()));
        format!(
            "unknown procedure `{name}`: write `default` or SELECTION+ESTIMATOR; selections: {}; estimators: {}",
            selections.join(", "),
            estimators.join(", ")
        )
    })
}

pub(crate) fn split(name: &str) -> Result<SplitKind, String> {
    let known = SplitKind::BY_SCORE.map(SplitKind::name).join(", ");
    let kind = SplitKind::BY_SCORE.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| format!("unknown split `{name}`; known: {known}"))
}

fn source(text: SourceText) -> Result<Source, String> {
    match text {
        SourceText::AlpacaEval(text) => alpaca_eval_source(text),
        SourceText::Table(text) => table_source(text),
        SourceText::Files(texts) if texts.is_empty() => {
            Err("source.files names no files".to_owned())
        }
        SourceText::Files(texts) => {
            let groups = texts.into_iter().map(FilesText::read).collect::<Result<Vec<_>, _>>()?;
            Ok(Source::Files(groups.into_iter().flatten().collect()))
        }
        SourceText::Items(ItemsText { table, benchmark, columns }) => {
            Ok(Source::Items { items: address(&table)?, benchmark, columns })
        }
    }
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error: InvalidAddress| error.to_string())
}

fn alpaca_eval_source(text: AlpacaEvalText) -> Result<Source, String> {
    let AlpacaEvalText { address: template, revision, models, published } = text;
    if !template.contains("{model}") {
        return Err(format!("source address `{template}` lacks `{{model}}`"));
    }
    let fill = |template: &str, model: &str| {
        address(&template.replace("{revision}", &revision).replace("{model}", model))
    };
    let unique: BTreeSet<&String> = models.iter().collect();
    if unique.len() != models.len() || models.is_empty() {
        return Err("source.models must name each model once".to_owned());
    }
    let models = models
        .iter()
        .map(|model| Ok((model.clone(), fill(&template, model)?)))
        .collect::<Result<Vec<_>, String>>()?;
    let published = match published {
        None => None,
        Some(text) => {
            let PublishedText { address, model_column, score_column, scale, tolerance } = text;
            let positive = scale.is_finite() && scale > 0.0;
            if !(positive && tolerance.is_finite() && tolerance >= 0.0) {
                return Err(
                    "published.scale must be positive and published.tolerance not negative"
                        .to_owned(),
                );
            }
            let address = fill(&address, "")?;
            Some(Published { address, model_column, score_column, scale, tolerance })
        }
    };
    Ok(Source::AlpacaEval { revision, models, published })
}

fn table_source(text: TableText) -> Result<Source, String> {
    let TableText { scores, items, models, read } = text;
    let paired = |file: &Option<String>, columns: bool, what: &str| {
        if file.is_some() == columns {
            Ok(())
        } else {
            Err(format!("source.table: `{what}s` and `read.{what}_columns` go together"))
        }
    };
    paired(&items, read.item_columns.is_some(), "item")?;
    paired(&models, read.model_columns.is_some(), "model")?;
    let [low, high] = read.score_range;
    if !(low.is_finite() && high.is_finite() && low < high) {
        return Err(
            "source.table: `read.score_range` must be [low, high] with low < high".to_owned()
        );
    }
    Ok(Source::Table {
        scores: address(&scores)?,
        items: items.as_deref().map(address).transpose()?,
        models: models.as_deref().map(address).transpose()?,
        declaration: read,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        name = "demo"
        version = "0.1.0"
        title = "Demo"
        description = ""
        licence = "MIT"
        seed = 1
        [source.alpaca-eval]
        address = "https://h/{revision}/{model}/a.json"
        revision = "r"
        models = ["a", "b"]
        [[target]]
        name = "t"
        benchmarks = { alpaca_eval = 1.0 }
        [subsets]
        validation = 2
        test = 2
        procedure = "stratified+mean"
    "#;

    fn parse(text: &str) -> Result<Recipe, String> {
        Recipe::parse(text, Path::new("."))
    }

    #[test]
    fn defaults_are_filled_in() {
        let recipe = parse(TEXT).unwrap();
        assert_eq!((recipe.repetitions, recipe.compared.len(), recipe.splits.len()), (20, 5, 2));
        assert_eq!(recipe.addresses()[1].to_string(), "https://h/r/b/a.json");
    }

    #[test]
    fn mistakes_name_themselves_and_what_would_be_right() {
        let error = |from: &str, to: &str| parse(&TEXT.replace(from, to)).unwrap_err();
        assert!(error("seed", "sead").contains("unknown field `sead`, expected one of `name`"));
        assert!(
            error("stratified+mean", "best")
                .contains("selections: random, stratified, balanced-swap")
        );
        assert!(error("\"b\"]", "\"../../x\"]").contains("must not contain `..`"));
        assert!(error("\"demo\"", "\"../x\"").contains("may hold letters"));
        assert!(error("\"b\"]", "\"a\"]").contains("each model once"));
        assert!(error("0.1.0", "latest").contains("a tag that moves"));
        assert!(error("seed = 1", "seed = 9007199254740993").contains("seed must be at most"));
        let outside = error("[[target]]", "[allow]\nhosts = [\"*.h\"]\n[[target]]");
        assert!(outside.contains("https://h/r/a/a.json leads to h,"), "{outside}");
        assert!(outside.contains("add \"h\" to `hosts` of [allow]"), "{outside}");
        assert!(
            error("[[target]]", "[allow]\nschemes = [\"hf\"]\n[[target]]").contains("`https:`")
        );
        assert!(
            error("[[target]]", "[allow]\nschemes = [\"ftp\"]\n[[target]]").contains("is one of")
        );
        assert!(error("= 1.0 }", "= nan }").contains("a positive weight"));
    }
}
