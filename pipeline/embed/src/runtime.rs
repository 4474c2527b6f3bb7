//! ONNX Runtime, loaded while the program runs.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ort::environment::Environment;

use crate::EmbedError;

/// ONNX Runtime; a process has one, which all copies of this share.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub(crate) environment: Environment,
    path: PathBuf,
    version: String,
}

/// The library of this process. It stays loaded: the runtime's own globals do not survive a second
/// start.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Minor version of the library that this program is built for; another one is refused.
    pub const MINOR_VERSION: u32 = ort::MINOR_VERSION;

    /// Loads the library, or returns the one that is loaded from this path.
    ///
    /// # Errors
    ///
    /// The file is not there, is no ONNX Runtime, or of another minor version than this program is
    /// built for; or another library is loaded already.
    pub fn load(path: &Path) -> Result<Self, EmbedError> {
        let path = path
            .canonicalize()
            .map_err(|_| EmbedError::Missing { path: path.to_owned(), model: String::new() })?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*loaded {
            if runtime.path == path {
                return Ok(runtime.clone());
            }
            return Err(EmbedError::SecondRuntime { loaded: runtime.path.clone(), asked: path });
        }
        let runtime = start(path)?;
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Version and build of the library, for instance `1.31 (402979a)`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

fn start(path: PathBuf) -> Result<Runtime, EmbedError> {
    let expected = ort::MINOR_VERSION;
    let refused = |message: String| EmbedError::Runtime { path: path.clone(), message, expected };
    let builder = ort::init_from(&path).map_err(|error| refused(error.to_string()))?;
    // A newer library would run, with other kernels and so with other bits in the vectors.
    let minor = ort::util::probe(&path).unwrap_or_default();
    if minor != expected {
        return Err(refused(format!("it is version 1.{minor}")));
    }
    let environment = builder
        .with_name("aliquot")
        .with_telemetry(false)
        .build()
        .map_err(|error| refused(error.message().to_owned()))?;
    let version = format!("1.{minor} ({})", commit(ort::info()));
    Ok(Runtime { environment, path, version })
}

/// The commit in a line like `ORT Build Info: git-branch=HEAD, git-commit-id=402979a, build type=Release`.
fn commit(information: &str) -> &str {
    let after = information.split("git-commit-id=").nth(1).unwrap_or("unknown build");
    after.split(',').next().unwrap_or(after).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_names_the_command() {
        let error = Runtime::load(Path::new("/nowhere/libonnxruntime.so")).unwrap_err();
        assert!(error.to_string().contains("make setup"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_library_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Runtime::load(file.path()).unwrap_err();
        assert!(matches!(error, EmbedError::Runtime { .. }), "{error}");
    }

    #[test]
    fn the_build_is_in_the_version() {
        let line = "ORT Build Info: git-branch=HEAD, git-commit-id=402979a, build type=Release";
        assert_eq!(commit(line), "402979a");
        assert_eq!(commit(""), "unknown build");
    }
}
