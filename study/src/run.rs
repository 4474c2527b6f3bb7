//! Measures variants one after another. Every finished one is a file; a second run skips it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::edit::edit;
use crate::gguf::tensors;
use crate::importance::Importance;
use crate::items::{Item, SEED};
use crate::llama::{
    Model, Quantization, Session, Setting, mix_name, quantize, stored_bytes, type_name,
};
use crate::prose;
use crate::score::{self, Score};
use crate::variants::{Base, Matrix, Variant, Weights};

/// Stories of the text whose perplexity is measured, and of the text of the importance matrix.
const PERPLEXITY_STORIES: usize = 8;
const IMPORTANCE_STORIES: usize = 24;

/// Everything that was measured of one variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name.
    pub model: String,
    /// Language model that it was made from.
    pub base: String,
    /// Variant that it is compared with.
    pub parent: Option<String>,
    /// Kind of compression.
    pub method: String,
    /// The exact recipe.
    pub detail: String,
    /// Bits of all tensors, stored as the method means, by weight of the base.
    pub bits_per_weight: f64,
    /// The same in bytes.
    pub size_bytes: u64,
    /// Whether a file of this size was run, or full-size weights that compute the same.
    pub simulated: bool,
    /// Perplexity of generated running text.
    pub perplexity: f64,
    /// Tokens that it was measured on.
    pub perplexity_tokens: usize,
    /// Tokens that were read to score the items, by second that the processor spent on it.
    pub tokens_per_cpu_second: f64,
    /// SHA-256 of the items.
    pub items_sha256: String,
    /// Answers, in the order of items.
    pub scores: Vec<Score>,
}

/// Where things are.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Distributed weights.
    pub bases: PathBuf,
    /// One JSON a variant.
    pub results: PathBuf,
    /// Files that are deleted after use.
    pub scratch: PathBuf,
}

/// SHA-256 of the items as JSON.
pub fn items_sha256(items: &[Item]) -> Result<String, String> {
    let bytes = serde_json::to_vec(items).map_err(|error| error.to_string())?;
    Ok(hex(&Sha256::digest(&bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// File of the result of a variant.
pub fn result_path(results: &Path, variant: &Variant) -> PathBuf {
    results.join(format!("{}.json", variant.name().replace('/', "__")))
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> String + '_ {
    move |error| format!("{}: {error}", path.display())
}

/// Measures all variants that have no result yet. One that fails is said and left out.
///
/// # Errors
/// A folder or result cannot be written, or some variants failed: weights are not the expected ones,
/// or llama.cpp refuses them. What was finished stays.
pub fn run(folders: &Folders, items: &[Item], variants: &[Variant]) -> Result<(), String> {
    for folder in [&folders.results, &folders.scratch] {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let started = Instant::now();
    let open: Vec<&Variant> = variants
        .iter()
        .filter(|variant| !result_path(&folders.results, variant).exists())
        .collect();
    eprintln!("{} of {} variants are open", open.len(), variants.len());
    let mut failed = 0;
    for (number, variant) in open.iter().enumerate() {
        let measured = match measure(folders, items, variant) {
            Ok(measured) => measured,
            Err(problem) => {
                eprintln!("{}: {problem}", variant.name());
                failed += 1;
                continue;
            }
        };
        write_result(&result_path(&folders.results, variant), &measured)?;
        let right = items.iter().zip(&measured.scores).filter(|(item, s)| s.answer() == item.gold);
        eprintln!(
            "[{:>3}/{}] {:>6.0} s  {:<52} accuracy {:.3}  perplexity {:>9.2}  {:.2} bits  {:.0} tokens/s",
            number + 1,
            open.len(),
            started.elapsed().as_secs_f64(),
            measured.model,
            right.count() as f64 / items.len() as f64,
            measured.perplexity,
            measured.bits_per_weight,
            measured.tokens_per_cpu_second,
        );
    }
    if failed > 0 { Err(format!("{failed} variants failed")) } else { Ok(()) }
}

/// A result appears under its name only when it is whole.
fn write_result(path: &Path, measured: &Measured) -> Result<(), String> {
    let unfinished = path.with_extension("part");
    let text = serde_json::to_string(measured).map_err(|error| error.to_string())?;
    fs::write(&unfinished, text).map_err(at(&unfinished))?;
    fs::rename(&unfinished, path).map_err(at(path))
}

/// Seconds that the processor spent on this thread, which does all the work: unlike the clock, it
/// does not count the time that other programs take.
fn cpu_seconds() -> Result<f64, String> {
    let path = Path::new("/proc/thread-self/schedstat");
    let text = fs::read_to_string(path).map_err(at(path))?;
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    nanoseconds.map(|number| number / 1e9).ok_or_else(|| format!("{}: no number", path.display()))
}

fn measure(folders: &Folders, items: &[Item], variant: &Variant) -> Result<Measured, String> {
    let shipped = shipped_file(folders, variant.base)?;
    let made = make(folders, &shipped, variant)?;
    let model = Model::load(&made.path)?;
    let setting = Setting { keys: variant.cache, values: variant.cache, threads: 1 };
    let mut session = Session::new(&model, setting, None)?;
    let text = prose::text(SEED, "perplexity", PERPLEXITY_STORIES);
    let (perplexity, perplexity_tokens) = score::perplexity(&model, &mut session, &text)?;

    let before = cpu_seconds()?;
    let batch = if variant.batched { score::BATCH } else { 1 };
    let (scores, tokens) = score::score(&model, &mut session, items, (variant.template, batch))?;
    let tokens_per_cpu_second = tokens as f64 / (cpu_seconds()? - before);

    if made.temporary {
        fs::remove_file(&made.path).map_err(at(&made.path))?;
    }
    Ok(Measured {
        model: variant.name(),
        base: variant.base.name().to_owned(),
        parent: variant.parent(),
        method: variant.method.to_owned(),
        detail: detail(variant),
        bits_per_weight: made.bits as f64 / parameters(&shipped)? as f64,
        size_bytes: made.bits.div_ceil(8),
        simulated: matches!(variant.weights, Weights::Edited(_)),
        perplexity,
        perplexity_tokens,
        tokens_per_cpu_second,
        items_sha256: items_sha256(items)?,
        scores,
    })
}

/// The recipe in words.
fn detail(variant: &Variant) -> String {
    let weights = match &variant.weights {
        Weights::Shipped => "as distributed".to_owned(),
        Weights::Expanded => "as distributed, expanded to f16".to_owned(),
        Weights::Quantized(quantization, matrix) => quantized_detail(quantization, *matrix),
        Weights::Edited(edit) => format!("f16, {}", edit.detail()),
    };
    let (cache, template) = (type_name(variant.cache), variant.template);
    let batches = if variant.batched { "" } else { "; items read one at a time" };
    format!("{weights}; cache {cache}; prompt {template:?}{batches}").to_lowercase()
}

fn quantized_detail(quantization: &Quantization, matrix: Matrix) -> String {
    let mut parts = vec![format!("f16 quantised to {}", mix_name(quantization.mix))];
    if let Some(kind) = quantization.embeddings {
        parts.push(format!("embeddings {}", type_name(kind)));
    }
    let part = |(pattern, kind): &(&str, u32)| format!("{pattern} {}", type_name(*kind));
    parts.extend(quantization.overrides.iter().map(part));
    if matrix == Matrix::With {
        parts.push("importance matrix".to_owned());
    }
    parts.join(", ")
}

/// The distributed weights, checked.
fn shipped_file(folders: &Folders, base: Base) -> Result<PathBuf, String> {
    let (name, expected) = base.file();
    let path = folders.bases.join(name);
    let bytes = fs::read(&path).map_err(at(&path))?;
    let found = hex(&Sha256::digest(&bytes));
    if found == expected {
        return Ok(path);
    }
    Err(format!(
        "{}: SHA-256 is {found}, expected {expected}; run `make study` again",
        path.display()
    ))
}

fn parameters(path: &Path) -> Result<u64, String> {
    let bytes = fs::read(path).map_err(at(path))?;
    Ok(tensors(&bytes)?.iter().map(|tensor| tensor.elements()).sum())
}

fn file_bits(path: &Path) -> Result<u64, String> {
    let bytes = fs::read(path).map_err(at(path))?;
    let bits = |tensor: &crate::gguf::Tensor| 8 * stored_bytes(tensor.kind, tensor.elements());
    Ok(tensors(&bytes)?.iter().map(bits).sum())
}

/// A file to run, and how many bits its weights take.
struct Made {
    path: PathBuf,
    bits: u64,
    temporary: bool,
}

fn make(folders: &Folders, shipped: &Path, variant: &Variant) -> Result<Made, String> {
    let path = folders.scratch.join(format!("{}.gguf", variant.name().replace('/', "__")));
    let temporary = |bits| Ok(Made { path: path.clone(), bits, temporary: true });
    match &variant.weights {
        Weights::Shipped => {
            Ok(Made { path: shipped.to_owned(), bits: file_bits(shipped)?, temporary: false })
        }
        Weights::Expanded => {
            let expanded = expanded(folders, shipped, variant.base)?;
            let bits = file_bits(&expanded)?;
            Ok(Made { path: expanded, bits, temporary: false })
        }
        Weights::Quantized(quantization, matrix) => {
            let expanded = expanded(folders, shipped, variant.base)?;
            let importance = match matrix {
                Matrix::Without => None,
                Matrix::With => Some(importance(&expanded)?),
            };
            quantize(&expanded, &path, quantization, importance.as_ref())?;
            temporary(file_bits(&path)?)
        }
        Weights::Edited(change) => {
            let expanded = expanded(folders, shipped, variant.base)?;
            let mut bytes = fs::read(&expanded).map_err(at(&expanded))?;
            let bits = edit(&mut bytes, change, variant.base.heads())?;
            fs::write(&path, bytes).map_err(at(&path))?;
            temporary(bits)
        }
    }
}

/// The distributed weights as 16-bit floats; made once for both of two runs side by side.
fn expanded(folders: &Folders, shipped: &Path, base: Base) -> Result<PathBuf, String> {
    let path = folders.scratch.join(format!("{}-f16.gguf", base.name()));
    if !path.exists() {
        let unfinished = path.with_extension(format!("part-{}", std::process::id()));
        let mix = llama_cpp_sys_2::LLAMA_FTYPE_MOSTLY_F16;
        let quantization =
            Quantization { mix, pure: false, embeddings: None, overrides: Vec::new() };
        quantize(shipped, &unfinished, &quantization, None)?;
        fs::rename(&unfinished, &path).map_err(at(&path))?;
    }
    Ok(path)
}

/// Measured on running text of ours that is not the text of the perplexity.
fn importance(expanded: &Path) -> Result<Importance, String> {
    let model = Model::load(expanded)?;
    let mut importance = Importance::default();
    let half = llama_cpp_sys_2::GGML_TYPE_F16;
    let setting = Setting { keys: half, values: half, threads: 1 };
    let mut session = Session::new(&model, setting, Some(&mut importance))?;
    let text = prose::text(SEED, "importance", IMPORTANCE_STORIES);
    score::read_text(&model, &mut session, &text)?;
    drop(session);
    Ok(importance)
}
