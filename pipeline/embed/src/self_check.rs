//! Whether a model gives the vectors here that it gave in Python.

use std::time::Instant;

use serde::Deserialize;

use crate::{EmbedError, Embedder, Provider};

/// Texts of the check: plain, empty, unicode, code, long.
const TEXTS: &str = include_str!("../check/texts.json");

/// Vectors of the texts for each model that `make setup` fetches, little-endian f32, row-major:
/// written by `bench/embed_reference.py` with ONNX Runtime and the tokenizer in Python.
const PINNED: [(&str, &[u8]); 2] = [
    ("all-MiniLM-L6-v2-int8", include_bytes!("../check/all-MiniLM-L6-v2-int8.f32")),
    ("paraphrase-MiniLM-L3-v2", include_bytes!("../check/paraphrase-MiniLM-L3-v2.f32")),
];

/// A text, written out or repeated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
    times: usize,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfCheck {
    /// What it ran on.
    pub provider: Provider,
    /// Texts that were embedded.
    pub texts: usize,
    /// Texts a second, after a first round that warms up.
    pub texts_per_second: f64,
    /// Largest absolute difference of a value.
    pub largest_deviation: f64,
    /// Smallest cosine between a vector and the pinned one.
    pub smallest_cosine: f64,
}

/// Embeds the pinned texts, without a cache, and compares with the pinned vectors. A float model
/// on the CPU is within 1e-5 of them.
///
/// # Errors
///
/// No vectors are pinned for the model, or embedding fails.
pub fn self_check(embedder: &mut Embedder) -> Result<SelfCheck, EmbedError> {
    let model = embedder.provenance().model.clone();
    let Some((_, pinned)) = PINNED.iter().find(|(name, _)| *name == model) else {
        let known = PINNED.iter().map(|(name, _)| *name).collect();
        return Err(EmbedError::NothingPinned { model, known });
    };
    let texts = texts();
    embedder.embed(&texts, None, &mut |_| ())?;
    let start = Instant::now();
    let embedded = embedder.embed(&texts, None, &mut |_| ())?;
    let seconds = start.elapsed().as_secs_f64();
    let pinned: Vec<f64> = pinned.chunks_exact(4).map(little_endian).collect();
    let found: Vec<f64> = embedded.vectors.iter().map(|&value| f64::from(value)).collect();
    let differences = found.iter().zip(&pinned).map(|(found, pinned)| (found - pinned).abs());
    let dimension = embedder.dimension();
    let rows = found.chunks_exact(dimension).zip(pinned.chunks_exact(dimension));
    Ok(SelfCheck {
        provider: embedder.provenance().provider,
        texts: texts.len(),
        texts_per_second: texts.len() as f64 / seconds,
        largest_deviation: differences.fold(0.0, f64::max),
        smallest_cosine: rows.map(|(found, pinned)| cosine(found, pinned)).fold(1.0, f64::min),
    })
}

fn texts() -> Vec<String> {
    let texts: Vec<Text> = serde_json::from_str(TEXTS).unwrap_or_default();
    texts.into_iter().map(|Text { text, times }| text.repeat(times)).collect()
}

fn little_endian(bytes: &[u8]) -> f64 {
    f64::from(bytes.try_into().map_or(f32::NAN, f32::from_le_bytes))
}

fn cosine(one: &[f64], other: &[f64]) -> f64 {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_pinned_vector() {
        assert_eq!(texts().len(), 16);
        for (model, vectors) in PINNED {
            assert_eq!(vectors.len(), 16 * 384 * 4, "{model}");
        }
    }

    #[test]
    fn cosines() {
        assert!((cosine(&[1.0, 1.0], &[2.0, 2.0]) - 1.0).abs() < 1e-12);
        assert!(cosine(&[1.0, 0.0], &[0.0, 2.0]).abs() < 1e-12);
    }
}
