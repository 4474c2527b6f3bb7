//! `[embed]` in a recipe: where the vectors of the items' texts come from.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use aliquot_embed::{
    ALGORITHM, BatchRule, Cache, Device, EmbedError, Embedded, Embedder, LongTexts, ModelManifest,
    Pooling, Runtime,
};
use aliquot_sources::Address;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::Error;

/// The text of every item as a vector: computed with `model`, or recorded in `vectors`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbedText {
    /// A model of `manifests/models`, or the path of such a file relative to the recipe.
    model: Option<String>,
    /// `cpu`, `cuda:0` (or another number), or `auto`: CUDA where there is one.
    device: Option<String>,
    /// What is done with texts that are longer than the model reads: `truncate`, or `windowed-mean`;
    /// the model's own rule unless given.
    long_texts: Option<String>,
    /// Address of a table of vectors that `aliquot embed RECIPE` wrote: the same on every machine,
    /// which computed ones are up to rounding only.
    vectors: Option<String>,
    /// Numbers of clusters that are described.
    #[serde(default = "default_clusters")]
    clusters: Vec<usize>,
}

fn default_clusters() -> Vec<usize> {
    vec![5, 10, 20, 50]
}

/// More clusters than this tell people nothing.
const MOST_CLUSTERS: usize = 1000;

/// The section, checked.
#[derive(Debug, Clone)]
pub struct Embed {
    /// Where vectors come from.
    pub vectors: Vectors,
    /// Numbers of clusters that are described, ascending.
    pub clusters: Vec<usize>,
}

/// Where vectors come from.
#[derive(Debug, Clone)]
pub enum Vectors {
    /// From a model.
    Computed(Box<Computation>),
    /// From a file.
    Recorded(Address),
}

/// A model and what it runs on.
#[derive(Debug, Clone)]
pub struct Computation {
    /// The model, the recipe's wishes applied.
    pub model: ModelManifest,
    /// What it runs on.
    pub device: Device,
}

// All that a vector depends on: where the files come from is no part of it.
impl Serialize for Computation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told<'a> {
            algorithm: u32,
            runtime: u32,
            weights: &'a str,
            tokenizer: &'a str,
            dimension: usize,
            output: &'a str,
            pooling: Pooling,
            normalise: bool,
            prefix: &'a str,
            maximum_tokens: usize,
            long_texts: LongTexts,
            batch: BatchRule,
            device: Device,
        }
        let Self { model, device } = self;
        let told = Told {
            algorithm: ALGORITHM,
            runtime: Runtime::MINOR_VERSION,
            weights: &model.weights.sha256,
            tokenizer: &model.tokenizer.sha256,
            dimension: model.dimension,
            output: &model.output,
            pooling: model.pooling,
            normalise: model.normalise,
            prefix: &model.prefix,
            maximum_tokens: model.maximum_tokens,
            long_texts: model.long_texts,
            batch: model.batch,
            device: *device,
        };
        told.serialize(serializer)
    }
}

impl Embed {
    /// Checks the section of a recipe in `folder`.
    pub fn new(text: EmbedText, folder: &Path) -> Result<Self, String> {
        let EmbedText { model, device, long_texts, vectors, mut clusters } = text;
        clusters.sort_unstable();
        clusters.dedup();
        if clusters.iter().any(|count| !(2..=MOST_CLUSTERS).contains(count)) {
            return Err(format!("embed.clusters: numbers between 2 and {MOST_CLUSTERS}"));
        }
        let vectors = match (model, vectors) {
            (Some(model), None) => {
                let model = find_model(&model, folder)?;
                Vectors::Computed(Box::new(Computation::new(
                    model,
                    device.as_deref(),
                    long_texts.as_deref(),
                )?))
            }
            (None, Some(address)) if device.is_none() && long_texts.is_none() => {
                Vectors::Recorded(address.parse::<Address>().map_err(|error| error.to_string())?)
            }
            _ => {
                return Err("[embed] takes `model`, and with it `device` and `long_texts`, or \
                            `vectors`, a file that was recorded before"
                    .to_owned());
            }
        };
        Ok(Self { vectors, clusters })
    }
}

impl Computation {
    /// The model on `cpu` unless another device is named, its own rule for long texts unless another
    /// is.
    pub fn new(
        mut model: ModelManifest,
        device: Option<&str>,
        long_texts: Option<&str>,
    ) -> Result<Self, String> {
        let device: Device =
            device.unwrap_or("cpu").parse().map_err(|error: EmbedError| error.to_string())?;
        model.long_texts = match long_texts {
            None => model.long_texts,
            Some("truncate") => LongTexts::Truncate,
            Some("windowed-mean") => LongTexts::WindowedMean,
            Some(other) => {
                return Err(format!("long_texts `{other}`: write truncate or windowed-mean"));
            }
        };
        Ok(Self { model, device })
    }
}

/// Where models and their runtime lie, and vectors that are known already.
pub struct ModelPlace {
    /// One folder a model, with `model.onnx` and `tokenizer.json`.
    models: PathBuf,
    /// The library of ONNX Runtime.
    runtime: PathBuf,
    /// Where progress is drawn.
    progress: MultiProgress,
}

impl ModelPlace {
    /// `runtime` is below `models` unless given.
    pub fn new(models: PathBuf, runtime: Option<PathBuf>, progress: MultiProgress) -> Self {
        let runtime =
            runtime.unwrap_or_else(|| models.join("onnxruntime").join("libonnxruntime.so"));
        Self { models, runtime, progress }
    }

    /// Opens a model; every file is checked against its digest.
    pub fn open(&self, computation: &Computation) -> Result<Embedder, Error> {
        let Computation { model, device } = computation;
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let runtime = Runtime::load(&self.runtime)?;
        let folder = self.models.join(&model.name);
        Ok(Embedder::open(model, &folder, &runtime, *device, threads)?)
    }

    /// Embeds what no earlier run has embedded, with a bar on a terminal; everything anew if `afresh`.
    pub fn embed(
        &self,
        embedder: &mut Embedder,
        texts: &[String],
        afresh: bool,
    ) -> Result<Embedded, Error> {
        let bar = self.progress.add(ProgressBar::new(texts.len() as u64));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} texts {msg}") {
            bar.set_style(style);
        }
        let cache = Cache::new(self.models.join("cache"));
        let cache = (!afresh).then_some(&cache);
        let embedded = embedder.embed(texts, cache, &mut |progress| {
            bar.set_position(progress.done as u64);
            let left = progress.seconds_left.unwrap_or(0.0);
            bar.set_message(format!("{:.0}/s, {left:.0} s left", progress.texts_per_second));
        });
        bar.finish_and_clear();
        Ok(embedded?)
    }
}

/// The manifests that the program knows by name.
const SHIPPED: [(&str, &str); 4] = [
    ("all-MiniLM-L6-v2", include_str!("../../../manifests/models/all-MiniLM-L6-v2.toml")),
    ("all-MiniLM-L6-v2-int8", include_str!("../../../manifests/models/all-MiniLM-L6-v2-int8.toml")),
    ("bge-base-en-v1.5", include_str!("../../../manifests/models/bge-base-en-v1.5.toml")),
    (
        "paraphrase-MiniLM-L3-v2",
        include_str!("../../../manifests/models/paraphrase-MiniLM-L3-v2.toml"),
    ),
];

/// The model of that name, or of that manifest relative to `folder`.
pub fn find_model(name: &str, folder: &Path) -> Result<ModelManifest, String> {
    let parse = |file: &str, text: &str| {
        ModelManifest::parse(file, text).map_err(|error| error.to_string())
    };
    if name.ends_with(".toml") {
        let path = folder.join(name).display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| format!("model `{path}`: {error}"))?;
        return parse(&path, &text);
    }
    match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((name, text)) => parse(name, text),
        None => Err(format!(
            "unknown model `{name}`; shipped: {}; or give the path of a manifest that ends in .toml",
            SHIPPED.map(|(name, _)| name).join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_a_vector_changes_the_parameters_of_its_stage() {
        let model = find_model("paraphrase-MiniLM-L3-v2", Path::new("")).unwrap();
        let of = |computation: &Computation| serde_json::to_string(computation).unwrap();
        let base = Computation::new(model.clone(), None, None).unwrap();
        let changed = |change: fn(&mut Computation)| {
            let mut other = base.clone();
            change(&mut other);
            of(&other)
        };
        let others = [
            changed(|other| other.model.weights.sha256 = "0".repeat(64)),
            changed(|other| other.model.tokenizer.sha256 = "0".repeat(64)),
            changed(|other| other.model.pooling = Pooling::Cls),
            changed(|other| other.model.normalise = false),
            changed(|other| other.model.prefix = "query: ".to_owned()),
            changed(|other| other.model.maximum_tokens = 64),
            changed(|other| other.model.long_texts = LongTexts::WindowedMean),
            changed(|other| other.model.batch = BatchRule::Single),
            changed(|other| other.device = Device::Cuda(0)),
        ];
        assert!(others.iter().all(|other| *other != of(&base)));
        // Where the files come from changes nothing.
        assert_eq!(changed(|other| other.model.title = "Other".to_owned()), of(&base));
    }

    #[test]
    fn unknown_models_devices_and_rules_are_named() {
        let folder = Path::new("");
        assert!(find_model("x", folder).unwrap_err().contains("shipped: all-MiniLM-L6-v2"));
        assert!(find_model("x.toml", folder).unwrap_err().contains("x.toml"));
        let model = find_model("all-MiniLM-L6-v2", folder).unwrap();
        let of = |device, rule| Computation::new(model.clone(), device, rule).unwrap_err();
        assert!(of(Some("gpu"), None).contains("cuda:N"));
        assert!(of(None, Some("cut")).contains("windowed-mean"));
    }
}
