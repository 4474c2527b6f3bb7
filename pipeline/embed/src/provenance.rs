use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BatchRule, LongTexts, ModelManifest, Pooling};

/// Raised when this crate makes other vectors of the same texts with the same settings.
pub const ALGORITHM: u32 = 1;

/// All that a vector depends on besides its text and the kind of processor.
///
/// Threads are not in it: they change no bit. Kernels are chosen by the processor's instructions,
/// so two machines may differ in the last digits of a float model, and visibly in a quantised one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of the way from texts to vectors.
    pub algorithm: u32,
    /// Name of the model.
    pub model: String,
    /// BLAKE3 of the weights in hex.
    pub weights: String,
    /// BLAKE3 of the tokenizer in hex.
    pub tokenizer: String,
    /// Version and build of ONNX Runtime.
    pub runtime: String,
    /// What it ran on.
    pub provider: Provider,
    /// Output that was pooled.
    pub output: String,
    /// How.
    pub pooling: Pooling,
    /// Whether vectors have length 1.
    pub normalise: bool,
    /// Put before every text.
    pub prefix: String,
    /// What happened to long texts.
    pub long_texts: LongTexts,
    /// Tokens of a window.
    pub maximum_tokens: usize,
    /// Which texts shared a run.
    pub batch: BatchRule,
}

/// An execution provider of ONNX Runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// The CPU.
    Cpu,
    /// CUDA.
    Cuda,
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// What opening a model found out.
pub(crate) struct Found<'a> {
    pub weights: blake3::Hash,
    pub tokenizer: blake3::Hash,
    pub runtime: &'a str,
    pub provider: Provider,
}

impl Provenance {
    pub(crate) fn new(manifest: &ModelManifest, found: &Found<'_>) -> Self {
        Self {
            algorithm: ALGORITHM,
            model: manifest.name.clone(),
            weights: found.weights.to_string(),
            tokenizer: found.tokenizer.to_string(),
            runtime: found.runtime.to_owned(),
            provider: found.provider,
            output: manifest.output.clone(),
            pooling: manifest.pooling,
            normalise: manifest.normalise,
            prefix: manifest.prefix.clone(),
            long_texts: manifest.long_texts,
            maximum_tokens: manifest.maximum_tokens,
            batch: manifest.batch,
        }
    }

    /// Digest of all fields but the model's name, the key of the cache: BLAKE3 over each field's
    /// text, in the order of the struct, each behind its length in bytes as a little-endian u64.
    pub fn digest(&self) -> [u8; 32] {
        let fields = [
            self.algorithm.to_string(),
            self.weights.clone(),
            self.tokenizer.clone(),
            self.runtime.clone(),
            self.provider.to_string(),
            self.output.clone(),
            format!("{:?}", self.pooling),
            self.normalise.to_string(),
            self.prefix.clone(),
            format!("{:?}", self.long_texts),
            self.maximum_tokens.to_string(),
            format!("{:?}", self.batch),
        ];
        let mut hasher = blake3::Hasher::new();
        for field in fields {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field.as_bytes());
        }
        hasher.finalize().into()
    }
}
