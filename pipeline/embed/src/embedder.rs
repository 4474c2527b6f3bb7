//! A model, opened and checked, that turns texts into vectors.

use std::{cmp::Reverse, collections::BTreeMap, path::Path};

use ort::session::Session;

use crate::{
    BatchRule, Cache, Device, EmbedError, ModelManifest, Progress, Provenance, Provider, Runtime,
    batches::Budget,
    cache::{Entry, Key, Shelf, Writer},
    digests::read_checked,
    inference::{Embedding, Shape},
    pipeline::Pipeline,
    progress::Meter,
    provenance::Found,
    session::{self, Sessions},
    tokens::Windows,
};

/// Padded tokens of a run on the CPU: what keeps the values between two layers, 6 KiB a token in a
/// MiniLM, in a second-level cache of 1 MiB. Longer texts go alone; larger runs are slower.
const CPU_BUDGET: usize = 128;

/// The same on a GPU, which needs many rows to be busy.
const CUDA_BUDGET: usize = 65_536;

/// An opened model.
pub struct Embedder {
    provenance: Provenance,
    windows: Windows,
    shape: Shape,
    sessions: Vec<Session>,
    tokenisers: usize,
}

/// Vectors of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// One row a text, in the order of the texts, `texts x dimension`, row-major.
    pub vectors: Vec<f32>,
    /// Texts whose vector came from the cache.
    pub cached: usize,
    /// Whether of a text not all tokens were used, one entry a text.
    pub truncated: Vec<bool>,
}

/// A text that has no vector yet, with the rows that wait for it.
struct Wanted<'a> {
    text: &'a str,
    rows: Vec<usize>,
}

/// Where vectors go: the matrix, and the count of what was special about them.
struct Rows<'a> {
    dimension: usize,
    embedded: &'a mut Embedded,
}

impl Embedder {
    /// Opens `model.onnx` and `tokenizer.json` of `folder` on the device. `threads` is how many
    /// processors to use; it changes no vector.
    ///
    /// # Errors
    ///
    /// A file is missing or not the pinned one; the tokenizer is of another kind; inputs, outputs
    /// or dimension are not as the manifest says; the device cannot be used.
    pub fn open(
        manifest: &ModelManifest,
        folder: &Path,
        runtime: &Runtime,
        device: Device,
        threads: usize,
    ) -> Result<Self, EmbedError> {
        let path = folder.join("tokenizer.json");
        let tokenizer = read_checked(&path, &manifest.tokenizer, &manifest.name)?;
        let windows = Windows::new(manifest, &path, &tokenizer.bytes)?;
        let weights = read_checked(&folder.join("model.onnx"), &manifest.weights, &manifest.name)?;
        let Sessions { provider, sessions } =
            session::open(manifest, &weights.bytes, runtime, device, threads)?;
        let inputs = sessions.first().map_or(Ok(0), |first| session::check(manifest, first))?;
        let found = Found {
            weights: weights.blake3,
            tokenizer: tokenizer.blake3,
            runtime: runtime.version(),
            provider,
        };
        Ok(Self {
            provenance: Provenance::new(manifest, &found),
            windows,
            shape: Shape {
                model: manifest.name.clone(),
                inputs,
                output: manifest.output.clone(),
                dimension: manifest.dimension,
                pooling: manifest.pooling,
                normalise: manifest.normalise,
                budget: budget(manifest.batch, provider),
            },
            sessions,
            tokenisers: tokenisers(provider, threads),
        })
    }

    /// What its vectors depend on besides the text.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Values of a vector.
    pub fn dimension(&self) -> usize {
        self.shape.dimension
    }

    /// Vectors of the texts, in their order. Equal texts are embedded once; those of the cache are
    /// taken from there, and new ones kept there as batches finish. `progress` is called after
    /// every batch. The longest texts come first, so memory is highest at the start.
    ///
    /// An empty text has the vector of its two special tokens. A text of any length takes bounded
    /// memory; of its tokens, the manifest's rule says how many are used.
    ///
    /// # Errors
    ///
    /// The cache cannot be read or written; the model fails; a vector is not finite.
    pub fn embed<T: AsRef<str>>(
        &mut self,
        texts: &[T],
        cache: Option<&Cache>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Embedded, EmbedError> {
        let dimension = self.shape.dimension;
        let mut embedded = Embedded {
            vectors: vec![0.0; texts.len() * dimension],
            cached: 0,
            truncated: vec![false; texts.len()],
        };
        let mut rows = Rows { dimension, embedded: &mut embedded };
        let mut wanted = by_key(texts);
        let shelf = cache.map(|cache| cache.shelf(self.provenance.digest(), dimension));
        if let Some(shelf) = &shelf {
            rows.take_known(shelf, &mut wanted)?;
        }
        self.embed_missing(&wanted, shelf.as_ref(), &mut rows, progress)?;
        Ok(embedded)
    }

    fn embed_missing(
        &mut self,
        wanted: &BTreeMap<Key, Wanted<'_>>,
        shelf: Option<&Shelf>,
        rows: &mut Rows<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EmbedError> {
        let mut missing: Vec<(&Key, &Wanted<'_>)> = wanted.iter().collect();
        missing.sort_by_key(|(_, wanted)| (Reverse(wanted.text.len()), wanted.rows[0]));
        let texts: Vec<&str> = missing.iter().map(|(_, wanted)| wanted.text).collect();
        let work = |index: usize| self.windows.work(texts[index].len());
        let total = rows.embedded.vectors.len() / rows.dimension;
        let waiting = missing.iter().map(|(_, wanted)| wanted.rows.len()).sum();
        let mut meter = Meter::new(total, waiting, (0..texts.len()).map(work).sum());
        progress(meter.read());
        if missing.is_empty() {
            return Ok(());
        }
        let mut writer = shelf.map(Shelf::writer).transpose()?;
        let pipeline = Pipeline {
            windows: &self.windows,
            shape: &self.shape,
            texts: &texts,
            tokenisers: self.tokenisers,
        };
        let mut take = |embeddings: Vec<Embedding>| {
            let mut entries = Vec::with_capacity(embeddings.len());
            for Embedding { index, truncated, vector } in embeddings {
                let (key, wanted) = missing[index];
                let entry = Entry { key: *key, truncated, vector };
                rows.put(&wanted.rows, &entry);
                meter.add(wanted.rows.len(), work(index));
                entries.push(entry);
            }
            writer.as_mut().map_or(Ok(()), |writer| writer.append(&entries))?;
            progress(meter.read());
            Ok(())
        };
        // The row that an error names is the caller's, not that of the sorted texts.
        pipeline.run(&mut self.sessions, &mut take).map_err(|error| match error {
            EmbedError::NotFinite { model, row } => {
                EmbedError::NotFinite { model, row: missing[row].1.rows[0] }
            }
            other => other,
        })?;
        writer.map_or(Ok(()), Writer::close)
    }
}

impl Rows<'_> {
    fn put(&mut self, rows: &[usize], entry: &Entry) {
        for &row in rows {
            let start = row * self.dimension;
            self.embedded.vectors[start..start + self.dimension].copy_from_slice(&entry.vector);
            self.embedded.truncated[row] = entry.truncated;
        }
    }

    /// Takes what the cache has, off `wanted` too.
    fn take_known(
        &mut self,
        shelf: &Shelf,
        wanted: &mut BTreeMap<Key, Wanted<'_>>,
    ) -> Result<(), EmbedError> {
        let mut known = BTreeMap::new();
        shelf.read(wanted, &mut |entry| {
            known.insert(entry.key, entry);
        })?;
        for (key, entry) in known {
            if let Some(Wanted { rows, .. }) = wanted.remove(&key) {
                self.put(&rows, &entry);
                self.embedded.cached += rows.len();
            }
        }
        Ok(())
    }
}

/// The texts by their digests, each with its rows in ascending order.
fn by_key<T: AsRef<str>>(texts: &[T]) -> BTreeMap<Key, Wanted<'_>> {
    let mut wanted: BTreeMap<Key, Wanted<'_>> = BTreeMap::new();
    for (row, text) in texts.iter().enumerate() {
        let text = text.as_ref();
        let key = *blake3::hash(text.as_bytes()).as_bytes();
        wanted.entry(key).or_insert_with(|| Wanted { text, rows: Vec::new() }).rows.push(row);
    }
    wanted
}

fn budget(rule: BatchRule, provider: Provider) -> Budget {
    match (rule, provider) {
        (BatchRule::Single, _) => Budget::SINGLE,
        (BatchRule::Tokens, Provider::Cpu) => Budget(CPU_BUDGET),
        (BatchRule::Tokens, Provider::Cuda) => Budget(CUDA_BUDGET),
    }
}

/// On the CPU one thread tokenises faster than all others infer. A GPU leaves the processors free.
fn tokenisers(provider: Provider, threads: usize) -> usize {
    match provider {
        Provider::Cpu => 1,
        Provider::Cuda => threads.max(1),
    }
}
