//! Which variants are measured, the most useful first.

use llama_cpp_sys_2 as types;

use crate::edit::{Edit, Part};
use crate::llama::{Quantization, TensorType};
use crate::template::Template;

/// A language model that variants are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// Gemma 3 270M, pretrained, as distributed in Q4_K_M.
    Gemma,
    /// SmolLM2 135M instruct, as distributed in Q4_1.
    Smol,
}

impl Base {
    /// Name of the model.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gemma => "gemma-3-270m",
            Self::Smol => "smollm2-135m-instruct",
        }
    }

    /// File name and SHA-256 of the weights as distributed.
    pub fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Gemma => (
                "gemma-3-270m-q4_k_m.gguf",
                "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            ),
            Self::Smol => (
                "smollm2-135m-instruct-q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        }
    }

    /// Query heads of a layer.
    pub fn heads(self) -> usize {
        match self {
            Self::Gemma => 4,
            Self::Smol => 9,
        }
    }

    fn layers(self) -> usize {
        match self {
            Self::Gemma => 18,
            Self::Smol => 30,
        }
    }
}

/// Where the weights of a variant come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Weights {
    /// As distributed.
    Shipped,
    /// The distributed weights as 16-bit floats: what all the others are made from.
    Expanded,
    /// Quantised by llama.cpp, with or without the importance matrix.
    Quantized(Quantization, Matrix),
    /// Changed by this crate.
    Edited(Edit),
}

/// Whether quantisation weighs errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matrix {
    /// All weights count the same.
    Without,
    /// By the importance matrix of generated text.
    With,
}

/// One model of the leaderboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What it is made from.
    pub base: Base,
    /// Name after the base's.
    pub label: String,
    /// Kind of compression.
    pub method: &'static str,
    /// Weights.
    pub weights: Weights,
    /// Type of the attention cache.
    pub cache: TensorType,
    /// How it is asked.
    pub template: Template,
    /// Items side by side: 1 reads each alone.
    pub batched: bool,
}

impl Variant {
    /// Name on the leaderboard.
    pub fn name(&self) -> String {
        format!("{}/{}", self.base.name(), self.label)
    }

    /// Name of the model that it is compared with; none for that model itself.
    pub fn parent(&self) -> Option<String> {
        (self.weights != Weights::Shipped || self.label != "shipped")
            .then(|| format!("{}/shipped", self.base.name()))
    }
}

/// All variants, in the order in which they are measured.
pub fn all() -> Vec<Variant> {
    let mut ranked: Vec<(usize, Variant)> = Vec::new();
    for base in [Base::Gemma, Base::Smol] {
        let list = [
            controls(base),
            quantised(base),
            mixes(base),
            dropped(base),
            rounded(base),
            pruned(base),
            settings(base),
        ];
        for variants in list {
            let count = variants.len();
            // Each family is spread evenly over the whole run, so that any prefix has some of all.
            ranked.extend(
                variants
                    .into_iter()
                    .enumerate()
                    .map(|(index, variant)| (1000 * index / count, variant)),
            );
        }
    }
    let first = |variant: &Variant| variant.method == "control";
    ranked.sort_by_key(|(rank, variant)| (!first(variant), *rank));
    ranked.into_iter().map(|(_, variant)| variant).collect()
}

fn variant(
    base: Base,
    label: impl Into<String>,
    method: &'static str,
    weights: Weights,
) -> Variant {
    Variant {
        base,
        label: label.into(),
        method,
        weights,
        cache: types::GGML_TYPE_F16,
        template: Template::Plain,
        batched: true,
    }
}

fn controls(base: Base) -> Vec<Variant> {
    let mut alone = variant(base, "shipped-unbatched", "control", Weights::Shipped);
    alone.batched = false;
    vec![
        variant(base, "shipped", "control", Weights::Shipped),
        variant(base, "f16", "control", Weights::Expanded),
        alone,
    ]
}

fn mix(mix: u32) -> Quantization {
    Quantization { mix, pure: false, embeddings: None, overrides: Vec::new() }
}

/// llama.cpp's mixes, the common ones first.
fn quantised(base: Base) -> Vec<Variant> {
    let plain = |label: &str, kind: u32| {
        variant(base, label, "quantization", Weights::Quantized(mix(kind), Matrix::Without))
    };
    let weighted = |label: &str, kind: u32| {
        variant(
            base,
            format!("{label}-imatrix"),
            "quantization",
            Weights::Quantized(mix(kind), Matrix::With),
        )
    };
    vec![
        plain("q8_0", types::LLAMA_FTYPE_MOSTLY_Q8_0),
        plain("q4_0", types::LLAMA_FTYPE_MOSTLY_Q4_0),
        plain("q2_k", types::LLAMA_FTYPE_MOSTLY_Q2_K),
        plain("q5_0", types::LLAMA_FTYPE_MOSTLY_Q5_0),
        weighted("iq2_xxs", types::LLAMA_FTYPE_MOSTLY_IQ2_XXS),
        plain("q3_k_m", types::LLAMA_FTYPE_MOSTLY_Q3_K_M),
        plain("iq4_nl", types::LLAMA_FTYPE_MOSTLY_IQ4_NL),
        plain("q6_k", types::LLAMA_FTYPE_MOSTLY_Q6_K),
        weighted("iq1_s", types::LLAMA_FTYPE_MOSTLY_IQ1_S),
        plain("q5_k_m", types::LLAMA_FTYPE_MOSTLY_Q5_K_M),
        plain("q4_k_s", types::LLAMA_FTYPE_MOSTLY_Q4_K_S),
        plain("tq2_0", types::LLAMA_FTYPE_MOSTLY_TQ2_0),
        plain("iq4_xs", types::LLAMA_FTYPE_MOSTLY_IQ4_XS),
        plain("q3_k_s", types::LLAMA_FTYPE_MOSTLY_Q3_K_S),
        weighted("q2_k", types::LLAMA_FTYPE_MOSTLY_Q2_K),
        weighted("iq3_xxs", types::LLAMA_FTYPE_MOSTLY_IQ3_XXS),
        plain("q4_1", types::LLAMA_FTYPE_MOSTLY_Q4_1),
        weighted("q4_0", types::LLAMA_FTYPE_MOSTLY_Q4_0),
        plain("q3_k_l", types::LLAMA_FTYPE_MOSTLY_Q3_K_L),
        weighted("iq2_m", types::LLAMA_FTYPE_MOSTLY_IQ2_M),
        plain("iq3_m", types::LLAMA_FTYPE_MOSTLY_IQ3_M),
        plain("bf16", types::LLAMA_FTYPE_MOSTLY_BF16),
    ]
}

const ATTENTION: &str = "blk\\..*attn_(q|k|v|output)\\.weight";
const FEED_FORWARD: &str = "blk\\..*ffn_(up|gate|down)\\.weight";

/// One part of the network in few bits, the rest in many.
fn mixes(base: Base) -> Vec<Variant> {
    let part = |label: &str, pattern: &'static str, kind: TensorType| {
        let quantization = Quantization {
            overrides: vec![(pattern, kind)],
            ..mix(types::LLAMA_FTYPE_MOSTLY_Q8_0)
        };
        variant(base, label, "per-tensor", Weights::Quantized(quantization, Matrix::Without))
    };
    let embeddings = |label: &str, kind: TensorType, main: u32| {
        let quantization = Quantization { embeddings: Some(kind), ..mix(main) };
        variant(base, label, "per-tensor", Weights::Quantized(quantization, Matrix::Without))
    };
    let q8 = types::LLAMA_FTYPE_MOSTLY_Q8_0;
    vec![
        part("attention-q4_0", ATTENTION, types::GGML_TYPE_Q4_0),
        part("feed-forward-q4_0", FEED_FORWARD, types::GGML_TYPE_Q4_0),
        embeddings("embeddings-q4_0", types::GGML_TYPE_Q4_0, q8),
        embeddings("all-q4_0", types::GGML_TYPE_Q4_0, types::LLAMA_FTYPE_MOSTLY_Q4_0),
        part("down-q2_k", "blk\\..*ffn_down\\.weight", types::GGML_TYPE_Q2_K),
        part("feed-forward-nvfp4", FEED_FORWARD, types::GGML_TYPE_NVFP4),
        embeddings("embeddings-f16-q4_0", types::GGML_TYPE_F16, types::LLAMA_FTYPE_MOSTLY_Q4_0),
        part("blocks-nvfp4", "blk\\..*(attn|ffn)_[a-z]+\\.weight", types::GGML_TYPE_NVFP4),
        part("blocks-mxfp4", "blk\\..*(attn|ffn)_[a-z]+\\.weight", types::GGML_TYPE_MXFP4),
        embeddings("embeddings-iq4_nl", types::GGML_TYPE_IQ4_NL, q8),
    ]
}

/// Single layers, the middle ones first: they matter least, so they make the most useful variants;
/// then pairs.
fn dropped(base: Base) -> Vec<Variant> {
    let layers = base.layers();
    let mut singles: Vec<usize> =
        (0..layers).filter(|layer| base == Base::Gemma || layer % 3 == 1).collect();
    singles.sort_by_key(|layer| layer.abs_diff(layers / 2));
    let pairs = (1..4).map(|quarter| vec![quarter * layers / 4, quarter * layers / 4 + 1]);
    let drops = singles.into_iter().map(|layer| vec![layer]).chain(pairs);
    let named = |layers: Vec<usize>| {
        let names: Vec<String> = layers.iter().map(|layer| format!("{layer:02}")).collect();
        let label = format!("without-layer-{}", names.join("-"));
        variant(base, label, "dropped layers", Weights::Edited(Edit::DropLayers { layers }))
    };
    drops.map(named).collect()
}

fn rounded(base: Base) -> Vec<Variant> {
    let rounded = |label: String, bits, group, part| {
        variant(base, label, "rounding", Weights::Edited(Edit::Round { bits, group, part }))
    };
    let everywhere = |bits: u32, group: usize| {
        rounded(format!("round-{bits}-bits-by-{group}"), bits, group, Part::Blocks)
    };
    let in_part = |name: &str, bits: u32, part| {
        rounded(format!("round-{name}-{bits}-bits-by-32"), bits, 32, part)
    };
    vec![
        everywhere(3, 32),
        everywhere(4, 64),
        in_part("attention", 2, Part::Attention),
        in_part("feed-forward", 3, Part::FeedForward),
        everywhere(5, 64),
        everywhere(2, 32),
        in_part("attention", 3, Part::Attention),
        everywhere(3, 128),
        in_part("feed-forward", 2, Part::FeedForward),
        everywhere(4, 640),
        everywhere(3, 64),
        everywhere(2, 16),
    ]
}

fn pruned(base: Base) -> Vec<Variant> {
    let order = |ranked| if ranked { "smallest" } else { "random" };
    let share = |percent: u32| f64::from(percent) / 100.0;
    let neurons = |percent: u32, ranked| {
        let label = format!("without-{percent}%-neurons-{}", order(ranked));
        let edit = Edit::PruneNeurons { share: share(percent), ranked };
        variant(base, label, "pruned neurons", Weights::Edited(edit))
    };
    let weights = |percent: u32| {
        let label = format!("without-{percent}%-weights");
        let edit = Edit::Sparsify { share: share(percent) };
        variant(base, label, "sparsity", Weights::Edited(edit))
    };
    let heads = |heads: usize, ranked| {
        let label = format!("without-{heads}-heads-{}", order(ranked));
        variant(base, label, "pruned heads", Weights::Edited(Edit::PruneHeads { heads, ranked }))
    };
    vec![
        neurons(10, true),
        weights(30),
        heads(1, true),
        neurons(5, false),
        weights(50),
        neurons(20, true),
        weights(20),
        neurons(10, false),
        heads(1, false),
        weights(40),
        neurons(35, true),
        weights(10),
        neurons(20, false),
        heads(2, true),
    ]
}

/// The distributed weights with other caches and other ways of asking.
fn settings(base: Base) -> Vec<Variant> {
    let cached = |label: &str, cache: TensorType| Variant {
        cache,
        ..variant(base, label, "attention cache", Weights::Shipped)
    };
    let asked = |label: &str, template: Template| Variant {
        template,
        ..variant(base, label, "prompt", Weights::Shipped)
    };
    let chat = if base == Base::Gemma { Template::GemmaChat } else { Template::SmolChat };
    vec![
        cached("cache-q8_0", types::GGML_TYPE_Q8_0),
        asked("prompt-short", Template::Short),
        cached("cache-q4_0", types::GGML_TYPE_Q4_0),
        asked("prompt-bare", Template::Bare),
        asked("prompt-letters", Template::Letters),
        cached("cache-q5_0", types::GGML_TYPE_Q5_0),
        asked("prompt-two-shot", Template::TwoShot),
        asked("prompt-chat", chat),
        asked("prompt-listed", Template::Listed),
        asked("prompt-instructed", Template::Instructed),
        asked("prompt-distracted", Template::Distracted),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_differ_and_the_bases_come_first() {
        let variants = all();
        let names: BTreeSet<String> = variants.iter().map(Variant::name).collect();
        assert_eq!(names.len(), variants.len());
        assert!(variants[..6].iter().all(|variant| variant.method == "control"));
        for variant in &variants {
            assert!(variant.parent().is_none_or(|parent| names.contains(&parent)));
        }
        let bases = variants.iter().filter(|variant| variant.parent().is_none()).count();
        assert_eq!(bases, 2);
    }

    #[test]
    fn a_third_of_the_run_has_some_of_every_method() {
        let variants = all();
        let methods = |list: &[Variant]| list.iter().map(|v| v.method).collect::<BTreeSet<_>>();
        assert_eq!(methods(&variants[..variants.len() / 3]), methods(&variants));
    }
}
