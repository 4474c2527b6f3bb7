use std::{io, path::PathBuf};

use thiserror::Error;

use crate::Device;

/// Why texts could not be embedded.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// A model's manifest says something that it may not.
    #[error("{file}: {message}")]
    Manifest {
        /// The manifest.
        file: String,
        /// What is wrong, with the key and, where the parser knows it, the line.
        message: String,
    },
    /// A file of the model or the runtime is not there.
    #[error("{} is not there; `make setup{}` fetches it", path.display(), model_argument(model))]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// The model to fetch, or nothing for the runtime alone.
        model: String,
    },
    /// The file system refused.
    #[error("{action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A file is not the one that the manifest pins.
    #[error(
        "{} is not the file that the manifest of {model} pins\n  pinned: {algorithm} {expected}\n  \
         found:  {algorithm} {actual}\n  remove it, then `make setup MODEL={model}`", path.display()
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// The model.
        model: String,
        /// SHA-256, BLAKE3 or size.
        algorithm: &'static str,
        /// As pinned.
        expected: String,
        /// As found.
        actual: String,
    },
    /// The library is no ONNX Runtime that this program can use.
    #[error("load ONNX Runtime from `{}`: {message}; `make setup` fetches version 1.{expected}", path.display())]
    Runtime {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        message: String,
        /// Minor version that this program is built for.
        expected: u32,
    },
    /// A second library was asked for; a process has one.
    #[error("ONNX Runtime is loaded from `{}` already; a process cannot load `{}` too", loaded.display(), asked.display())]
    SecondRuntime {
        /// The one that is loaded.
        loaded: PathBuf,
        /// The one that was asked for.
        asked: PathBuf,
    },
    /// A device that was named does not answer.
    #[error(
        "device `{device}` cannot be used: {message}; `make setup DEVICE=cuda` fetches the library \
         for CUDA, `nvidia-smi` shows whether the driver runs; `cpu` and `auto` do without"
    )]
    Device {
        /// As asked for.
        device: Device,
        /// What the runtime said.
        message: String,
    },
    /// A device's name is none.
    #[error("`{0}` is no device; give `auto`, `cpu` or `cuda:N`")]
    DeviceName(String),
    /// The model's inputs or outputs are not those of a text encoder.
    #[error("{model}: {message}")]
    Shape {
        /// The model.
        model: String,
        /// What is there and what was expected.
        message: String,
    },
    /// The tokenizer's file is not understood.
    #[error("{}: {message}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The model failed while it ran.
    #[error("{model}: inference failed: {message}")]
    Inference {
        /// The model.
        model: String,
        /// What the runtime said.
        message: String,
    },
    /// A vector holds a value that is no number, or nothing but zeros.
    #[error(
        "{model}: text {row} has no vector of finite length; the model or the library is damaged"
    )]
    NotFinite {
        /// The model.
        model: String,
        /// Index of the text, from 0.
        row: usize,
    },
    /// No vectors are pinned for the model.
    #[error("no vectors are pinned for {model}; those of {} are", known.join(", "))]
    NothingPinned {
        /// The model.
        model: String,
        /// Models that can be checked.
        known: Vec<&'static str>,
    },
}

impl EmbedError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

fn model_argument(model: &str) -> String {
    if model.is_empty() { String::new() } else { format!(" MODEL={model}") }
}
