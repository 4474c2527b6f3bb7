//! Vectors of real models, against those made in Python. Needs `make setup`; without it the tests
//! say so and skip, and with `CI=true` they fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use aliquot_embed::{
    BatchRule, Cache, Device, EmbedError, Embedded, Embedder, LongTexts, ModelManifest, Provider,
    Runtime, self_check,
};
use serde_json::Value;

const FLOAT: &str = "paraphrase-MiniLM-L3-v2";
const ROUNDED: &str = "all-MiniLM-L6-v2-int8";
const DIMENSION: usize = 384;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `.models/`, or None with a line that says so; missing in CI it is a failure.
fn models() -> Option<PathBuf> {
    let folder = root().join(".models");
    if folder.join("onnxruntime/libonnxruntime.so").exists() && folder.join(FLOAT).exists() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs `make setup`");
    eprintln!("skipped: `make setup` was not run");
    None
}

fn manifest(name: &str) -> ModelManifest {
    let file = root().join(format!("manifests/models/{name}.toml"));
    ModelManifest::parse(file.to_str().unwrap(), &fs::read_to_string(&file).unwrap()).unwrap()
}

fn runtime(models: &Path) -> Runtime {
    Runtime::load(&models.join("onnxruntime/libonnxruntime.so")).unwrap()
}

fn open(models: &Path, manifest: &ModelManifest, threads: usize) -> Embedder {
    let folder = models.join(&manifest.name);
    Embedder::open(manifest, &folder, &runtime(models), Device::Cpu, threads).unwrap()
}

fn prompts() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/prompts.json");
    let entries: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let text = |entry: &Value| {
        entry["text"].as_str().unwrap().repeat(entry["times"].as_u64().unwrap() as usize)
    };
    entries.as_array().unwrap().iter().map(text).collect()
}

/// Vectors of the reference, kept as i16: each value within 1.6e-5 of what Python computed.
fn reference(name: &str) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let bytes = fs::read(path).unwrap();
    let value = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32767.0;
    bytes.chunks_exact(2).map(value).collect()
}

fn embed<T: AsRef<str>>(embedder: &mut Embedder, texts: &[T]) -> Embedded {
    embedder.embed(texts, None, &mut |_| ()).unwrap()
}

fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product = |one: &[f32], other: &[f32]| -> f64 {
        one.iter().zip(other).map(|(&one, &other)| f64::from(one) * f64::from(other)).sum()
    };
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}

fn assert_equal_to_python(vectors: &[f32], reference: &[f32]) {
    assert_eq!(vectors.len(), 200 * DIMENSION);
    assert_eq!(vectors.len(), reference.len());
    let rows = vectors.chunks_exact(DIMENSION).zip(reference.chunks_exact(DIMENSION));
    for (row, (vector, reference)) in rows.enumerate() {
        let cosine = cosine(vector, reference);
        let difference = largest_difference(vector, reference);
        assert!(cosine >= 0.9999 && difference < 2.5e-5, "row {row}: {cosine} {difference}");
    }
}

/// Texts of which not all was read.
fn cut(embedded: &Embedded) -> usize {
    embedded.truncated.iter().filter(|cut| **cut).count()
}

#[test]
fn two_hundred_prompts_have_the_vectors_of_python() {
    let Some(models) = models() else { return };
    let prompts = prompts();
    let truncated = embed(&mut open(&models, &manifest(FLOAT), 2), &prompts);
    assert_equal_to_python(&truncated.vectors, &reference("prompts.i16"));
    assert_eq!(cut(&truncated), 78);

    let windowed = ModelManifest { long_texts: LongTexts::WindowedMean, ..manifest(FLOAT) };
    let all = embed(&mut open(&models, &windowed, 2), &prompts);
    assert_equal_to_python(&all.vectors, &reference("windowed.i16"));
    // A megabyte of words and ten thousand numbers are more than 64 windows hold.
    assert_eq!(cut(&all), 2);
}

#[test]
fn neighbours_order_and_threads_do_not_change_a_vector() {
    let Some(models) = models() else { return };
    // Without the few that take long.
    let prompts: Vec<String> = prompts().into_iter().filter(|text| text.len() < 5000).collect();
    let single = ModelManifest { batch: BatchRule::Single, ..manifest(FLOAT) };
    for manifest in [manifest(FLOAT), manifest(ROUNDED), single] {
        let name = &manifest.name;
        let mut embedder = open(&models, &manifest, 2);
        let together = embed(&mut embedder, &prompts).vectors;
        let backwards: Vec<&String> = prompts.iter().rev().step_by(3).collect();
        let backwards = embed(&mut embedder, &backwards).vectors;
        let expected = together.chunks_exact(DIMENSION).rev().step_by(3);
        let worst = expected
            .zip(backwards.chunks_exact(DIMENSION))
            .map(|(one, other)| largest_difference(one, other))
            .fold(0.0, f32::max);
        let mut single = open(&models, &manifest, 1);
        let alone = (0..prompts.len()).step_by(7).map(|row| {
            let vector = embed(&mut single, &prompts[row..=row]).vectors;
            largest_difference(&vector, &together[row * DIMENSION..][..DIMENSION])
        });
        let worst = alone.fold(worst, f32::max);
        println!("{name}: {worst:e}");
        assert!(worst <= 1e-6, "{name}: {worst}");
    }
}

#[test]
fn the_self_check_finds_the_pinned_vectors() {
    let Some(models) = models() else { return };
    for name in [FLOAT, ROUNDED] {
        let check = self_check(&mut open(&models, &manifest(name), 2)).unwrap();
        println!("{name}: {check:?}");
        assert!(check.largest_deviation < 1e-5 && check.smallest_cosine > 0.9999, "{check:?}");
        assert_eq!((check.texts, check.provider), (16, Provider::Cpu));
    }
    let renamed = ModelManifest { name: "other".to_owned(), ..manifest(FLOAT) };
    let folder = models.join(FLOAT);
    let mut other = Embedder::open(&renamed, &folder, &runtime(&models), Device::Cpu, 1).unwrap();
    assert!(self_check(&mut other).unwrap_err().to_string().contains(FLOAT));
}

#[test]
fn empty_texts_and_no_texts() {
    let Some(models) = models() else { return };
    let mut embedder = open(&models, &manifest(FLOAT), 1);
    assert!(embed::<&str>(&mut embedder, &[]).vectors.is_empty());
    let empty = embed(&mut embedder, &["", " \n", "\u{0}"]);
    assert!((cosine(&empty.vectors[..DIMENSION], &empty.vectors[..DIMENSION]) - 1.0).abs() < 1e-9);
    // All of them are their two special tokens.
    assert_eq!(empty.vectors[..DIMENSION], empty.vectors[DIMENSION..2 * DIMENSION]);
    assert_eq!(empty.vectors[..DIMENSION], empty.vectors[2 * DIMENSION..]);
}

#[test]
fn the_cache_embeds_only_what_is_new() {
    let Some(models) = models() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    let mut embedder = open(&models, &manifest(FLOAT), 1);
    let texts = ["one", "two", "one", "three"];
    let mut last = None;
    let first =
        embedder.embed(&texts[..3], Some(&cache), &mut |progress| last = Some(progress)).unwrap();
    assert_eq!((first.cached, last.unwrap().done), (0, 3));
    assert_eq!(first.vectors[..DIMENSION], first.vectors[2 * DIMENSION..]);
    let second = embedder.embed(&texts, Some(&cache), &mut |_| ()).unwrap();
    assert_eq!(second.cached, 3);
    assert_eq!(second.vectors, embed(&mut embedder, &texts).vectors);

    // Another setting, another vector.
    let prefixed = ModelManifest { prefix: "query: ".to_owned(), ..manifest(FLOAT) };
    let other = open(&models, &prefixed, 1).embed(&texts, Some(&cache), &mut |_| ()).unwrap();
    assert_eq!(other.cached, 0);
    assert!(largest_difference(&other.vectors, &second.vectors) > 1e-3);
}

#[test]
fn a_damaged_or_missing_file_is_refused() {
    let Some(models) = models() else { return };
    let manifest = manifest(FLOAT);
    let open = |folder: &Path, manifest: &ModelManifest| {
        let opened = Embedder::open(manifest, folder, &runtime(&models), Device::Cpu, 1);
        opened.err().unwrap().to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let missing = open(folder.path(), &manifest);
    assert!(missing.contains("make setup MODEL=paraphrase"), "{missing}");
    let copy = |name: &str| fs::copy(models.join(FLOAT).join(name), folder.path().join(name));
    copy("tokenizer.json").unwrap();
    copy("model.onnx").unwrap();
    let path = folder.path().join("model.onnx");
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let damaged = open(folder.path(), &manifest);
    for part in ["model.onnx", &manifest.weights.sha256, "found:", "make setup"] {
        assert!(damaged.contains(part), "{damaged}");
    }
}

#[test]
fn a_model_of_another_kind_is_refused() {
    let Some(models) = models() else { return };
    let refused = |manifest: &ModelManifest, folder: &Path| {
        let opened = Embedder::open(manifest, folder, &runtime(&models), Device::Cpu, 1);
        opened.err().unwrap().to_string()
    };
    let folder = models.join(FLOAT);
    let output = ModelManifest { output: "nothing".to_owned(), ..manifest(FLOAT) };
    assert!(refused(&output, &folder).contains("onnx::Shape_422"));
    let dimension = ModelManifest { dimension: 100, ..manifest(FLOAT) };
    assert!(refused(&dimension, &folder).contains("[texts, tokens, 100]"));

    // An input's name changed in the file itself, and the digest with it.
    let copy = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(folder.join("model.onnx")).unwrap();
    let places: Vec<usize> =
        (0..bytes.len() - 9).filter(|&at| &bytes[at..at + 9] == b"input_ids").collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| bytes[at + 8] = b'z');
    fs::write(copy.path().join("model.onnx"), &bytes).unwrap();
    fs::copy(folder.join("tokenizer.json"), copy.path().join("tokenizer.json")).unwrap();
    let mut renamed = manifest(FLOAT);
    renamed.weights.sha256 = sha256(&bytes);
    renamed.weights.blake3 = None;
    let message = refused(&renamed, copy.path());
    assert!(message.contains("input_idz") && message.contains("input_ids"), "{message}");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_device_that_does_not_answer_is_an_error_and_auto_says_what_it_took() {
    let Some(models) = models() else { return };
    let manifest = manifest(FLOAT);
    let folder = models.join(FLOAT);
    let open = |device| Embedder::open(&manifest, &folder, &runtime(&models), device, 1);
    // 99 is no device anywhere, with or without CUDA.
    let error = open(Device::Cuda(99)).err().unwrap();
    assert!(matches!(error, EmbedError::Device { device: Device::Cuda(99), .. }), "{error}");
    assert!(error.to_string().contains("DEVICE=cuda"), "{error}");
    let provider = open(Device::Auto).unwrap().provenance().provider;
    assert_eq!(provider == Provider::Cuda, open(Device::Cuda(0)).is_ok());
}
