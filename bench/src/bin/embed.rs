//! Embeds texts and prints the seconds, without loading, and the peak of memory, with it.

use std::{fs, path::Path, time::Instant};

use aliquot_bench::{Error, arguments, number, peak_resident_mib};
use aliquot_embed::{Device, Embedder, ModelManifest, Runtime};

const USAGE: &str = "embed MANIFEST.toml MODELS TEXTS.json THREADS VECTORS.f32";

fn main() -> Result<(), Error> {
    let [manifest, models, texts, threads, vectors] = arguments(USAGE)?;
    let read = |path: &str| {
        fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
    };
    let manifest = ModelManifest::parse(&manifest, &read(&manifest)?)?;
    let texts: Vec<String> =
        serde_json::from_str(&read(&texts)?).map_err(|_| Error::Usage(USAGE))?;
    let models = Path::new(&models);
    let runtime = Runtime::load(&models.join("onnxruntime/libonnxruntime.so"))?;
    let folder = models.join(&manifest.name);
    let start = Instant::now();
    let threads = number(&threads, USAGE)?;
    let mut embedder = Embedder::open(&manifest, &folder, &runtime, Device::Auto, threads)?;
    println!("opening_seconds {}", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let embedded = embedder.embed(&texts, None, &mut |_| ())?;
    println!("seconds {}", start.elapsed().as_secs_f64());
    println!("truncated {}", embedded.truncated.iter().filter(|cut| **cut).count());
    println!("peak_mib {}", peak_resident_mib().unwrap_or(f64::NAN));
    let bytes: Vec<u8> = embedded.vectors.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(&vectors, bytes).map_err(|source| Error::Write { path: vectors, source })
}
